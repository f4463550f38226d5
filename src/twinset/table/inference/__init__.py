"""Inference: a schema for a table that nobody has described, with the reason of each guess."""
