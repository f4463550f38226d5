"""Semantic integrity: control columns C1 and C2 on Adult, and a toy of two classes in four modes.

``python benchmarks/integrity.py --data-dir FOLDER`` prints the tables; ``--write`` puts them into
RESULTS.md between their marks. C1 is positive for 70% of females and C2 for 5%, both never for
males. A good generator has the rates and never makes a male with either: suppression counts as
much as violation. Each generator is run without rules, with the two rules declared, and with the
rules that `twinset.mine_rules` finds from the same train rows.
"""

from __future__ import annotations

import argparse
import datetime
import os
import statistics
import sys
import time
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, fbeta_score

import twinset as ts
from twinset.registry import built_in

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import marks  # noqa: E402
import measure  # noqa: E402
import tables  # noqa: E402

DECLARED = ["sex = 'Male' implies C1 = 'no'", "sex = 'Male' implies C2 = 'no'"]
DISTANCE_ROWS = 2_000
PUBLISHED = [
    ("real", "", "70", "5", "0", "0", ".5", "0"),
    ("medGAN", "published", "59.2", "0", "0", "0", "1-AUC .001", "-.32 / -.29 / -.22"),
    ("tableGAN", "published", "72.8", "1.3", "0", ".4", ".49", "-.35 / -.27 / -.21"),
    ("CTGAN", "published", "71.8", "14.9", "3.2", ".9", ".48", "-.24 / -.25 / -.18"),
    ("its authors' method", "published", "72", "14.7", "1.7", ".3", ".50", "+.01 / +.04 / +.03"),
]
TOY_PUBLISHED = [
    ("medGAN", "published", "74.8"),
    ("tableGAN", "published", "92.9"),
    ("CTGAN", "published", "92.1"),
    ("its authors' method", "published", "97.4"),
]


def adult(folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and holdout halves of Adult with the control columns."""
    frame, units = tables.load("adult", folder)
    rng = np.random.default_rng([seed, 71])
    woman = (frame["sex"] == "Female").to_numpy()
    for name, share in (("C1", 0.70), ("C2", 0.05)):
        frame[name] = np.where(woman & (rng.random(len(frame)) < share), "yes", "no")
    train, holdout = tables.halves(units, seed)
    return tuple(frame.iloc[rows].reset_index(drop=True) for rows in (train, holdout))


def rates(frame: pd.DataFrame) -> list[float]:
    """Percentages F-C1, F-C2, M-C1, M-C2."""
    out = []
    for sex in ("Female", "Male"):
        group = frame[frame["sex"] == sex]
        out += [100 * float((group[c] == "yes").mean()) for c in ("C1", "C2")]
    return out


def efficacy(fitted: pd.DataFrame, holdout: pd.DataFrame) -> np.ndarray:
    """Accuracy, F1 and F2 for income over 50K on the holdout, LightGBM with 100 trees."""
    both = pd.concat([fitted, holdout], ignore_index=True).drop(columns="income")
    for name in both.columns:
        if not pd.api.types.is_numeric_dtype(both[name]):
            both[name] = both[name].astype("category")
    y = (fitted["income"] == ">50K").to_numpy()
    truth = (holdout["income"] == ">50K").to_numpy()
    model = lightgbm.LGBMClassifier(**measure.TREES).fit(both[: len(fitted)], y)
    guess = model.predict(both[len(fitted) :])
    scores = [fbeta_score(truth, guess, beta=b) for b in (1, 2)]
    return np.array([accuracy_score(truth, guess), *scores])


def sides(
    train: pd.DataFrame, made: pd.DataFrame, holdout: pd.DataFrame
) -> tuple[measure.Side, measure.Side, measure.Side]:
    """Bring the three tables into the referee's form."""
    parts = [f.astype(object).where(f.notna()) for f in (train, made, holdout)]
    text = [p.map(lambda v: v if v is None or isinstance(v, str) else f"{v:.15g}") for p in parts]
    found, _ = measure.sides(text, [np.arange(len(p)) for p in parts])
    return found[0], found[1], found[2]


def one(
    train: pd.DataFrame, holdout: pd.DataFrame, name: str, ruled: str, seed: int, *, attack: bool
) -> dict[str, object]:
    """Fit, sample and measure one generator."""
    rules = {"none": None, "declared": DECLARED}.get(ruled)
    if ruled == "mined":
        rules = ts.mine_rules(train, seed=seed)
    start = time.process_time()
    twin = ts.fit(train, generator=name, target="income", rules=rules, seed=seed)
    made = twin.sample(len(train))
    seconds = time.process_time() - start
    real, synthetic, unseen = sides(train, made, holdout)
    found: dict[str, object] = {
        "rates": rates(made),
        "auc": measure.c2st(unseen, synthetic, seed)[0],
        "delta": efficacy(made, holdout) - efficacy(train, holdout),
        "dcr": measure.dcr_share(real, unseen, synthetic, seed),
        "seconds": seconds,
        "rules": len(twin.rules),
    }
    if attack:
        found["membership"] = measure.membership(real, unseen, synthetic, seed)["membership_auc"]
    costs = [d.rules for d in twin.draws(len(train)) if d.rules] if twin.rules else []
    if costs:
        found["acceptance"] = sum(c.accepted for c in costs) / sum(c.drawn for c in costs)
    return found


def toy(seed: int, n: int = 10_000) -> pd.DataFrame:
    """Two classes in four modes, the exclusive or of two coordinates (sd 1, 5 apart)."""
    rng = np.random.default_rng([seed, 72])
    a, b = rng.integers(0, 2, (2, n))
    x, y = 5 * a + rng.normal(size=n), 5 * b + rng.normal(size=n)
    return pd.DataFrame({"x": x, "y": y, "label": np.where(a == b, "same", "other")})


def label_accuracy(frame: pd.DataFrame) -> float:
    """Percentage of rows whose label is that of the nearest mode."""
    same = (frame["x"] > 2.5) == (frame["y"] > 2.5)
    return 100 * float((frame["label"] == np.where(same, "same", "other")).mean())


def line(name: str, ruled: str, found: list[dict]) -> str:
    """One row of the table: medians over seeds; of violations the largest."""
    rate = np.array([f["rates"] for f in found])
    delta = np.median([f["delta"] for f in found], axis=0)
    cells = [
        *(f"{statistics.median(rate[:, i]):.1f}" for i in (0, 1)),
        *(f"{rate[:, i].max():.3f}" for i in (2, 3)),
        f"{statistics.median(f['auc'] for f in found):.3f}",
        " / ".join(f"{d:+.3f}" for d in delta),
        f"{statistics.median(f['dcr'] for f in found):.3f}",
        f"{found[0]['membership']:.3f}",
        f"{statistics.median(f.get('acceptance', 1.0) for f in found):.1%}"
        if ruled != "none"
        else "",
        f"{statistics.median(f['seconds'] for f in found):.1f}",
    ]
    rules = "none" if ruled == "none" else f"{found[0]['rules']} {ruled}"
    return f"| {name} | {rules} | {' | '.join(cells)} |"


def report(args: argparse.Namespace) -> str:
    """Both tables as Markdown."""
    seeds = [int(s) for s in args.seeds.split(",")]
    measure.DISTANCE_ROWS = DISTANCE_ROWS
    results: dict[tuple[str, str], list[dict]] = {}
    for seed in seeds:
        train, holdout = adult(Path(args.data_dir), seed)
        for name in args.generators.split(","):
            for ruled in ("none", "declared", "mined"):
                found = one(train, holdout, name, ruled, seed, attack=seed == seeds[0])
                results.setdefault((name, ruled), []).append(found)
                sys.stderr.write(f"{seed} {name} {ruled} {found['rates']}\n")
    head = "F-C1|F-C2|M-C1 (most)|M-C2 (most)|detector AUC|efficacy delta acc / F1 / F2|DCR share"
    head = f"generator|rules|{head}|best membership AUC|kept of the rows drawn|CPU s"
    lines = [f"Seeds {args.seeds}; {datetime.date.today()}.", "", f"|{head}|"]
    lines.append("|" + "---|" * (head.count("|") + 1))
    lines += [f"| {' | '.join(row)} | | | | |" for row in PUBLISHED]
    lines += [line(name, ruled, found) for (name, ruled), found in results.items()]
    lines += ["", "| generator | | label accuracy on the toy, % |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in TOY_PUBLISHED]
    for name in args.generators.split(","):
        figures = [label_accuracy(ts.fit(toy(s), generator=name, seed=s).sample()) for s in seeds]
        lines.append(f"| {name} | measured | {statistics.median(figures):.1f} |")
    real = statistics.median(label_accuracy(toy(s)) for s in seeds)
    lines.append(f"| real | measured | {real:.1f} |")
    return "\n".join(lines)


def main() -> int:
    """Print the tables, or write them into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("TWINSET_BENCH_DATA"))
    parser.add_argument("--generators", default=",".join(built_in("generators")))
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if not args.data_dir:
        parser.error("say where the tables are: --data-dir or TWINSET_BENCH_DATA")
    text = report(args)
    marks.tell("integrity", text, write=args.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
