"""Evaluation: evidence once, metrics on it, noise floors, multiplicity."""
