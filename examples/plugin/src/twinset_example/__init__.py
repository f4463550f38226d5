"""A generator, a metric and an attack for twinset, found through entry points."""

__all__: list[str] = []
