"""Checks that a generator, metric or attack must pass: plug-in authors run ours.

Each check takes an instance (or a class with default options) and raises AssertionError with the
promise that is broken. They need nothing but twinset and a few seconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinset.checks.attack import check_attack
    from twinset.checks.generator import check_generator
    from twinset.checks.metric import check_metric

__all__ = ["check_attack", "check_generator", "check_metric"]


def __getattr__(name: str) -> Any:
    """Import a check when it is asked for: each needs a part of twinset only."""
    if name in __all__:
        return getattr(import_module(f"twinset.checks.{name.removeprefix('check_')}"), name)
    raise AttributeError(f"module 'twinset.checks' has no attribute {name!r}")
