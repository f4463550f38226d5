"""twinset: a twin of your data set, made, measured, attacked, and only then shared."""

from __future__ import annotations

__version__ = "0.1.0"
