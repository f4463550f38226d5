"""Metrics, one measure or one close family a file; see `twinset.registry`."""
