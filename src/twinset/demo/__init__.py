"""The demo table: UCI Adult."""

from __future__ import annotations

from pathlib import Path

__all__ = ["adult_path"]


def adult_path() -> Path:
    """Path of the Adult table (48,842 x 15, Parquet)."""
    return Path(__file__).parent / "adult.parquet"
