"""Generators, one a file; see `twinset.registry`."""
