"""Values and bins in words."""

from __future__ import annotations

import datetime as dt
import itertools
import math

from twinset.stats.codes import NumberBins
from twinset.table.schema import Kind

__all__ = ["bin_texts", "value_text"]

_EPOCH = dt.datetime(1970, 1, 1)


def value_text(value: float, kind: Kind) -> str:
    """Write a number of a number-like column as a person would.

    >>> value_text(12.50, Kind.REAL), value_text(0.0, Kind.DATE), value_text(5400.0, Kind.TIME)
    ('12.5', '1970-01-01', '01:30:00')
    """
    if kind in (Kind.DATE, Kind.DATETIME):
        seconds = value * 86_400 if kind is Kind.DATE else value
        try:
            moment = _EPOCH + dt.timedelta(seconds=seconds)
        except OverflowError:
            return f"{value:.12g}"
        midnight = kind is Kind.DATE or moment.time() == dt.time()
        return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S")
    if kind is Kind.TIME and 0 <= value < 86_400:
        whole = math.floor(value)
        return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    if kind is Kind.DURATION:
        return f"{value:.12g} s"
    return f"{value:.12g}"


def bin_texts(bins: NumberBins, kind: Kind) -> tuple[str, ...]:
    """Name each code of `NumberBins`."""
    edges = [value_text(float(e), kind) for e in bins.edges]
    if edges:
        inner = [f"from {a} to {b}" for a, b in itertools.pairwise(edges)]
        texts = [f"below {edges[0]}", *inner, f"at {edges[-1]} or more"]
    else:
        texts = ["at other values"]
    texts += [f"at exactly {value_text(float(a), kind)}" for a in bins.atoms]
    return (*texts, "missing", "at values that train does not have")
