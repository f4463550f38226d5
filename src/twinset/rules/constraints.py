"""Claims: what a rule says of the rows of a table.

A `Claim` conforms if it tells its `columns`, says itself in words, maps a table to an `Outcome`,
and can be written as data. `Holds` and `Equation` look at one row; `Fixed` and `Determines`
(`twinset.rules.combinations`) at one row and what was learned; `Unique` and `Monotone`
(`twinset.rules.table_constraints`) at the whole table.

A null makes a comparison unknown. As in a CHECK of SQL, a row breaks a claim only if it is false.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from twinset.errors import InputError
from twinset.table.expressions.evaluate import evaluate_amount
from twinset.table.expressions.expression import Expression, parse
from twinset.table.expressions.syntax import Compare, Logic, Name, Node, Operation
from twinset.table.schema import Column
from twinset.table.table import Table, numbers

__all__ = ["Claim", "Equation", "Holds", "Outcome", "is_equation", "step_of"]

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Outcome:
    """To which rows a claim applies, and which of these break it; shapes (rows,)."""

    applies: Mask
    broken: Mask

    @property
    def counts(self) -> tuple[int, int]:
        """How many rows it applies to, and how many break it."""
        return int(self.applies.sum()), int(self.broken.sum())


class Claim(Protocol):
    """What a rule says."""

    whole_table: ClassVar[bool] = False  # or one row tells whether it keeps the claim

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it reads."""
        ...

    @property
    def words(self) -> str:
        """What it says, in words."""
        ...

    def outcome(self, table: Table) -> Outcome:
        """Say which rows it applies to and which break it; ExpressionError if types do not fit."""
        ...

    def learned(self, train: Table, protect: int) -> Self:
        """Return the claim with what it must know of the train table; itself if that is nothing."""
        return self

    def to_data(self) -> dict[str, Any]:
        """JSON and YAML values, as in a rules file."""
        ...


@dataclass(frozen=True)
class Holds(Claim):
    """An expression that must not be false in any row."""

    expression: Expression

    @classmethod
    def of(cls, tree: Node) -> Holds:
        """Return the claim that a tree says."""
        return cls(Expression(tree, str(tree)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the expression."""
        return self.expression.columns

    @property
    def words(self) -> str:
        """``if a, then b`` for an implication, else the expression."""
        tree = self.expression.tree
        if isinstance(tree, Logic) and tree.word == "implies":
            return f"if {tree.items[0]}, then {tree.items[1]}"
        return str(self.expression)

    def outcome(self, table: Table) -> Outcome:
        """Apply to rows where it is known; an implication, to those where its if-part is true."""
        true, false = self.expression.known_mask(table)
        tree = self.expression.tree
        applies = true | false
        if isinstance(tree, Logic) and tree.word == "implies":
            applies &= Expression(tree.items[0], str(tree.items[0])).mask(table)
        return Outcome(applies, false)

    def to_data(self) -> dict[str, Any]:
        """``{"holds": text}``."""
        return {"holds": str(self.expression)}


@dataclass(frozen=True)
class Equation(Claim):
    """``column = arithmetic of columns``, up to rounding: a sum, a unit, a ratio, a product.

    Parameters
    ----------
    column
        Column on the left.
    right
        Arithmetic of other columns.
    tolerance
        Largest difference that counts as none; default half a step of the column as it is written
        (its decimals; 1 for whole numbers and days).
    """

    column: str
    right: Expression
    tolerance: float | None = None

    @classmethod
    def of(cls, text: str, tolerance: float | None = None) -> Equation:
        """Parse ``column = arithmetic``; InputError if it is something else."""
        tree = parse(text).tree
        if is_equation(tree) and isinstance(tree, Compare) and isinstance(tree.left, Name):
            return cls(tree.left.name, Expression(tree.right, str(tree.right)), tolerance)
        raise InputError("equation", got=repr(text[:60]), allowed="COLUMN = arithmetic of columns")

    @property
    def columns(self) -> tuple[str, ...]:
        """The column on the left, then those on the right."""
        return tuple(dict.fromkeys((self.column, *self.right.columns)))

    @property
    def text(self) -> str:
        """The equation in the expression language."""
        return str(Compare(0, "=", Name(0, self.column), self.right.tree))

    @property
    def words(self) -> str:
        """The equation, with its tolerance if one is stated."""
        return self.text + (f" (up to {self.tolerance:g})" if self.tolerance else "")

    def amounts(self, table: Table) -> tuple[Floats, Floats]:
        """Left and right side, NaN where unknown or where a column holds a sentinel code."""
        left = evaluate_amount(Name(0, self.column), table)
        right = evaluate_amount(self.right.tree, table).copy()
        for name in self.columns:
            column = table.schema[name]
            if column.sentinels:
                right[np.isin(numbers(table[name], column.kind), column.sentinels)] = np.nan
        return left, right

    def allowance(self, column: Column) -> float:
        """Largest difference that counts as none."""
        return step_of(column) / 2 if self.tolerance is None else self.tolerance

    def outcome(self, table: Table) -> Outcome:
        """Apply to rows where both sides are known."""
        left, right = self.amounts(table)
        applies = ~(np.isnan(left) | np.isnan(right))
        size = np.maximum(np.abs(left), np.abs(right))
        limit = self.allowance(table.schema[self.column]) * (1 + _ROUNDING) + _ROUNDING * size
        with np.errstate(invalid="ignore"):
            return Outcome(applies, applies & (np.abs(left - right) > limit))

    def to_data(self) -> dict[str, Any]:
        """``{"equation": text, "tolerance": number}``."""
        more = {} if self.tolerance is None else {"tolerance": self.tolerance}
        return {"equation": self.text, **more}


def is_equation(tree: Node) -> bool:
    """Whether a tree is ``column = arithmetic of columns``."""
    return (
        isinstance(tree, Compare)
        and tree.sign == "="
        and isinstance(tree.left, Name)
        and isinstance(tree.right, Operation)
        and any(isinstance(n, Name) for n in _nodes(tree.right))
    )


def _nodes(tree: Node) -> list[Node]:
    found, waiting = [], [tree]
    while waiting:
        now = waiting.pop()
        found.append(now)
        waiting.extend(now.parts)
    return found


def step_of(column: Column) -> float:
    """Return the step on which a number column is written; 0 if there is none."""
    return 1.0 if column.kind.is_whole else column.step or 0.0
