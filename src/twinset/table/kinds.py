"""Kinds of columns: the one place that knows what sets each kind apart.

A kind's values stand in a `twinset.table.table.Table` in one Arrow type. Those with an order and a
distance have a number each, so that dates and times are worked with as numbers are: it counts days
since 1970-01-01 for dates, seconds since then for datetimes, seconds for times and durations.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

__all__ = ["Kind"]


class _Facts(NamedTuple):
    """What is known of a kind.

    Attributes
    ----------
    family
        Amounts can be added, moments lie in the calendar or on the clock, levels are listed; what
        no generator may see is made new.
    arrow
        Canonical Arrow type by its name, ``"dictionary"`` being codes of text; datetimes have no
        zone, and a real is never NaN: null is null.
    ticks
        What Arrow's whole number grows by for each 1 of the kind's numbers.
    seconds
        What 1 of the kind's numbers lasts, if that is a time.
    step
        Grid on which all values lie.
    counts
        What the number of a date says, in words.
    """

    family: Literal["amount", "moment", "levels", "made new"]
    arrow: str
    ticks: int = 1
    seconds: int | None = None
    step: float | None = None
    counts: str = ""


_MICRO = 1_000_000
_DAY = 86_400


class Kind(StrEnum):
    """What the values of a column are."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    REAL = "real"
    CATEGORY = "category"
    ORDINAL = "ordinal"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    DURATION = "duration"
    IDENTIFIER = "identifier"
    TEXT = "text"
    CONSTANT = "constant"

    @property
    def facts(self) -> _Facts:
        """What is known of the kind."""
        return _FACTS[self]

    @property
    def is_learnable(self) -> bool:
        """Whether a generator may see the column; identifiers, text and constants are made new."""
        return self.facts.family != "made new"

    @property
    def is_number_like(self) -> bool:
        """Whether values have an order and a distance, as numbers and times have."""
        return self.facts.family in ("amount", "moment")

    @property
    def is_amount(self) -> bool:
        """Whether values can be added: numbers and durations, not dates and times of day."""
        return self.facts.family == "amount"

    @property
    def is_plain_number(self) -> bool:
        """Whether values are numbers as they stand, whole or with decimals."""
        return self.is_amount and not self.is_timed

    @property
    def is_moment(self) -> bool:
        """Whether values are dates, or times of day with or without one."""
        return self.facts.family == "moment"

    @property
    def is_calendar(self) -> bool:
        """Whether values lie in the calendar: dates, with or without a time of day."""
        return self.facts.counts != ""

    @property
    def is_timed(self) -> bool:
        """Whether numbers of the kind count days or seconds."""
        return self.facts.seconds is not None

    @property
    def is_whole(self) -> bool:
        """Whether numbers of the kind are whole: counts and days."""
        return self.facts.step == 1.0

    @property
    def is_coded(self) -> bool:
        """Whether values stand as codes of listed levels, ordered or not."""
        return self.facts.arrow == "dictionary"


_FACTS = {
    Kind.BOOLEAN: _Facts("levels", "bool"),
    Kind.INTEGER: _Facts("amount", "int64", step=1.0),
    Kind.REAL: _Facts("amount", "double"),
    Kind.CATEGORY: _Facts("levels", "dictionary"),
    Kind.ORDINAL: _Facts("levels", "dictionary"),
    Kind.DATE: _Facts("moment", "date32", seconds=_DAY, step=1.0, counts="days since 1970-01-01"),
    Kind.DATETIME: _Facts(
        "moment", "timestamp[us]", _MICRO, seconds=1, counts="seconds since 1970-01-01"
    ),
    Kind.TIME: _Facts("moment", "time64[us]", _MICRO, seconds=1),
    Kind.DURATION: _Facts("amount", "duration[us]", _MICRO, seconds=1),
    Kind.IDENTIFIER: _Facts("made new", "string"),
    Kind.TEXT: _Facts("made new", "string"),
    Kind.CONSTANT: _Facts("made new", "string"),
}
