"""Old names of options: they work for one version, and a warning says the new name."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from twinset.errors import InputError

__all__ = ["renamed", "warn_of_old"]

P = ParamSpec("P")
R = TypeVar("R")


def renamed(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take keywords under their old names too: ``renamed(old="new")``.

    Raises
    ------
    InputError
        When it is called with an option under both names.
    """

    def decorate(call: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(call)
        def under_new_names(*args: P.args, **given: P.kwargs) -> R:
            changed: dict[str, Any] = dict(given)
            for old in [name for name in given if name in names]:
                new = names[old]
                if new in given:
                    raise InputError(f"option {new!r}", got=f"{old!r} as well, its old name")
                warn_of_old(f"{old}=", f"{new}=")
                changed[new] = changed.pop(old)
            return call(*args, **changed)

        return under_new_names

    return decorate


def warn_of_old(old: str, new: str) -> None:
    """Warn who calls the caller that what was spelled `old` is `new` now."""
    said = f"{old} is {new} now; the old spelling works for this version only"
    warnings.warn(said, DeprecationWarning, stacklevel=3)
