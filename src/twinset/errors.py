"""Every error that twinset raises on purpose.

```
TwinsetError                exit 4   anything below; alone: a defect of twinset itself
├── InputError              exit 2   the input or the call is wrong
│   ├── SchemaError         exit 2   a schema does not fit its table, or is not a schema
│   ├── ExpressionError     exit 2   an expression cannot be parsed or names unknown columns
│   ├── ModelFileError      exit 2   a .twin file is damaged, too new, too large or not a twin
│   ├── ConditionError      exit 2   a condition has no support
│   └── MissingExtraError   exit 2   an optional dependency is not installed
├── StoppedError            exit 3   interrupted or out of time; the same command goes on
├── ControlError            exit 4   a built-in control failed: do not trust the result
└── StorageError            exit 4   the disk is full or a result cannot be written
```

An error message never holds a data value: it names columns, rows and counts.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import ClassVar

__all__ = [
    "ConditionError",
    "ControlError",
    "ExpressionError",
    "InputError",
    "MissingExtraError",
    "ModelFileError",
    "SchemaError",
    "StoppedError",
    "StorageError",
    "TwinsetError",
    "near",
]


def near(name: str, known: Sequence[str], *, most: int = 3, cutoff: float = 0.4) -> dict[str, str]:
    """Return what an error says of a wrong name: the nearest known ones, else the first of them.

    >>> near("incme", ["age", "income"])
    {'hint': 'did you mean income?'}
    >>> near("zzz", ["age", "income"])
    {'allowed': 'age, income'}
    """
    found = difflib.get_close_matches(name, known, n=most, cutoff=cutoff)
    if found:
        return {"hint": f"did you mean {', '.join(found)}?"}
    return {"allowed": ", ".join(known[:8])} if known else {}


class TwinsetError(Exception):
    """Root of the tree; the command line ends with `exit_code`."""

    exit_code: ClassVar[int] = 4


class InputError(TwinsetError):
    """The input or the call is wrong.

    Parameters
    ----------
    what
        The thing that is wrong, such as ``"--target"`` or ``"column age"``.
    got
        What was found there (never a data value).
    allowed
        What would have been accepted.
    hint
        What to do next.
    """

    exit_code = 2

    def __init__(self, what: str, *, got: str = "", allowed: str = "", hint: str = "") -> None:
        self.what, self.got, self.allowed, self.hint = what, got, allowed, hint
        parts = [what]
        if got:
            parts.append(f"got {got}")
        if allowed:
            parts.append(f"allowed: {allowed}")
        if hint:
            parts.append(f"hint: {hint}")
        super().__init__("; ".join(parts))


class SchemaError(InputError):
    """A schema does not fit its table, or is not a schema."""


class ExpressionError(InputError):
    """An expression cannot be parsed or names unknown columns."""


class ModelFileError(InputError):
    """A .twin file is damaged, too new, too large or not a twin."""


class ConditionError(InputError):
    """A condition has no support in the model."""


class MissingExtraError(InputError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"package {package} is not installed", hint=f"pip install 'twinset[{extra}]'"
        )


class StoppedError(TwinsetError):
    """Interrupted or out of time; the same command goes on where it stopped."""

    exit_code = 3


class ControlError(TwinsetError):
    """A built-in control failed, so the result must not be trusted."""


class StorageError(TwinsetError):
    """The disk is full or a result cannot be written."""
