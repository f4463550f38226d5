"""Attacks, one a file; see `twinset.registry`."""
