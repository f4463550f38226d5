"""Kinds of columns to numbers and codes and back: protection, and what is made new."""
