"""The command line: thin, it calls `twinset.api` only."""

from __future__ import annotations

from twinset.cli.main import main

__all__ = ["main"]
