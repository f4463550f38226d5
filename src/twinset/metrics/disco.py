"""Disclosure in a release, in synthpop's terms: replicated uniques and DiSCO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Records, Result
from twinset.protocols.measures import BEYOND
from twinset.stats.intervals import proportions_differ, wilson

__all__ = ["Disco"]

Ints = npt.NDArray[np.int64]

UNIQUES = Measure(
    name="replicated_uniques",
    title="Unique people who are unique in the release",
    meaning="Share of train rows that a few columns single out both in train and in the release. "
    "Rows set aside show what is due to chance.",
    unit="share",
    formula="share of train rows whose keys (params.keys) stand once in train and once in the "
    "release",
    source="Raab, Nowok and Dibben 2024, repU; reference: the holdout's own share at equal size",
    standing=BEYOND,
)
DISCO = Measure(
    name="disco",
    title="Values that a few columns give away",
    meaning="Share of train rows whose keys lead to one value only in the release, the right one "
    "(DiSCO). What is as right for rows set aside is knowledge of the population.",
    unit="share",
    formula="share of train rows whose keys (params.keys) stand in the release, there with one "
    "value of the column only, which is theirs; params.dio: the same of train with itself",
    source="Raab, Nowok and Dibben 2024, DiSCO and DiO; reference: the holdout's own share",
    standing=BEYOND,
)
_LEAST = 30
_BINS = 20


@dataclass(frozen=True)
class Disco:
    """What the keys of a person disclose in the release beyond what they do of people not in it.

    Keys should be what an adversary knows. Unless given they are the columns that tell rows apart
    best (largest entropy, numbers in 20 bins), which is more than most adversaries have.

    Parameters
    ----------
    keys
        Columns that an adversary knows.
    width
        How many keys are chosen if none are given.
    most
        How many other columns are looked at, target and sensitive ones first.
    """

    name: ClassVar[str] = "disco"
    family: ClassVar[Family] = "privacy"
    measures: ClassVar[tuple[Measure, ...]] = (UNIQUES, DISCO)
    keys: tuple[str, ...] = ()
    width: int = 4
    most: int = 6

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return the replicated uniques, and one result a column that is not a key."""
        if evidence.holdout is None:
            reason = "there is no holdout to compare with"
            return [refuse(self.family, m, reason) for m in self.measures]
        records = evidence.records()
        if min(map(len, records.values())) < _LEAST or len(evidence.columns) < 2:
            reason = f"fewer than {_LEAST} rows of a table, or fewer than two columns"
            return [refuse(self.family, m, reason) for m in self.measures]
        codes = {s: _codes(r) for s, r in records.items()}
        keys = [k for k in self.keys if k in evidence.columns] or self._chosen(evidence, codes)
        joint = _joint({s: np.column_stack([c[k] for k in keys]) for s, c in codes.items()})
        tables = evidence.train, evidence.holdout
        effect = max(t.num_rows / max(t.num_units, 1) for t in tables)
        first = [c for c in (evidence.target, *evidence.sensitive) if c is not None]
        others = [c for c in dict.fromkeys((*first, *evidence.columns)) if c not in keys]
        drafts = [_uniques(evidence, joint, keys, effect)]
        for name in others[: self.most]:
            values = {s: c[name] for s, c in codes.items()}
            found = {s: _disclosed(joint, values, "synthetic", s) for s in joint}
            dio = float(_disclosed(joint, values, "train", "train").mean())
            hits = found["train"], found["holdout"]
            about = {"keys": keys, "dio": round(dio, 5)}
            drafts.append(_draft(evidence, DISCO, hits, effect, (name,), about))
        return judge(self.family, drafts)

    def _chosen(self, evidence: Evidence, codes: dict[Side, dict[str, Ints]]) -> list[str]:
        watched = {evidence.target, *evidence.sensitive}
        entropy = {}
        for name, values in codes["train"].items():
            share = np.unique(values, return_counts=True)[1] / len(values)
            entropy[name] = float(-(share * np.log(share)).sum())
        free = [n for n in evidence.columns if n not in watched] or list(evidence.columns)
        most = min(self.width, len(evidence.columns) - 1)
        return sorted(free, key=lambda n: -entropy[n])[:most]


def _codes(records: Records) -> dict[str, Ints]:
    """Return each column as codes: numbers in 20 bins of equal mass, null by itself."""
    ranks = np.nan_to_num(np.minimum(records.numeric, 1 - 1e-6), nan=1.0) * _BINS
    found = {n: ranks[:, j].astype(np.int64) for j, n in enumerate(records.numeric_names)}
    for j, name in enumerate(records.code_names):
        found[name] = records.codes[:, j].astype(np.int64)
    return found


def _joint(keys: dict[Side, Ints]) -> dict[Side, Ints]:
    """Number the combinations of keys over all tables."""
    whole = np.unique(np.concatenate(list(keys.values())), axis=0, return_inverse=True)[1]
    ends = np.cumsum([len(k) for k in keys.values()])[:-1]
    return dict(zip(keys, np.split(whole.reshape(-1), ends), strict=True))


def _disclosed(
    joint: dict[Side, Ints], values: dict[Side, Ints], source: Side, of: Side
) -> npt.NDArray[np.bool_]:
    """Rows of `of` whose keys have one value only in `source`, the right one."""
    size = 1 + max(int(j.max()) for j in joint.values())
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
    np.minimum.at(low, joint[source], values[source])
    np.maximum.at(high, joint[source], values[source])
    mine = joint[of]
    return np.asarray((low[mine] == high[mine]) & (low[mine] == values[of]))


def _uniques(evidence: Evidence, joint: dict[Side, Ints], keys: list[str], effect: float) -> Draft:
    size = min(len(joint["train"]), len(joint["holdout"]))
    rng, most = evidence.rng("disco"), 1 + max(int(j.max()) for j in joint.values())
    once = np.bincount(joint["synthetic"], minlength=most) == 1
    hits = []
    for side in ("train", "holdout"):
        rows = joint[side][rng.permutation(len(joint[side]))[:size]]
        alone = np.bincount(rows, minlength=most) == 1
        hits.append((alone & once)[rows])
    return _draft(evidence, UNIQUES, (hits[0], hits[1]), effect, (), {"keys": keys})


def _draft(
    evidence: Evidence,
    measure: Measure,
    hits: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
    effect: float,
    columns: tuple[str, ...],
    about: dict[str, object],
) -> Draft:
    """Compare two shares: given the release, rows of train and of holdout are drawn alike."""
    (x, n), (y, m) = ((int(h.sum()), len(h)) for h in hits)
    share = (y + 0.5) / (m + 1)
    return Draft(
        measure,
        x / n,
        0.0,
        evidence.number_of_units("train"),
        reference=y / m,
        noise=half_width(effect * share * (1 - share) * (1 / n + 1 / m)),
        p_worse=proportions_differ(x, n, y, m, effect)[0],
        columns=columns,
        params={**about, "interval": "Wilson"},
        interval=wilson(x / effect, n / effect),
    )
