"""Keep rules in what is drawn: compute what rules give, reject and draw again, repair the rest.

After that no row breaks a rule. Rows that break one are drawn again, which gives the model's own
distribution under the rules; where that would take too many draws, the columns that are tied
together by rules are taken from the nearest row that keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.errors import ConditionError
from twinset.protocols import RowTest
from twinset.rules.combinations import Determines, column_codes
from twinset.rules.constraints import Claim
from twinset.rules.derive import arrange, derivations, derive, target_of
from twinset.rules.row_tests import Condition, early_tests
from twinset.rules.rule import Rule, Rules
from twinset.rules.table_constraints import Monotone, Unique
from twinset.table.schema import Schema
from twinset.table.table import Table, numbers

__all__ = ["Cost", "Enforcement", "cost_in_total", "merged", "needs_whole_table"]

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_MOST_DRAWN = 20  # rows drawn for a row, before repair
_MOST_FOR_CONDITION = 2_000
_LEAST_DRAWN = 20_000
_MOST_ROUNDS = 400
_MOST_AT_ONCE = 262_144
_BINS = 20
_BLOCK = 2_048
_DONORS = 512


@dataclass(frozen=True)
class Cost:
    """What the rules cost in one draw.

    Attributes
    ----------
    rows, drawn, accepted
        Rows that were asked for, drawn, and kept all rules (after what is computed).
    computed, repaired
        Rows in which cells were computed from others, and rows repaired after all.
    broken
        Rows of the first draw that broke each rule, in the order of the rules.
    shift
        Mean total variation distance by which the rules' columns moved (numbers in 20 bins).
    """

    rows: int
    drawn: int
    accepted: int
    computed: int
    repaired: int
    broken: tuple[int, ...]
    shift: float

    @property
    def acceptance(self) -> float:
        """Share of the drawn rows that kept the rules."""
        return self.accepted / max(self.drawn, 1)


def merged(costs: Sequence[Cost]) -> Cost | None:
    """Return the cost of several draws together; None for none."""
    if not costs:
        return None
    rows = sum(c.rows for c in costs)
    return Cost(
        rows,
        sum(c.drawn for c in costs),
        sum(c.accepted for c in costs),
        sum(c.computed for c in costs),
        sum(c.repaired for c in costs),
        tuple(map(sum, zip(*(c.broken for c in costs), strict=True))),
        sum(c.shift * c.rows for c in costs) / rows,
    )


def cost_in_total(costs: Sequence[Cost]) -> dict[str, Any]:
    """Cost of all pieces of a release together, as JSON values for a report."""
    cost = merged(costs)
    assert cost is not None
    return {
        "kept": len(cost.broken),
        "acceptance": round(cost.acceptance, 6),
        "rows computed": round(cost.computed / cost.rows, 6),
        "rows repaired": round(cost.repaired / cost.rows, 6),
        "columns moved": round(cost.shift, 6),
        "rows that broke the most broken rule": round(max(cost.broken) / cost.rows, 6),
    }


def needs_whole_table(rules: Rules, schema: Schema) -> bool:
    """Whether rows must be drawn at once: a rule compares them with one another."""
    return any(r.claim.whole_table or _is_open(r, schema) for r in rules)


def _is_open(rule: Rule, schema: Schema) -> bool:
    """Whether a dependency has values on its left that it knows nothing of."""
    claim = rule.claim
    if not isinstance(claim, Determines):
        return False
    column = schema[claim.names[0]]
    known = {c[0] for c in claim.combinations or ()}
    return len(claim.names) > 1 or not set(column.categories or ("",)) <= known


@dataclass(frozen=True, eq=False)
class Enforcement:
    """Rules that know the train table, ready to be kept.

    Parameters
    ----------
    rules
        Learned rules.
    fixed
        Columns whose values are given and must stay.
    condition
        What must hold as well.
    """

    rules: Rules
    fixed: Collection[str] = ()
    condition: Condition | None = None

    @cached_property
    def _monotone(self) -> tuple[Monotone, ...]:
        """Monotone columns that can be sorted."""
        found = (r.claim for r in self.rules if isinstance(r.claim, Monotone))
        return tuple(c for c in found if c.column not in self.fixed)

    def tests(self, schema: Schema) -> list[RowTest]:
        """Tests by which a model can leave out rows that would be rejected."""
        computed = {target_of(c) for c in derivations(self.rules, self.fixed)}
        later = {name for name in computed if name} | {c.column for c in self._monotone}
        return early_tests(self.rules, later, self.condition, schema)

    def keep(
        self,
        size: int,
        more: Callable[[Places | None, int, int], Table],
        *,
        alike: bool,
        screened: bool = False,
    ) -> tuple[Table, Cost]:
        """Return `size` rows that keep all rules, and what it cost.

        Parameters
        ----------
        more
            Draws rows: for these places (None if any will do), so many, in this attempt.
        alike
            Whether a row may stand in any place; false if places have given cells of their own.
        screened
            Whether from attempt 1 on `more` gives rows that pass the `tests`, as many as are asked
            for unless they are too rare.

        Raises
        ------
        ConditionError
            If no row that keeps the rules is found; it names those that are broken most, or the
            condition if no row meets that.
        """
        computed_by = derivations(self.rules, self.fixed)
        raw = more(None, size, 0)
        broken = tuple(int(r.claim.outcome(raw).broken.sum()) for r in self.rules)
        table, computed = derive(computed_by, raw)
        bad = self._bad(table)
        drawn, accepted = size, int((~bad).sum())
        seen, met = (1, 1) if screened else (drawn, accepted)
        for attempt in range(1, _MOST_ROUNDS):
            if self._compares_rows:
                table, moved = self._settled(table, computed_by)
                bad, computed = self._bad(table), computed | moved
            places = np.flatnonzero(bad)
            if not len(places) or drawn >= self._limit(size, accepted):
                break
            share = max(met, 0.5) / seen
            ask = int(min(max(len(places) / share * 1.1, 200), _MOST_AT_ONCE))
            repeat = max(ask // len(places), 1)
            wanted = None if alike else np.repeat(places, repeat)
            fresh = more(wanted, ask if wanted is None else len(wanted), attempt)
            fresh, cells = derive(computed_by, fresh)
            good = np.flatnonzero(~self._bad(fresh))
            drawn += ask if wanted is None else len(wanted)
            seen, met, accepted = seen + fresh.num_rows, met + len(good), accepted + len(good)
            if screened and not fresh.num_rows:
                break
            if wanted is None:
                filled, chosen = places[: len(good)], good[: len(places)]
            else:
                filled, first = np.unique(wanted[good], return_index=True)
                chosen = good[first]
            table = _replaced(table, filled, fresh, chosen)
            computed[filled], bad[filled] = cells[chosen], False
        repaired = int(bad.sum())
        if repaired or self._monotone_broken(table):
            table = self._repaired(table, bad, broken, drawn)
        cost = Cost(
            size, drawn, accepted, int(computed.sum()), repaired, broken, self._shift(raw, table)
        )
        return table, cost

    def _settled(self, table: Table, computed_by: tuple[Claim, ...]) -> tuple[Table, Mask]:
        """Sort monotone columns, and compute what depends on them."""
        if not self._monotone:
            return table, np.zeros(table.num_rows, dtype=bool)
        table, moved = arrange(self._monotone, table)
        table, cells = derive(computed_by, table)
        return table, moved | cells

    def _limit(self, size: int, accepted: int) -> int:
        """Rows to draw at most; fewer if none was accepted yet, many more for a condition."""
        if accepted == 0:
            return max(2 * size, _LEAST_DRAWN)
        if self.condition is not None:
            return max(_MOST_FOR_CONDITION * size, _LEAST_DRAWN)
        return max(_MOST_DRAWN * size, _LEAST_DRAWN)

    @property
    def _compares_rows(self) -> bool:
        return any(r.claim.whole_table or isinstance(r.claim, Determines) for r in self.rules)

    def _bad(self, table: Table) -> Mask:
        """Rows that break a rule, miss the condition, or left the declared bounds of a column."""
        bad = np.zeros(table.num_rows, dtype=bool)
        if self.condition is not None:
            bad |= ~self.condition.mask(table)
        for rule in self.rules:
            claim = rule.claim
            if not (isinstance(claim, Monotone) and claim in self._monotone):
                bad |= claim.outcome(table).broken
        for name in {n for r in self.rules for n in r.columns}:
            column = table.schema[name]
            if not column.kind.is_number_like or not column.declared & {"low", "high"}:
                continue
            values = numbers(table[name], column.kind)
            plain = ~np.isin(values, column.sentinels)
            low = -np.inf if column.low is None else column.low
            high = np.inf if column.high is None else column.high
            bad |= plain & ((values < low) | (values > high))
        return bad

    def _repaired(self, table: Table, bad: Mask, broken: tuple[int, ...], drawn: int) -> Table:
        """Take tied columns from rows that keep the rules; ConditionError if that is no way."""
        whole = [r for r in self.rules if isinstance(r.claim, Unique)]
        possible = self.condition is None and not bad.all()
        if possible and not any(r.claim.outcome(table).broken.any() for r in whole):
            done: Table | None = table
            for group in _components(self.rules):
                inside = Enforcement(
                    Rules(tuple(r for r in self.rules if set(r.columns) <= group)), self.fixed
                )
                wrong = inside._bad(table)
                done = done and _with_donors(done, wrong, ~bad, group, self.fixed)
            if done is not None:
                done, _ = self._settled(done, derivations(self.rules, self.fixed))
                if not self._bad(done).any() and not self._monotone_broken(done):
                    return done
        got = f"{int((~bad).sum()):,} of {len(bad):,} rows that keep all rules, {drawn:,} drawn"
        if self.condition is not None and not self.condition.mask(table).any():
            hint = "the condition alone is impossible or too rare in this model"
            raise ConditionError("--where", got=got, hint=hint)
        raise ConditionError(
            f"{self.rules.source}: {self.rules.named(self._worst(broken, table))}",
            got=got,
            hint="this model cannot keep them together (with the condition, if there is one)",
        )

    def _monotone_broken(self, table: Table) -> bool:
        return any(c.outcome(table).broken.any() for c in self._monotone)

    def _worst(self, broken: tuple[int, ...], table: Table) -> list[Rule]:
        """Rules that are broken most in what is left, else in what was drawn first."""
        now = [int(r.claim.outcome(table).broken.sum()) for r in self.rules]
        counts = now if any(now) else list(broken)
        order = sorted(range(len(counts)), key=lambda i: -counts[i])
        rules = list(self.rules)
        return [rules[i] for i in order if counts[i]] or rules

    def _shift(self, before: Table, after: Table) -> float:
        names = sorted({n for r in self.rules for n in r.columns})
        return float(np.mean([_moved(before, after, n) for n in names])) if names else 0.0


def _components(rules: Rules) -> list[set[str]]:
    """Sets of columns that are tied together by rules."""
    groups: list[set[str]] = []
    for rule in rules:
        tie = set(rule.columns)
        near = [g for g in groups if g & tie]
        groups = [g for g in groups if not g & tie]
        groups.append(tie.union(*near))
    return groups


def _with_donors(
    table: Table, bad: Mask, good: Mask, group: set[str], fixed: Collection[str]
) -> Table | None:
    """Give each bad row the columns of `group` of the good row that is nearest to it in them.

    The distance is that of Gower (1971). Rows whose `fixed` columns no good row shares cannot be
    repaired: then None.
    """
    names = [n for n in table.names if n in group]
    must = [n for n in names if n in fixed]
    donors, wrong = np.flatnonzero(good), np.flatnonzero(bad)
    most = 8 * _DONORS if must else _DONORS
    if len(donors) > most:
        donors = donors[(np.arange(most) * (len(donors) / most)).astype(np.int64)]
    coded = [_coded(table, n) for n in names]
    index = np.arange(table.num_rows)
    for start in range(0, len(wrong), _BLOCK):
        rows = wrong[start : start + _BLOCK]
        apart = np.zeros((len(rows), len(donors)))
        for name, (values, scale) in zip(names, coded, strict=True):
            gap = np.abs(values[rows, None] - values[None, donors])
            apart += (gap > 0) if scale == 0 else np.minimum(gap / scale, 1.0)
            if name in must:
                apart[gap > 0] = np.inf
        nearest = np.argmin(apart, axis=1)
        if not np.isfinite(apart[np.arange(len(rows)), nearest]).all():
            return None
        index[rows] = donors[nearest]
    data = table.data
    for name in names:
        if name not in fixed:
            column = data[name].combine_chunks().take(pa.array(index))
            data = data.set_column(data.column_names.index(name), name, column)
    return Table(table.schema, data, table.units)


def _coded(table: Table, name: str) -> tuple[Floats, float]:
    """Return values with the difference that counts as far; 0: they are equal or not."""
    column = table.schema[name]
    if not column.kind.is_number_like:
        return column_codes(table, name)[0].astype(np.float64), 0.0
    values = numbers(table[name], column.kind)
    known = values[~np.isnan(values)]
    spread = float(np.std(known)) if len(known) else 0.0
    away = float(known.max()) + 9 * spread if len(known) else 0.0  # null is far from all numbers
    return np.where(np.isnan(values), away, values), 4 * spread


def _replaced(table: Table, places: Places, fresh: Table, chosen: Places) -> Table:
    index = np.arange(table.num_rows)
    index[places] = table.num_rows + chosen
    both = pa.concat_tables([table.data, fresh.data]).unify_dictionaries().combine_chunks()
    return Table(table.schema, both.take(pa.array(index)))


def _moved(before: Table, after: Table, name: str) -> float:
    """Total variation distance between a column of two tables, numbers in quantile bins."""
    column = before.schema[name]
    if column.kind.is_number_like:
        a, b = (numbers(t[name], column.kind) for t in (before, after))
        known = a[~np.isnan(a)]
        cuts = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if len(known) else known
        binned = [np.where(np.isnan(v), 0, np.searchsorted(cuts, v) + 1) for v in (a, b)]
        shares = [np.bincount(c, minlength=len(cuts) + 2) / max(len(c), 1) for c in binned]
        return float(np.abs(shares[0] - shares[1]).sum() / 2)
    if not column.kind.is_learnable:
        return 0.0
    held = []
    for table in (before, after):
        codes, levels = column_codes(table, name)
        counts = np.bincount(codes + 1, minlength=len(levels) + 1) / max(len(codes), 1)
        held.append(dict(zip([None, *levels], counts, strict=True)))
    keys = set(held[0]) | set(held[1])
    return float(sum(abs(held[0].get(k, 0.0) - held[1].get(k, 0.0)) for k in keys) / 2)
