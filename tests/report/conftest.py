"""A realistic evaluation and audit of a release of UCI Adult, and their provenance."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from twinset.auditing.measures import curves
from twinset.protocols import Estimate, Result
from twinset.results import Audit, Chart, Evaluation, Exposed, NotComputed, Problem
from twinset.table.schema import Column, Kind, Schema

NAMES = (
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status"),
    *("occupation", "relationship", "race", "sex", "capital-gain", "capital-loss"),
    *("hours-per-week", "native-country", "income"),
)
NUMBERS = {"age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"}
N = 24_421


def estimate(value: float, half: float, n: int = N) -> Estimate:
    return Estimate(value, value - half, value + half, n)


def measured(name: str, columns: tuple[str, ...], value: float, ref: float, noise: float) -> Result:
    verdict = "worse" if value > ref + noise else "within_noise"
    return Result(
        "fidelity",
        name,
        columns,
        estimate=estimate(value, noise / 2),
        reference=ref,
        noise=noise,
        verdict=verdict,
        seconds=0.01,
    )


def fidelity(rng: np.random.Generator) -> list[Result]:
    results = [
        measured("mean_column_tvd", (), 0.0071, 0.0058, 0.0016),
        measured("mean_pair_tvd", (), 0.0301, 0.0229, 0.0012),
        measured("mean_triple_tvd", (), 0.0742, 0.0612, 0.0021),
    ]
    for k, name, base in ((1, "column_tvd", 0.005), (2, "pair_tvd", 0.02), (3, "triple_tvd", 0.06)):
        sets = list(itertools.combinations(NAMES, k))
        for columns in sets[:: max(len(sets) // 120, 1)]:
            ref = base * rng.uniform(0.6, 1.4)
            value = ref + base * rng.gamma(0.35, 0.5)
            results.append(measured(name, columns, value, ref, 0.35 * base))
    results += [measured("ks", (c,), 0.006, 0.006, 0.003) for c in NAMES if c in NUMBERS]
    return results


def _c2st(against: str, value: float) -> Result:
    return Result(
        "fidelity",
        "c2st",
        params={"against": against},
        estimate=estimate(value, 0.006),
        reference=0.5,
        noise=0.007,
        direction="target",
        verdict="worse",
    )


def charts(rng: np.random.Generator) -> tuple[Chart, ...]:
    found = []
    for name in NAMES:
        ordered = name in NUMBERS
        bins = 18 if ordered else {"sex": 2, "income": 2, "native-country": 25}.get(name, 7)
        real = rng.dirichlet(np.full(bins, 3.0) if ordered else np.linspace(9, 0.5, bins))
        real = (0.9 * real + 0.1 / bins) if bins < 20 else (0.5 * real + 0.5 / bins)
        made = real * rng.normal(1, 0.03, bins)
        held = real * rng.normal(1, 0.02, bins)
        labels = [f"{4 * i + 16} to {4 * i + 20}" for i in range(bins)]
        labels[0], labels[-1] = ("below 20", "84 and more") if ordered else ("Private", "State-gov")
        if not ordered:
            labels = [f"{name} group {i}" for i in range(bins)]
        shares = [tuple(float(x) for x in v / v.sum()) for v in (real, made, held)]
        found.append(Chart(name, tuple(labels), *shares, ordered=ordered))
    return tuple(found)


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    rng = np.random.default_rng(7)
    results = fidelity(rng)
    results += [_c2st("holdout", 0.559), _c2st("train", 0.562)]
    results.append(
        Result(
            "utility",
            "tstr",
            ("income",),
            params={"measure": "auc", "model": "lightgbm"},
            estimate=estimate(0.9195, 0.0035),
            reference=0.926,
            noise=0.0034,
            direction="higher",
            verdict="worse",
        )
    )
    results.append(
        Result(
            "utility",
            "trtr",
            ("income",),
            params={"measure": "auc"},
            estimate=estimate(0.926, 0.0034),
            direction="higher",
        )
    )
    results.append(
        Result("fidelity", "missingness", status="not_applicable", reason="no cell is missing")
    )
    results += [
        measured("subgroup_tvd", ("sex",), 0.03, 0.01, 0.01).replace(
            group="sex = Female", params={"worst": ["age"]}
        ),
        measured("subgroup_tvd", ("sex",), 0.011, 0.01, 0.01).replace(group="sex = Male"),
    ]
    for name, value, ref, noise in (
        ("exact_copies", 0.0009, 0.0010, 0.0004),
        ("near_copies", 0.011, 0.0102, 0.0013),
        ("dcr_share", 0.524, 0.5, 0.009),
    ):
        results.append(
            Result(
                "privacy",
                name,
                estimate=estimate(value, noise / 1.5),
                reference=ref,
                noise=noise,
                direction="target" if name == "dcr_share" else "lower",
                verdict="worse" if name == "dcr_share" else "within_noise",
            )
        )
    pairs = sorted(
        (r for r in results if r.name == "pair_tvd"), key=lambda r: -(r.value - r.reference)
    )
    problems = tuple(
        Problem(
            f"{r.columns[0]} and {r.columns[1]} do not go together as in the train data: "
            f"{100 * r.value:.1f}% of rows would have to change, "
            f"{100 * r.reference:.1f}% for fresh real rows.",
            r.columns,
            r.value - r.reference,
            r.noise,
        )
        for r in pairs[:14]
    )
    columns = tuple(
        Column(
            name=n,
            kind=Kind.INTEGER if n in NUMBERS else Kind.CATEGORY,
            dtype="int64" if n in NUMBERS else "string",
            categories=None if n in NUMBERS else (f"{n} group 0", f"{n} group 1"),
        )
        for n in NAMES
    )
    return Evaluation(
        results=tuple(results),
        schema=Schema(columns=columns),
        problems=problems,
        charts=charts(rng),
        not_computed=(NotComputed("wasserstein of fnlwgt", "the time limit was reached"),),
    )


def attack(name: str, group: str, auc: float, scale: float) -> list[Result]:
    half = 0.006 * scale
    verdict = "worse" if auc - half > 0.5 else "within_noise"
    shared: dict[str, Any] = {"attack": name, "threat_model": "no-box", "target_group": group}
    rng = np.random.default_rng(1)
    member = np.arange(4_000) < 2_000
    drawn = curves(rng.normal(size=4_000) + 1.77 * (auc - 0.5) * member, member)
    found = [
        Result(
            "privacy",
            "auc",
            params={**shared, **drawn},
            estimate=estimate(auc, half),
            reference=0.5,
            noise=half,
            verdict=verdict,
        )
    ]
    for fpr in (0.01, 0.001):
        value = fpr * (1 + 4 * (auc - 0.5))
        found.append(
            Result(
                "privacy",
                "tpr_at_fpr",
                params={**shared, "fpr": fpr},
                estimate=Estimate(value, value * 0.6, value * 1.5, N // 2),
                reference=fpr,
                verdict="within_noise",
            )
        )
    return found


def learned(rows: int, share: float) -> Result:
    return Result(
        "privacy",
        "reconstruction_leak",
        ("income",),
        params={
            "attack": "linear_reconstruction",
            "released": rows,
            "of_train": share,
            "of_holdout": 0.5,
            "of_guess": 0.5,
        },
        estimate=Estimate(2 * (share - 0.5), share - 0.56, 2 * share - 0.9, 1_000),
        reference=0.0,
        verdict="within_noise",
    )


@pytest.fixture(scope="session")
def audit() -> Audit:
    results: list[Result] = []
    for i, name in enumerate(
        ("distance", "local_density", "dcr_difference", "domias", "classifier", "exact_match")
    ):
        results += attack(name, "all", 0.501 + 0.002 * i, 1)
    results += attack("domias", "outliers", 0.514, 3)
    results += [learned(rows, 0.5 + 0.02 * i) for i, rows in enumerate((100, 1_000, 10_000))]
    results.append(
        Result(
            "privacy",
            "epsilon_lower_bound",
            params={"attack": "domias", "target_group": "random", "ceiling": 6.1},
            estimate=Estimate(0.3, 0.3, 6.1, N),
            reference=0.0,
        )
    )
    results.append(
        Result(
            "privacy",
            "tpr_at_fpr",
            params={"attack": "exact_match", "target_group": "outliers", "fpr": 0.001},
            status="not_applicable",
            reason="needs at least 10,000 records outside the train data",
        )
    )
    return Audit(
        results=tuple(results),
        verdict="Not shown to leak under these attacks, at this power",
        controls_passed=True,
        exposed=(
            Exposed(
                "capital-gain is far above the others and education is Doctorate",
                61,
                0.571,
                0.498,
                0.641,
            ),
            Exposed(
                "native-country is rare (held by fewer than 1 in 500)", 312, 0.538, 0.509, 0.567
            ),
            Exposed("age is 75 or more", 263, 0.531, 0.5, 0.562),
        ),
        not_tested=(
            "An adversary who can run the generator (shadow models).",
            "Guessing a secret column of a known record (attribute inference).",
            "Linking two halves of a record.",
        ),
        not_computed=(),
    )


@pytest.fixture(scope="session")
def provenance() -> dict[str, Any]:
    return {
        "source": "adult.csv",
        "rows": {"train": N, "holdout": N, "synthetic": N},
        "columns": 15,
        "unit": None,
        "units": {"train": N, "holdout": N},
        "generator": "cart",
        "options": {"trees": 10, "leaf": 30},
        "seed": 0,
        "version": "0.1.0",
        "protection": {"rare": "held by fewer than 10 units: not released", "extreme": "coded"},
        "kept": [],
        "made_new": [],
        "licence": "CC BY 4.0",
        "seconds": {"read": 0.4, "fit": 5.9, "evaluate": 8.1},
    }


@pytest.fixture(scope="session")
def gates() -> list[dict[str, Any]]:
    return [
        {"name": "c2st against holdout", "bound": "<= 0.56", "value": 0.559, "met": True},
        {"name": "best attack auc", "bound": "<= 0.51", "value": 0.5141, "met": False},
    ]
