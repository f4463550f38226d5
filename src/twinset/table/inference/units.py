"""Find the unit of a table: the column whose repeated values name the people or things in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.table.arrow_types import as_numpy
from twinset.table.canonical import canonical_column
from twinset.table.inference.words import is_id_name, is_person_id, tokens, word_set
from twinset.table.schema import Column, Kind
from twinset.table.table import coded, numbers

__all__ = ["find_unit", "grouped_unit", "named_unit"]

_MOST_PER_UNIT = 20
Codes = npt.NDArray[np.int64]
_ALONE = word_set(
    "person pers patient subject user customer cust client member student pupil employee "
    "household participant respondent donor individual subscriber policyholder borrower "
    "claimant beneficiary applicant kunde kunden patienten versicherter mitarbeiter haushalt "
    "schueler schuler cliente usuario persona hogar alumno empleado paciente individu menage "
    "utilisateur medewerker klant deelnemer pacjent klient pacient"
)
_CODE = r"^[A-Za-z]{0,6}[-_ ./#]?[0-9]{1,12}[A-Za-z]?$"
_FEWEST = 20
_MOST_ROWS = 20_000
_MOST_COLUMNS = 50


def find_unit(
    columns: Sequence[Column], counts: dict[str, tuple[int, int]]
) -> tuple[str, str] | None:
    """Return the unit column and why, from `counts`: name -> (distinct values, rows with one).

    A unit is an identifier whose values repeat. One whose name says person, patient, customer
    and so on comes first; any other must repeat a few times only, for a code such as
    `district_id` names no unit.
    """
    people: list[tuple[int, str]] = []
    others: list[tuple[int, str]] = []
    for column in columns:
        distinct, filled = counts.get(column.name, (0, 0))
        if column.kind is not Kind.IDENTIFIER or not 2 <= distinct < filled or column.personal:
            continue
        if is_person_id(column.name) and distinct >= 20:
            people.append((distinct, column.name))
        elif is_id_name(column.name) and distinct >= 50 and filled / distinct <= _MOST_PER_UNIT:
            others.append((distinct, column.name))
    for found, why in ((people, "names people or what stands for them"), (others, "is a key")):
        if found:
            distinct, name = min(found)
            return name, f"the unit: {distinct:,} values that repeat, and the column {why}"
    return None


def grouped_unit(raw: pa.Table, columns: Sequence[Column]) -> tuple[str, str] | None:
    """Return a unit column that only the order of rows and the other columns betray, and why.

    Its whole numbers go up in runs, and at least two other columns (and a fifth of those that vary)
    never change within a run: so are the members of a household written under its number.
    """
    rows = raw.num_rows
    if rows < 200:
        return None
    for column in columns:
        if column.kind is not Kind.INTEGER or column.sentinels or column.nullable:
            continue
        if column.low is None or column.high is None or column.high - column.low < 50:
            continue
        if not _goes_up(raw[column.name].slice(0, 1000), column):
            continue
        steps = np.diff(numbers(canonical_column(raw[column.name], column), column.kind))
        units = int(np.count_nonzero(steps)) + 1
        if (steps < 0).any() or not (rows / _MOST_PER_UNIT <= units <= 0.95 * rows):
            continue
        constant, varying = _constant_within(raw, columns, column.name, steps == 0)
        if constant >= 2 and constant >= 0.2 * varying:
            why = f"numbers in runs within which {constant} other columns never change: the unit"
            return column.name, why
    return None


def _goes_up(head: pa.ChunkedArray, column: Column) -> bool:
    """Whether the first rows go up in runs: a quick look before the whole column is read."""
    steps = np.diff(numbers(canonical_column(head, column), column.kind))
    return bool(np.all(steps >= 0)) and bool(0.05 < np.mean(steps > 0) < 0.97)


def _constant_within(
    raw: pa.Table, columns: Sequence[Column], name: str, same: np.ndarray
) -> tuple[int, int]:
    """Count the columns that never change between rows of one run, and those that vary at all."""
    inside = np.flatnonzero(same)
    constant = varying = 0
    for other in columns[:200]:
        if other.name == name or other.kind is Kind.CONSTANT:
            continue
        flat = raw[other.name].combine_chunks()
        equal = pc.equal(flat.take(pa.array(inside)), flat.take(pa.array(inside + 1)))
        known = equal.drop_null()
        if len(known) < 0.5 * len(inside) or len(known) == 0:
            continue
        varying += 1
        everywhere = pc.equal(flat[:-1], flat[1:]).drop_null()
        stays = pc.mean(known).as_py()
        constant += stays > 0.999 and pc.mean(everywhere).as_py() < 0.9
    return constant, varying


def named_unit(raw: pa.Table, columns: Sequence[Column]) -> tuple[str, str] | None:
    """Return a unit column that is named by a bare word for people, and why.

    A column `customer` may also count customers. Its values name people if they are whole numbers
    or codes with digits, at least 20 of them, that repeat and

    * stand in runs, far more often next to themselves than by chance, or
    * all have the same number of rows, two or more (a panel), or
    * tell another column: it varies from value to value, but never among the rows of one.
    """
    for column in columns:
        code = _codes(raw[column.name], column) if _may_name(column) else None
        why = None if code is None else _evidence(raw, columns, column.name, code)
        if code is not None and why:
            number = len(np.unique(code[code >= 0]))
            said = f"the unit: {number:,} values that repeat, the column names people, {why}"
            return column.name, said
    return None


def _may_name(column: Column) -> bool:
    """Whether the name is a word for people, and the kind one that may name them."""
    named = "".join(tokens(column.name)) in _ALONE or is_person_id(column.name)
    whole = column.kind is Kind.INTEGER and not column.sentinels and (column.low or 0) >= 0
    words = column.kind in (Kind.CATEGORY, Kind.TEXT) and column.personal is None
    return named and (whole or words)


def _codes(data: pa.ChunkedArray, column: Column) -> Codes | None:
    """Rank of each row's value, -1 for null; None if the values cannot name people."""
    if column.kind is Kind.INTEGER:
        x = numbers(canonical_column(data, column), column.kind)
        found, code = np.unique(x[~np.isnan(x)], return_inverse=True)
        ranks = np.full(len(x), -1, dtype=np.int64)
        ranks[~np.isnan(x)] = code.ravel()
        distinct, named = len(found), True
    else:
        at, values = coded(pc.cast(data, pa.string()))
        distinct = len(values)
        place = pc.rank(values, tiebreaker="first").to_numpy().astype(np.int64) - 1
        named = pc.all(pc.match_substring_regex(values, _CODE)).as_py() or False
        ranks = np.append(place, -1)[at]
    repeats = _FEWEST <= distinct <= 0.95 * int((ranks >= 0).sum())
    return ranks if named and repeats else None


def _evidence(raw: pa.Table, columns: Sequence[Column], name: str, code: Codes) -> str | None:
    known = code[code >= 0]
    count = np.bincount(known)
    count = count[count > 0]
    same = float(np.mean(known[1:] == known[:-1]))
    chance = float(((count / len(known)) ** 2).sum())
    if same >= max(5 * chance, 0.5 * (1 - len(count) / len(known))):
        return "and its rows stand together"
    usual = np.bincount(count).argmax()
    if usual >= 2 and np.mean(count == usual) >= 0.9:
        return f"and each has {usual} rows"
    told = _told(raw, columns, name, code)
    return f"and it tells {told!r}" if told else None


def _told(raw: pa.Table, columns: Sequence[Column], name: str, code: Codes) -> str | None:
    """Return a column that varies between values as if at random, but never within one.

    Bands of a quantity do not: age groups are mostly equal from one year of age to the next.
    """
    order = np.argsort(code, kind="stable")
    order = order[code[order] >= 0][:_MOST_ROWS]
    same = np.diff(code[order]) == 0
    if same.sum() < _FEWEST or (~same).sum() < _FEWEST - 1:
        return None
    for other in columns[:_MOST_COLUMNS]:
        if other.name == name or other.kind is Kind.CONSTANT:
            continue
        flat = raw[other.name].take(pa.array(order)).combine_chunks()
        equal = as_numpy(pc.equal(flat[:-1], flat[1:]).fill_null(False))
        if equal[same].mean() <= 0.999:
            continue
        first = flat.take(pa.array(np.flatnonzero(np.append(True, ~same))))
        count = pc.value_counts(first).field("counts").to_numpy()
        chance = float(((count / count.sum()) ** 2).sum())
        if chance < 0.9 and equal[~same].mean() <= chance + 0.1:
            return other.name
    return None
