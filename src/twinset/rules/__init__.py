"""Semantic rules: read from a file, mined from a table, checked, and kept by a twin."""
