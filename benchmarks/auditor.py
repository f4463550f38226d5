"""Bounds on epsilon against mechanisms whose epsilon is known.

``python benchmarks/auditor.py`` prints the table; ``--write`` puts it into RESULTS.md between its
marks. Each line is 500 audits of 10,000 trials at 95%: how often the bound is above the truth (at
most 5% by promise), its median and the most that so many trials could show. Randomised response
tells the truth with probability e^eps / (1 + e^eps); the Gaussian mechanism adds noise to a bit.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Callable

import marks
import numpy as np
from scipy import stats

from twinset.auditing.bounds import (
    bound_from_pairs,
    bound_from_scores,
    gaussian_epsilon,
    one_run_ceiling,
    one_run_lower_bound,
)

AUDITS, TRIALS = 500, 10_000
EPSILONS = ((0.5, 0.80), (1.0, 0.90), (2.0, 0.90), (4.0, 0.90))
DELTA = 1e-3

Bounds = tuple[np.ndarray, float]


def response(epsilon: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return coins and what randomised response tells of them, shape (audits, trials)."""
    coin = rng.random((AUDITS, TRIALS)) < 0.5
    honest = rng.random((AUDITS, TRIALS)) < 1 / (1 + np.exp(-epsilon))
    return coin, coin == honest


def repeated(epsilon: float, rng: np.random.Generator) -> Bounds:
    """Independent runs, threshold chosen on one half and counted on the other."""
    made = [
        bound_from_scores(told.astype(float), coin, rng)
        for coin, told in zip(*response(epsilon, rng), strict=True)
    ]
    return np.array([b.value for b in made]), made[0].ceiling


def one_run(epsilon: float, rng: np.random.Generator) -> Bounds:
    """One run with 10,000 canaries, each in by a coin."""
    coin, told = response(epsilon, rng)
    right = (coin == told).sum(axis=1)
    known = {v: one_run_lower_bound(int(v), TRIALS, TRIALS) for v in np.unique(right)}
    return np.array([known[v] for v in right]), one_run_ceiling(TRIALS)


def pairs(epsilon: float, rng: np.random.Generator) -> Bounds:
    """One run with 10,000 pairs of a member and a non-member, sure of one in ten."""
    truth = rng.random((AUDITS, TRIALS)) < 1 / (1 + np.exp(-epsilon))
    sure = rng.random((AUDITS, TRIALS)) < 0.1
    gap = np.where(truth, 1.0, -1.0) * np.where(sure, 1.0, 0.0)
    member = np.arange(2 * TRIALS) < TRIALS
    made = [bound_from_pairs(np.append(g, np.zeros(TRIALS)), member, rng) for g in gap]
    return np.array([b.value for b in made]), made[0].ceiling


def gaussian(mu: float, rng: np.random.Generator) -> Bounds:
    """A Gaussian mechanism, bounded as such."""
    coin = np.arange(TRIALS) < TRIALS // 2
    made = [
        bound_from_scores(
            rng.normal(size=TRIALS) + mu * coin, coin, rng, delta=DELTA, gaussian=True
        )
        for _ in range(AUDITS)
    ]
    return np.array([b.value for b in made]), made[0].ceiling


WAYS: dict[str, Callable[[float, np.random.Generator], Bounds]] = {
    "randomised response, repeated runs": repeated,
    "randomised response, one run": one_run,
    "randomised response, one run, pairs": pairs,
}


def line(name: str, truth: float, least: float | None, found: Bounds) -> str:
    """One line of the table; a miss of what is promised is marked."""
    values, ceiling = found
    above = int((values > truth).sum())
    share = float(np.median(values)) / truth
    tolerated = int(stats.binom.isf(0.01, AUDITS, 0.05))
    wanted = "" if least is None else f" (at least {least:.2f})"
    held = above <= tolerated and (least is None or share >= least)
    return (
        f"| {name} | {truth:.2f} | {above} of {AUDITS} | {np.median(values):.3f} "
        f"| {share:.3f}{wanted} | {ceiling:.2f} | {'yes' if held else '**no**'} |"
    )


def main() -> None:
    """Simulate, then print the table or write it into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    lines = [
        f"{AUDITS} audits of {TRIALS:,} trials; {datetime.date.today().isoformat()}.",
        "",
        "| mechanism | epsilon | bound above it | median | of epsilon | ceiling | held |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, way in WAYS.items():
        for epsilon, least in EPSILONS:
            rng = np.random.default_rng([len(name), int(10 * epsilon)])
            wanted = None if "pairs" in name else least
            lines.append(line(name, epsilon, wanted, way(epsilon, rng)))
            sys.stderr.write(lines[-1] + "\n")
    for mu in (0.5, 1.0, 2.0):
        truth, rng = gaussian_epsilon(mu, DELTA), np.random.default_rng(int(10 * mu))
        lines.append(line(f"Gaussian, mu {mu}, delta {DELTA}", truth, None, gaussian(mu, rng)))
        sys.stderr.write(lines[-1] + "\n")
    text = "\n".join(lines)
    marks.tell("auditor", text, write=args.write)


if __name__ == "__main__":
    main()
