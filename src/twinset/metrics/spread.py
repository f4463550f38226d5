"""How spread out a release is: entropy of each column, effective number of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, above, half_width, judge, refuse
from twinset.metrics._samples import LEAST, three
from twinset.protocols import Family, Measure, Records, Result
from twinset.stats.codes import fit_bins
from twinset.stats.intervals import two_sided
from twinset.stats.neighbours import distances

__all__ = ["Spread"]

ENTROPY = Measure(
    name="entropy_difference",
    title="Variety of values",
    meaning="Synthetic minus train: entropy of a column in bits. Below 0, its values are less "
    "varied.",
    direction="target",
    low=-math.inf,
    high=math.inf,
    formula="synthetic minus train: entropy of a column in bits; numbers in 20 bins of both "
    "together, the 32 most frequent levels, null besides",
    source="Shannon 1948; chance: Miller 1955, variance: Basharin 1959",
)
EFFECTIVE = Measure(
    name="effective_rows",
    title="Effective number of rows",
    meaning="How many rows with nothing in common would be as diverse as these, most of which are "
    "alike in something.",
    direction="higher",
    low=1,
    high=math.inf,
    formula="1 / mean over pairs of rows of k(x, x')^2, k = exp(-Gower distance / its median in "
    "train): how many rows that have nothing in common are as diverse",
    source="Leinster and Cobbold 2012, order 2; Pasarkar and Dieng 2024",
    anchors=(),
)
_BINS, _LEVELS = 20, 32


@dataclass(frozen=True)
class Spread:
    """Entropy of each column, and the effective number of rows.

    Parameters
    ----------
    most
        Rows taken of each table at most for the effective number.
    """

    name: ClassVar[str] = "spread"
    family: ClassVar[Family] = "diversity"
    measures: ClassVar[tuple[Measure, ...]] = (ENTROPY, EFFECTIVE)
    most: int = 1_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a column, and one of whole rows."""
        if not evidence.columns:
            return [refuse(self.family, m, "no column can be compared") for m in self.measures]
        drafts = [_entropy(evidence, name) for name in evidence.columns]
        parts = three(evidence, self.most, evidence.rng("spread"))
        if parts is not None:
            return judge(self.family, [*drafts, _effective(*parts)])
        reason = f"fewer than {LEAST} units of a table"
        return [*judge(self.family, drafts), refuse(self.family, EFFECTIVE, reason)]


def _entropy(evidence: Evidence, name: str) -> Draft:
    counts = _counts(evidence, name)
    train, release = counts["train"], counts["synthetic"]
    n, m = evidence.rows("train"), evidence.rows("synthetic")
    effect = evidence.pooled_effect([name])
    (before, a), (after, b) = _bits(train), _bits(release)
    both, used = _bits(train + release)[1], np.count_nonzero(train + release)
    expected = effect * float(used - 1) / (2 * math.log(2)) * (1 / n - 1 / m)
    # where all shares are equal the first order vanishes: the second is that of a chi-square
    second = (used - 1) / (2 * math.log(2) ** 2) * (1 / n**2 + 1 / m**2) * effect**2
    null = effect * both * (1 / n + 1 / m) + second
    gap = after - before
    own = float(expected)
    if "holdout" in counts:
        own = _bits(counts["holdout"])[0] - before
    p = two_sided((gap - expected) / math.sqrt(null)) if null > 0 else float(gap == 0)
    return Draft(
        ENTROPY,
        gap,
        effect * (a / n + b / m) + second,
        evidence.number_of_units("synthetic"),
        reference=own,
        noise=half_width(null),
        p_worse=p,
        columns=(name,),
        params={"train": round(before, 5), "target": round(expected, 6)},
    )


def _counts(evidence: Evidence, name: str) -> dict[Side, npt.NDArray[np.int64]]:
    """Rows of each code in each table, null and rare levels besides.

    Train and release make the codes together. Bins of equal mass in train would give train the
    largest entropy there is, and every fresh sample less.
    """
    if name in evidence.numeric():
        values = {s: evidence.sorted(s, name) for s in evidence.sides}
        bins = fit_bins(np.concatenate([values["train"], values["synthetic"]]), _BINS)
        found = {s: np.bincount(bins.code(v), minlength=bins.size) for s, v in values.items()}
        for side, counts in found.items():
            counts[bins.null] += evidence.rows(side) - len(values[side])
        return found
    cells = evidence.cells([name], evidence.columns[name].size)
    kept = np.argsort(-(cells.counts["train"] + cells.counts["synthetic"]), kind="stable")[:_LEVELS]
    return {s: np.append(c[kept], c.sum() - c[kept].sum()) for s, c in cells.counts.items()}


def _bits(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Entropy of counts in bits, and its variance for one row."""
    share = counts[counts > 0] / max(int(counts.sum()), 1)
    surprise = -np.log2(share)
    mean = float(share @ surprise)
    return mean, max(float(share @ surprise**2) - mean**2, 0.0)


def _effective(train: Records, release: Records, fresh: Records) -> Draft:
    real = distances(train, train)
    scale = max(float(np.median(real[np.triu_indices(len(real), 1)])), 1e-6)
    (value, variance), (own, its) = (_alike(r, scale) for r in (release, fresh))
    # on the logarithm: a number of rows is a ratio
    sd = math.sqrt(max(variance / value**2 + its / own**2, 1e-12))
    z = math.log(own / value) / sd
    return Draft(
        EFFECTIVE,
        value,
        variance,
        len(release),
        reference=own,
        noise=half_width((own * sd) ** 2),
        p_worse=above(z),
        params={"rows": len(release)},
    )


def _alike(rows: Records, scale: float) -> tuple[float, float]:
    """Effective number of rows and its variance: that of a U-statistic of order 2."""
    kernel = np.exp(-2 / scale * distances(rows, rows))
    of_row = kernel.mean(axis=1, dtype=np.float64)
    mean = float(of_row.mean())
    return 1 / mean, 4 * float(of_row.var()) / len(of_row) / mean**4
