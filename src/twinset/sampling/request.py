"""What is asked of a twin, checked once, and drawn piece by piece."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import ConditionError, InputError
from twinset.progress import phase
from twinset.protocols import PartialRows, Sample
from twinset.rules.enforce import needs_whole_table
from twinset.rules.row_tests import Condition
from twinset.sampling.density_tilt import Tilt, draw_alike, read_exemplars
from twinset.sampling.fitted import Fitted
from twinset.sampling.quotas import Shares, draw_shared
from twinset.sampling.sample import PIECE, KnownCells, draw, made_unique
from twinset.scale.local import map_ordered
from twinset.stats.seeds import stream
from twinset.table.canonical import to_canonical
from twinset.table.expressions.expression import Expression, parse
from twinset.table.frames import frame_kind
from twinset.table.schema import Column, Kind, Role
from twinset.table.sources import open_source
from twinset.table.table import numbers

__all__ = ["Request", "check_designed", "draws"]

_MOST_GIVEN = 10_000_000


@dataclass(frozen=True)
class Request:
    """What rows shall be like; see `twinset.twin.Twin.sample`."""

    n: int | None = None
    given: object = None
    where: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    like: object = None

    def __post_init__(self) -> None:
        n = self.n
        if n is not None and (not isinstance(n, int | np.integer) or n < 1):
            raise InputError("number of rows", got=repr(n), allowed="a whole number, 1 or more")
        for name, value, kind, shown in (
            ("where", self.where, str | None, 'a condition, such as "age >= 60"'),
            ("shares", self.shares, Mapping, '{"condition": share}'),
        ):
            if not isinstance(value, kind):
                raise InputError(name, got=type(value).__name__, allowed=shown)
        if self.shares and self.like is not None:
            raise InputError("--share and --like", got="both", allowed="one of them, not both")


def draws(twin: Fitted, asked: Request, *, seed: int, piece: int = PIECE) -> Iterator[Sample]:
    """Yield rows piece by piece, in bounded memory; see `twinset.twin.Twin.draws`."""
    known = _known(twin, asked.given)
    rows = _number_of_rows(twin, asked.n, known)
    condition = None if asked.where is None else _condition(twin, asked.where)
    _check_kept(twin, asked, known, rows)
    _check_context(twin, known)
    _check_rows(asked, known)
    if twin.rules and needs_whole_table(twin.rules, twin.schema):
        _check_whole(asked)
        piece = rows
    shares = _shares(twin, asked.shares) if asked.shares else None
    tilt: Tilt | None = None
    if asked.like is not None:
        tilt = Tilt.fit(twin, read_exemplars(twin, asked.like), known, condition, seed)

    def one(i: int) -> Sample:
        size, start = min(piece, rows - i * piece), i * piece
        if tilt is not None:
            return draw_alike(twin, size, tilt, known, condition, seed, index=i, start=start)
        if shares is not None:
            return draw_shared(twin, size, shares, known, condition, seed, index=i, start=start)
        return draw(twin, size, known, condition, seed, index=i, start=start)

    with phase("sample", rows) as running:
        for drawn in map_ordered(one, range(math.ceil(rows / piece))):
            yield drawn
            running.advance(drawn.table.num_rows)


def _known(twin: Fitted, given: object) -> KnownCells:
    """Return what is known of the rows: constants by column, or a table of rows."""
    if given is None or isinstance(given, Mapping):
        constants = dict(given or {})
        for name in constants:
            if not isinstance(name, str):
                raise InputError("given", got=f"a {type(name).__name__} as a key", allowed="text")
        twin.encoding.stated(constants, 1)
        return KnownCells(constants)
    is_file = isinstance(given, str | Path) and Path(given).is_file()
    if not is_file and frame_kind(given) is None:
        raise InputError(
            "given", got=type(given).__name__, allowed='{"column": value}, or a table of rows'
        )
    source = open_source(given)
    raw = source.raw(_MOST_GIVEN, stream(twin.seed, "given"))
    for name in raw.column_names:
        twin.encoding.check_askable(name)
    if raw.num_rows == 0 or raw.num_columns == 0:
        raise InputError("given", got="no rows", allowed="at least one row and one column")
    names = raw.column_names
    schema = twin.schema.select(names)
    for name in names:
        _check_days(twin.schema[name], raw[name])
    whole = to_canonical(raw, schema)
    encoded = twin.encoding.encode(whole)
    for name in names:
        _check_cells(twin.schema[name], whole[name], encoded[name])
    return KnownCells(
        rows=PartialRows(encoded, {n: np.ones(raw.num_rows, dtype=bool) for n in names})
    )


def _check_days(column: Column, cells: pa.ChunkedArray) -> None:
    """Raise InputError for moments that would be cut to the days that a column holds."""
    if column.kind is not Kind.DATE or not pa.types.is_timestamp(cells.type):
        return
    days = cells if cells.type.tz else cells.cast(pa.date32(), safe=False).cast(cells.type)
    if cells.type.tz or not pc.all(pc.equal(days, cells).fill_null(True)).as_py():
        raise InputError(
            f"given, column {column.name!r}",
            got="a time zone" if cells.type.tz else "a time of day",
            allowed="dates: the column holds days",
        )


def _check_cells(column: Column, cells: pa.ChunkedArray, encoded: pa.ChunkedArray) -> None:
    """Raise ConditionError for cells of given rows that the model does not know."""
    lost = np.asarray(cells.is_valid()) & np.asarray(encoded.is_null())
    if column.kind.is_number_like:
        lost = numbers(cells, column.kind) != numbers(encoded)
        lost &= np.asarray(cells.is_valid())
    if lost.any():
        raise ConditionError(
            f"given, column {column.name!r}, row {int(np.argmax(lost)) + 1}",
            got="a value that the model does not know",
            hint="values lie between the bounds, or among the categories, of `twinset schema`",
        )
    if cells.null_count and not column.nullable:
        raise ConditionError(
            f"given, column {column.name!r}",
            got="nulls, where the model makes none",
            hint="leave the column out if it is not known",
        )


def _number_of_rows(twin: Fitted, n: int | None, known: KnownCells) -> int:
    if known.rows is None:
        return int(twin.provenance["rows"]) if n is None else n
    if n is not None and n != known.rows.num_rows:
        raise InputError(
            "number of rows", got=str(n), allowed=f"{known.rows.num_rows}, as there are given rows"
        )
    return known.rows.num_rows


def _shares(twin: Fitted, stated: Mapping[str, float]) -> Shares:
    wanted: dict[Expression, float] = {}
    for text, share in stated.items():
        expression = _expression(twin, text)
        if expression in wanted:
            raise InputError("--share", got=f"{text} twice", allowed="each expression once")
        wanted[expression] = share
    return Shares.of(wanted)


def _condition(twin: Fitted, text: str) -> Condition:
    return Condition.of(_expression(twin, text), twin.schema)


def _check_rows(asked: Request, known: KnownCells) -> None:
    """Refuse to choose among rows each of which is wanted."""
    if known.rows is not None and (asked.shares or asked.like is not None):
        raise InputError(
            "--share" if asked.shares else "--like",
            got="a table of given rows, each of which gets one row",
            hint="use where, or values that all rows share",
        )


def _check_context(twin: Fitted, known: KnownCells) -> None:
    """Refuse to sample without values for what the model was conditioned on."""
    missing = [c.name for c in twin.schema.with_role(Role.CONTEXT) if c.name not in known.names]
    if missing:
        raise InputError(
            "sample",
            got=f"no values for {', '.join(missing)}, on which the model is conditioned",
            hint="give them: a value for all rows, or a table with one row for each",
        )


def _expression(twin: Fitted, text: str) -> Expression:
    condition = parse(text)
    for name in condition.columns:
        if made_unique(twin.schema[name]):
            raise InputError(
                f"condition on {name!r}",
                got="a column that is made new and unique",
                allowed=", ".join(twin.encoding.encoded.names[:12]),
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
    made = [n for n in expression.columns if n not in twin.encoding.encoded.names]
    if made:
        raise InputError(f"condition on {made[0]!r}", got="a column that is made new")
    return Condition.of(expression, twin.schema)


def _check_kept(twin: Fitted, asked: Request, known: KnownCells, rows: int) -> None:
    """Refuse what does not go with columns that are kept as they are."""
    if twin.kept is None:
        return
    stated = {
        "where": asked.where is not None,
        "shares": bool(asked.shares),
        "like": asked.like is not None,
    }
    for option, is_stated in stated.items():
        if is_stated:
            raise InputError(
                f"--{option}",
                got="a model that keeps columns as they are, row by row",
                hint="sample all rows and filter the file",
            )
    clash = sorted(known.names & set(twin.kept.column_names))
    if clash:
        raise InputError(f"condition on {clash[0]!r}", got="a column that is kept as it is")
    if rows > twin.kept.num_rows:
        raise InputError(
            "number of rows",
            got=str(rows),
            allowed=f"at most {twin.kept.num_rows}, since columns are kept as they are",
        )


def _check_whole(asked: Request) -> None:
    if asked.shares or asked.like is not None:
        raise InputError(
            "--share" if asked.shares else "--like",
            got="a model with rules that compare rows (unique, monotone, open dependencies)",
            hint="use --where or --given",
        )
