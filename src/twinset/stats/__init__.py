"""Counts, intervals, tests and neighbours: arrays in, arrays out."""
