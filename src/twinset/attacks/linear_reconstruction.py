"""Linear reconstruction: the secret of everybody at once, from counts in the release."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from twinset.progress import check_time
from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores

__all__ = ["LinearReconstruction", "to_simplex"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LinearReconstruction:
    """Solve for all secrets from the shares of each level among rows that agree in two columns.

    Annamalai, Gadotti, Rocher 2024 (A linear reconstruction approach for attribute inference
    attacks against synthetic data, section 4): the adversary knows all columns but one of everybody
    in the train table. A query is a combination of values of two known columns; with n_q such rows
    known and share p_q of a level among the m_q synthetic rows that agree, its answer is n_q p_q.
    The secrets are the T with rows on the simplex that minimises ``|W^(1/2) (A T - Y)|``, by
    accelerated projected gradients (Beck and Teboulle 2009), where W weighs an answer by
    ``m_q / (n_q (m_q + n_q))``. A binary secret, classes or bins of a number are solved alike.

    Parameters
    ----------
    bins
        Bins of a known number.
    pairs
        Pairs of known columns at most; the first ones in random order.
    steps
        Steps of the solver.
    """

    name: ClassVar[str] = "linear_reconstruction"
    title: ClassVar[str] = "Linear reconstruction"
    meaning: ClassVar[str] = "Everybody's hidden value at once, from counts in the synthetic table."
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="exact", goal="reconstruction")

    bins: int = 50
    pairs: int = 120
    steps: int = 300

    def guess(
        self, known: Records, release: Records, secret: Codes, levels: int, *, rng: Rng
    ) -> Scores:
        """Return shape (targets, levels): the solution; `known` is everybody of the table."""
        columns = _cells(known, release, self.bins)
        overall = np.bincount(secret, minlength=levels) / len(secret)
        chosen = list(combinations(range(len(columns)), 2)) or [(j, j) for j in range(len(columns))]
        if not chosen:
            return np.tile(overall, (len(known), 1))
        order = rng.permutation(len(chosen))[: self.pairs]
        pairs = [(columns[a], columns[b]) for a, b in (chosen[i] for i in order)]
        queries = [_queries(a, b, secret, levels) for a, b in pairs]
        return _solve(queries, len(known), overall, self.steps)


@dataclass(frozen=True, eq=False)
class _Cells:
    """A column as codes 0 .. size - 1; the last one stands for what no known row has."""

    known: Codes
    release: Codes
    size: int


def _cells(known: Records, release: Records, bins: int) -> list[_Cells]:
    """Cut each column of both tables into cells; numbers at quantiles of the release."""
    pairs = [(known.codes[:, j], release.codes[:, j]) for j in range(known.codes.shape[1])]
    for j in range(known.numeric.shape[1]):
        sides = [known.numeric[:, j], release.numeric[:, j]]
        there = sides[1][~np.isnan(sides[1])]
        probs = np.linspace(0, 1, bins + 1)[1:-1]
        edges = np.unique(np.quantile(there, probs)) if len(there) else np.empty(0)
        x, s = (np.where(np.isnan(v), -1, np.digitize(v, edges, right=True)) for v in sides)
        pairs.append((x.astype(np.int32), s.astype(np.int32)))
    found = []
    for mine, theirs in pairs:
        values, place = np.unique(mine, return_inverse=True)
        at = np.minimum(np.searchsorted(values, theirs), len(values) - 1)
        same = values[at] == theirs
        found.append(_Cells(place.reshape(-1), np.where(same, at, len(values)), len(values) + 1))
    return found


def _queries(a: _Cells, b: _Cells, secret: Codes, levels: int) -> tuple[Codes, Floats, Floats]:
    """Return the query of each known row, and of each query its answers and weight."""
    mine, theirs = a.known * b.size + b.known, a.release * b.size + b.release
    own = np.bincount(mine, minlength=a.size * b.size)
    lookup = np.cumsum(own > 0) - 1
    asked = np.flatnonzero(own)
    table = np.bincount(theirs * levels + secret, minlength=len(own) * levels)
    counts = table.reshape(-1, levels)[asked].astype(np.float64)
    m, n = counts.sum(axis=1), own[asked].astype(np.float64)
    answers = counts / np.maximum(m, 1)[:, None] * n[:, None]
    return lookup[mine], answers, m / (n * (m + n))


def _solve(
    queries: list[tuple[Codes, Floats, Floats]], rows: int, start: Floats, steps: int
) -> Floats:
    """Minimise the weighted squares over rows on the simplex."""
    from scipy import sparse

    sizes = np.array([len(w) for _, _, w in queries])
    offset = np.concatenate([[0], np.cumsum(sizes)])
    place = np.concatenate([q + o for (q, _, _), o in zip(queries, offset[:-1], strict=True)])
    row = np.tile(np.arange(rows), len(queries))
    weight = np.sqrt(np.concatenate([w for _, _, w in queries]))
    weight /= weight.max(initial=1e-12)
    a: Any = sparse.csr_matrix((weight[place], (place, row)), shape=(int(offset[-1]), rows))
    back = a.T.tocsr()
    y = np.concatenate([answers for _, answers, _ in queries]) * weight[:, None]
    rate = 1 / max(_norm(a, back, rows), 1e-12)
    t = z = np.tile(start, (rows, 1))
    momentum = 1.0
    for _ in range(steps):
        check_time()
        new = to_simplex(z - rate * (back @ (a @ z - y)))
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        z = new + (momentum - 1) / grown * (new - t)
        t, momentum = new, grown
    return t


def _norm(a: Any, back: Any, rows: int) -> float:
    """Largest eigenvalue of A'A, a little above, by power iteration."""
    v = np.ones(rows) / np.sqrt(rows)
    size = 1.0
    for _ in range(30):
        v = back @ (a @ v)
        size = float(np.linalg.norm(v))
        if size == 0:
            return 0.0
        v /= size
    return 1.05 * size


def to_simplex(points: Floats) -> Floats:
    """Project each row onto the simplex (Held, Wolfe, Crowder 1974)."""
    ordered = -np.sort(-points, axis=1)
    above = np.cumsum(ordered, axis=1) - 1
    place = np.arange(1, points.shape[1] + 1)
    number = (ordered - above / place > 0).sum(axis=1)
    shift = above[np.arange(len(points)), number - 1] / number
    return np.asarray(np.maximum(points - shift[:, None], 0.0), dtype=np.float64)
