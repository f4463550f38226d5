"""Writes metrics.md from the declarations of measures; a test holds it equal.

python docs/make_metrics.py
"""

from __future__ import annotations

import math
from pathlib import Path

from twinset import registry
from twinset.protocols import Measure
from twinset.trust.measures import measures

PAGE = Path(__file__).parent / "metrics.md"

HEAD = """\
# Metrics

Each metric is one file in `twinset/metrics`; its results have the names below. Every figure comes
with an interval (`params.interval` says how it was made; units, not rows, are resampled), the
`reference` (the holdout's own value at equal sizes; without a holdout, what chance gives), `noise`
(half-width of a fresh real sample's scatter) and a verdict. "worse" and "better" together hold the
false discovery rate at 5% over all figures of one name (Benjamini-Hochberg); all else is
"within_noise".
What cannot be computed has a status and a reason, and stands in `not_computed`.
All names can stand in gates.yaml. A diagnostic is a warning light: no answer rests on it.

Direction: *lower* or *higher* is better; with *target* the figure is a difference and 0 is best.
"""


OTHERS = """
## Measures of audits, rules and several releases

They are made of what attacks achieve, of rules, and of models across tables.
"""


def page() -> str:
    """Content of metrics.md."""
    lines = [HEAD, "| name | title | metric | family | direction | range | formula | source |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for name in registry.names("metrics"):
        family = registry.load("metrics", name).family
        for m in registry.measures_of(name):
            lines.append(_row(f"`{m.name}`", _title(m), name, family, *_values(m), m.source))
    lines += [OTHERS, "| name | title | direction | range | meaning |", "|---|---|---|---|---|"]
    own = registry.measures()
    for m in measures().values():
        if m.name not in own and m.meaning:
            direction, values, _ = _values(m)
            lines.append(_row(f"`{m.name}`", _title(m), direction, values, m.meaning))
    return "\n".join(lines) + "\n" + TAIL


def _title(m: Measure) -> str:
    return f"{m.title} (a diagnostic)" if m.diagnostic else m.title


def _values(m: Measure) -> tuple[str, str, str]:
    top = "inf" if math.isinf(m.high) else f"{m.high:g}"
    return m.direction, f"{m.low:g} to {top}", m.formula


def _row(*cells: str) -> str:
    return f"| {' | '.join(text.replace('|', chr(92) + '|') for text in cells)} |"


TAIL = """
## In another tool's conventions

`twinset evaluate TRAIN SYNTHETIC --compat sdmetrics` (`ts.evaluate(..., compat="sdmetrics")`) gives
the figures of SDMetrics' QualityReport and DiagnosticReport instead, to compare with older reports:
`sdmetrics_quality_report`, `sdmetrics_column_shapes`, `sdmetrics_column_pair_trends`,
`sdmetrics_diagnostic_report`, `sdmetrics_data_validity`, `sdmetrics_data_structure`, and what they
are made of (`sdmetrics_ks_complement`, `sdmetrics_tv_complement`,
`sdmetrics_correlation_similarity`, `sdmetrics_contingency_similarity`,
`sdmetrics_boundary_adherence`, `sdmetrics_category_adherence`). All figures of four tables equal
those of SDMetrics 0.32 within 1e-6 (a test). They have no interval, no noise and no verdict, and
the tool's blind spots are theirs too: nulls are dropped, pairs of weak association are left out,
each table is binned by itself. Rows are not sampled, and text, identifiers and keys are not scored.
"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
