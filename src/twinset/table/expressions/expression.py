"""The small expression language of ``--where``, rules and gates.

``age >= 60 and sex = 'Female'``; ``married implies age between 16 and 110``;
```pay rate` * hours <= 1e6``; ``left - joined > 30`` (days); ``year(born) in (1990, 1991)``;
``length(zip) = 5 and zip matches '[0-9]+'``; ``not (city is null)``.

Keywords are read in any case, column names as they are written; odd names stand in backticks, text
in single or double quotes (doubled inside). Dates are ``'YYYY-MM-DD'``, with `` HH:MM:SS`` for a
point in time. A duration counts as its seconds. ``matches`` means the whole text, by RE2. A null
makes a comparison unknown, as in SQL; a row fulfils an expression only if it is true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.table.expressions.evaluate import check_pattern, evaluate
from twinset.table.expressions.syntax import Matches, Name, Node, parse_tree
from twinset.table.table import Table

__all__ = ["Expression", "parse"]


@dataclass(frozen=True)
class Expression:
    """A parsed condition on the rows of a table; equal if it means the same tree.

    Attributes
    ----------
    tree
        Frozen nodes of `twinset.table.expressions.syntax`.
    text
        As it was written.
    """

    tree: Node
    text: str = field(compare=False, repr=False)

    def __str__(self) -> str:
        return str(self.tree)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns it reads, in the order of first appearance."""
        return tuple(dict.fromkeys(n.name for n in _walk(self.tree) if isinstance(n, Name)))

    def mask(self, table: Table) -> npt.NDArray[np.bool_]:
        """Say for each row whether the expression is true; shape (rows,).

        Raises
        ------
        ExpressionError
            If a column is unknown, or types do not go together.
        """
        found = evaluate(self.tree, table)
        if isinstance(found, pa.Scalar):
            return np.full(table.num_rows, found.as_py() is True)
        return np.asarray(found.fill_null(False), dtype=np.bool_)

    def known_mask(self, table: Table) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Say for each row whether the expression is true, and whether it is false.

        Where both are not, it is unknown because of a null. Shapes (rows,) twice.

        Raises
        ------
        ExpressionError
            As `mask`.
        """
        found = evaluate(self.tree, table)
        if isinstance(found, pa.Scalar):
            value = found.as_py()
            return (np.full(table.num_rows, value is True), np.full(table.num_rows, value is False))
        true = np.asarray(found.fill_null(False), dtype=np.bool_)
        return true, ~np.asarray(found.fill_null(True), dtype=np.bool_)


def _walk(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        now = waiting.pop()
        yield now
        waiting.extend(reversed(now.parts))


def parse(text: str) -> Expression:
    r"""Parse an expression.

    Raises
    ------
    ExpressionError
        With the place of the mistake.

    Examples
    --------
    >>> print(parse("AGE>=60 AND not(sex in ('F', 'x'))"))
    AGE >= 60 and not sex in ('F', 'x')
    >>> parse("income > 3 * rent").columns
    ('income', 'rent')
    """
    tree = parse_tree(text)
    for node in _walk(tree):
        if isinstance(node, Matches):
            check_pattern(node.pattern, node.at)
    return Expression(tree, text)
