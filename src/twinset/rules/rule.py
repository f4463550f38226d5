"""Rules: claims with a name, the exceptions that are granted, and the evidence found for them."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from twinset.errors import ExpressionError, InputError, SchemaError
from twinset.rules.constraints import Claim
from twinset.table.atomic import atomic_write
from twinset.table.schema import Schema
from twinset.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Found", "Rule", "Rules"]

_HEADER = """\
# Rules of a table, for `twinset fit --rules`, `run --rules` and `evaluate --rules`: read, correct,
# delete. An entry is an expression, or one of: holds, equation, sum, unique, fixed, determines,
# monotone, pattern, required. `exceptions` is the share of real rows that may break the rule; a
# release never does. `found` is the evidence and may be deleted.
"""


@dataclass(frozen=True)
class Found:
    """Evidence for a mined rule.

    Attributes
    ----------
    rows, broken
        Rows of the train part to which the rule applies, and how many of them break it.
    expected
        Share that would break it if its columns were independent.
    at_most
        Exact upper bound of the share that breaks it, at 95% over all candidates together.
    holdout_rows, holdout_broken
        The same rows and breaks in data that the rule was not found in.
    """

    rows: int
    broken: int
    expected: float
    at_most: float
    holdout_rows: int = 0
    holdout_broken: int = 0

    @property
    def confidence(self) -> float:
        """Share of the train rows that keep the rule."""
        return 1 - self.broken / max(self.rows, 1)


@dataclass(frozen=True)
class Rule:
    """A claim that every row of a release must keep.

    Attributes
    ----------
    name
        Words for reports; default what the claim says.
    exceptions
        Share of the rows of real tables that may break it without a question.
    found
        How it was found, for a mined rule.
    """

    claim: Claim
    name: str = ""
    exceptions: float = 0.0
    found: Found | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it reads."""
        return self.claim.columns

    def __str__(self) -> str:
        return self.name or self.claim.words

    def to_data(self) -> dict[str, Any]:
        """Entry of a rules file."""
        data: dict[str, Any] = {"name": self.name} if self.name else {}
        data |= self.claim.to_data()
        if self.exceptions:
            data["exceptions"] = self.exceptions
        if self.found:
            data["found"] = asdict(self.found)
        return data


@dataclass(frozen=True)
class Rules:
    """A list of rules, as a file holds them; `source` names it in errors."""

    rules: tuple[Rule, ...] = ()
    source: str = field(default="rules", compare=False)

    def __iter__(self) -> Iterator[Rule]:
        """Go through the rules."""
        return iter(self.rules)

    def __len__(self) -> int:
        """Return their number."""
        return len(self.rules)

    def check_schema(self, schema: Schema, empty: Table) -> None:
        """See that every rule fits a table of this schema; `empty` is one without rows.

        Raises
        ------
        InputError
            For a column that is not there, or types that do not go together.
        """
        for place, rule in enumerate(self.rules, 1):
            where = f"{self.source}, rule {place}"
            try:
                for name in rule.columns:
                    schema[name]
                rule.claim.outcome(empty)
            except (ExpressionError, SchemaError, InputError) as error:
                raise InputError(
                    f"{where}: {error.what}", got=error.got, allowed=error.allowed, hint=error.hint
                ) from None

    def learned(self, train: Table, protect: int) -> Self:
        """Return the rules with what they must know of the train table."""
        known = (replace(r, claim=r.claim.learned(train, protect)) for r in self.rules)
        return replace(self, rules=tuple(known))

    def named(self, rules: Sequence[Rule], most: int = 3) -> str:
        """Name rules by their place in the file, for errors."""
        places = [i for i, r in enumerate(self.rules, 1) if r in rules]
        shown = [f"rule {i} ({self.rules[i - 1]})" for i in places[:most]]
        rest = len(places) - most
        return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")

    def to_data(self) -> dict[str, Any]:
        """Content of a rules file."""
        return {"version": 1, "rules": [r.to_data() for r in self.rules]}

    def to_json(self) -> str:
        """JSON text."""
        return json.dumps(self.to_data(), ensure_ascii=False, allow_nan=False)

    def to_yaml(self) -> str:
        """YAML text, what each rule says above it."""
        blocks = []
        for rule in self.rules:
            data = rule.to_data()
            plain = list(data) == ["holds"]
            entry = data["holds"] if plain else data
            text = yaml.safe_dump(
                [entry],
                sort_keys=False,
                allow_unicode=True,
                width=100,
                default_flow_style=False if plain else None,
            )
            note = "" if plain else "".join(f"# {line}\n" for line in str(rule).splitlines())
            blocks.append(note + text)
        return _HEADER + "version: 1\nrules:\n" + "".join(blocks)

    def to_frame(self) -> pd.DataFrame:
        """One row a rule."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for rule in self.rules:
            evidence = {} if rule.found is None else asdict(rule.found)
            rows.append({"rule": str(rule), "columns": list(rule.columns), **evidence})
        return pd.DataFrame(rows)

    def save(self, path: str | Path) -> None:
        """Write a rules file (YAML, or JSON if the name ends so), whole or not at all."""
        path = Path(path)
        text = self.to_json() if path.suffix.lower() == ".json" else self.to_yaml()
        atomic_write(path, text)

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{html.escape(str(r))}</td></tr>" for r in self.rules)
        return f"<table><tr><th>rule</th></tr>{rows}</table>"
