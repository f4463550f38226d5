"""What is asked of a twin, checked once, and drawn piece by piece."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from twinset.errors import InputError
from twinset.progress import phase
from twinset.rules.enforce import needs_whole_table
from twinset.rules.row_tests import Condition
from twinset.sampling.density_tilt import Tilt, draw_alike, read_exemplars
from twinset.sampling.fitted import Fitted
from twinset.sampling.quotas import Shares, draw_shared
from twinset.sampling.sample import PIECE, Draw, draw, made_unique
from twinset.scale.local import map_ordered
from twinset.table.expressions.expression import Expression, parse

__all__ = ["Asked", "check_designed", "draws"]


@dataclass(frozen=True)
class Asked:
    """What rows shall be like; see `twinset.twin.Twin.sample`."""

    given: Mapping[str, object] = field(default_factory=dict)
    where: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    like: object = None


def _check_types(rows: object, asked: Asked) -> None:
    if not isinstance(rows, int | np.integer) or rows < 1:
        raise InputError("number of rows", got=repr(rows), allowed="a whole number, 1 or more")
    for name, value, kind, shown in (
        ("given", asked.given, Mapping, '{"column": value}'),
        ("where", asked.where, str | None, 'a condition, such as "age >= 60"'),
        ("shares", asked.shares, Mapping, '{"condition": share}'),
    ):
        if not isinstance(value, kind):
            raise InputError(name, got=type(value).__name__, allowed=shown)


def draws(
    twin: Fitted, rows: int, asked: Asked, *, seed: int, piece: int = PIECE
) -> Iterator[Draw]:
    """Yield `rows` rows piece by piece, in bounded memory; see `twinset.twin.Twin.draws`."""
    _check_types(rows, asked)
    given = asked.given
    condition = None if asked.where is None else Condition.of(_expression(twin, asked.where))
    _check_kept(twin, asked, rows)
    whole = needs_whole_table(twin.rules, twin.schema)
    if whole:
        _check_whole(asked)
        piece = rows
    if asked.shares and asked.like is not None:
        raise InputError("--share and --like", got="both", allowed="one of them, not both")
    wanted: dict[Expression, float] = {}
    for text, share in asked.shares.items():
        expression = _expression(twin, text)
        if expression in wanted:
            raise InputError("--share", got=f"{text} twice", allowed="each expression once")
        wanted[expression] = share
    shares = Shares.of(wanted)
    tilt: Tilt | None = None
    if asked.like is not None:
        exemplars = read_exemplars(twin, asked.like)
        tilt = Tilt.fit(twin, exemplars, given, condition, seed)

    def one(i: int) -> Draw:
        size, start = min(piece, rows - i * piece), i * piece
        if tilt is not None:
            return draw_alike(twin, size, tilt, given, condition, seed, index=i, start=start)
        if shares:
            return draw_shared(twin, size, shares, given, condition, seed, index=i, start=start)
        return draw(twin, size, given, condition, seed, index=i, start=start)

    with phase("sample", rows) as running:
        for drawn in map_ordered(one, range(math.ceil(rows / piece))):
            yield drawn
            running.advance(drawn.table.num_rows)


def _expression(twin: Fitted, text: str) -> Expression:
    condition = parse(text)
    for name in condition.columns:
        if made_unique(twin.schema[name]):
            raise InputError(
                f"condition on {name!r}",
                got="a column that is made new and unique",
                allowed=", ".join(twin.codec.learnable.names[:12]),
            )
    return condition


def check_designed(twin: Fitted, where: str | None) -> Condition | None:
    """Return the condition of rows that are designed, not drawn.

    Raises
    ------
    InputError
        If the twin keeps columns or has rules that compare rows, or for a condition on columns
        that are made new.
    """
    if twin.kept is not None or any(r.claim.whole_table for r in twin.rules):
        raise InputError(
            "a design",
            got="a model that keeps columns" if twin.kept is not None else "rules across rows",
            hint="sample from the model instead",
        )
    if where is None:
        return None
    expression = _expression(twin, where)
    made = [n for n in expression.columns if n not in twin.codec.learnable.names]
    if made:
        raise InputError(f"condition on {made[0]!r}", got="a column that is made new")
    return Condition.of(expression)


def _check_kept(twin: Fitted, asked: Asked, rows: int) -> None:
    """Refuse what does not go with columns that are kept as they are."""
    if twin.kept is None:
        return
    for option in ("where", "shares", "like"):
        if getattr(asked, option):
            raise InputError(
                f"--{option}",
                got="a model that keeps columns as they are, row by row",
                hint="sample all rows and filter the file",
            )
    clash = sorted(set(asked.given) & set(twin.kept.column_names))
    if clash:
        raise InputError(f"condition on {clash[0]!r}", got="a column that is kept as it is")
    if rows > twin.kept.num_rows:
        raise InputError(
            "number of rows",
            got=str(rows),
            allowed=f"at most {twin.kept.num_rows}, since columns are kept as they are",
        )


def _check_whole(asked: Asked) -> None:
    if asked.shares or asked.like is not None:
        raise InputError(
            "--share" if asked.shares else "--like",
            got="a model with rules that compare rows (unique, monotone, open dependencies)",
            hint="use --where or --given",
        )
