"""A measure of two columns, called by its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twinset import registry
from twinset.errors import InputError
from twinset.evaluation.release import evaluate as evaluate_tables
from twinset.inputs import Options, read, read_like

__all__ = ["metric"]

_METRICS = ("columns", "numbers", "coverage", "divergences", "tails")


def metric(name: str) -> Callable[[object, object], float]:
    """Return the measure called `name` as a function of two columns.

    ``ts.metric("ks")(a, b)`` is the figure of ``b`` against ``a``; columns are anything that pandas
    makes a Series of. Names are those of report.json for single columns, such as ``"column_tvd"``.

    Raises
    ------
    InputError
        If no measure of two columns has this name.
    """
    return partial(_measure_columns, name)


def _measure_columns(name: str, a: object, b: object) -> float:
    import pandas as pd

    families = [m for m in _METRICS if name in {d.name for d in registry.measures_of(m)}]
    if not families:
        known = sorted(d.name for m in _METRICS for d in registry.measures_of(m))
        raise InputError(f"measure {name!r}", got="no such measure", allowed=", ".join(known))
    left, right = (pd.DataFrame({"x": _column(v)}) for v in (a, b))
    real = read(left, Options())[1].only
    released = read_like(right, real, Options())
    found = evaluate_tables(real, released, metrics=families)
    for result in found.results:
        if result.name == name and result.value is not None:
            return result.value
    raise InputError(f"measure {name!r}", got="columns that it cannot compare")


def _column(values: Any) -> Any:
    import pandas as pd

    if getattr(values, "ndim", 1) != 1:
        raise InputError("a measure of two columns", got="tables", hint="ts.evaluate takes tables")
    return pd.Series(values).reset_index(drop=True)
