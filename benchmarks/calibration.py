"""Is a fresh real sample called "worse"? Ten tables, whole and in small samples.

``python benchmarks/calibration.py --data-dir FOLDER`` splits each table by unit into train, holdout
and release, evaluates, and prints which share of the figures is judged "worse", by family and by
name; then whether a bootstrap of train is flagged as copying and independent columns as such.
``--write`` puts it into RESULTS.md between its marks, ``--keep FILE`` adds each verdict as a JSON
line, and ``--from FILE`` prints what was kept.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import twinset as ts
from twinset.evaluation import evaluate
from twinset.inputs import Options, read, read_like

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import marks  # noqa: E402
import tables  # noqa: E402

SENSITIVE = {
    "adult": ("sex", "race"),
    "law_school": ("race", "male"),
    "default_credit_card": ("sex",),
    "nist_acs_national2019": ("SEX", "RAC1P"),
    "cardio": ("gender",),
    "nhanes": ("Gender", "Race1"),
}
MOST = 60_000  # rows of a table: of more, a sample of units
COPYING = ("exact_copies", "near_copies", "dcr_share", "authenticity")
PAIRS = ("dependence_tvd", "mean_pair_tvd")


def thirds(name: str, folder: Path, seed: int, rows: int | None) -> list[pd.DataFrame]:
    """Train, holdout and release of about `rows` rows each; no unit is in two of them."""
    frame, units = tables.load(name, folder)
    if tables.SOURCES[name].identifier is not None:
        frame = frame.assign(unit=units)
    size = min(rows or MOST // 3, len(frame) // 3)
    rank = np.random.default_rng([seed, 3]).permutation(units.max() + 1)[units]
    order = np.argsort(rank, kind="stable")
    ends = [int(np.searchsorted(rank[order], rank[order][i * size])) for i in range(3)]
    last = order[ends[2] : ends[2] + size]
    parts = [order[ends[0] : ends[1]], order[ends[1] : ends[2]], last]
    return [frame.iloc[np.sort(p)].reset_index(drop=True) for p in parts]


def about(name: str) -> dict[str, object]:
    """What the evaluation is told of a table."""
    source = tables.SOURCES[name]
    told = {"target": source.target, "sensitive": SENSITIVE.get(name, ())}
    return told if source.identifier is None else {**told, "unit": "unit"}


def verdicts(
    name: str, folder: Path, seed: int, rows: int | None, release: str, metrics: list[str] | None
) -> Iterator[dict]:
    """Yield a record of each figure that was judged."""
    train, holdout, fresh = parts = thirds(name, folder, seed, rows)
    told = {**about(name), "schema": ts.schema(pd.concat(parts), **about(name))}
    if release != "fresh":
        twin = ts.fit(train, generator=release, seed=seed, protect=1, **told)
        fresh = twin.sample(len(fresh))
    options = Options(**told)
    _, real = read(train, options)
    others = [read_like(t, real, options) for t in (fresh, holdout)]
    watched = {"target": options.target, "sensitive": options.sensitive, "seed": seed}
    found = evaluate(real, *others, metrics=metrics, **watched)
    where = {"table": name, "seed": seed, "rows": len(train), "release": release}
    for r in found.results:
        if r.verdict is not None:
            shown = {"columns": list(r.columns), "group": r.group, "verdict": r.verdict}
            figure = {"value": r.value, "reference": r.reference, "noise": r.noise}
            q = r.params.get("q_worse")
            yield {**where, "family": r.family, "name": r.name, **shown, **figure, "q": q}


def jobs(names: list[str], seeds: int, rows: int) -> Iterator[tuple[str, int, int | None, str]]:
    """Yield every release to judge: whole thirds once, small samples, two broken generators."""
    for name in names:
        yield name, 0, None, "fresh"
        for seed in range(1, seeds + 1):
            yield name, seed, rows, "fresh"
        for release in ("bootstrap", "independent"):
            yield name, 0, 2 * rows, release


def text(kept: list[dict]) -> str:
    """Return the tables of RESULTS.md."""
    fresh = [k for k in kept if k["release"] == "fresh"]
    names = sorted({k["name"] for k in fresh})
    releases = len({(k["table"], k["seed"]) for k in fresh})
    family = {k["name"]: k["family"] for k in fresh}
    judged = Counter(k["name"] for k in fresh)
    worse = Counter(k["name"] for k in fresh if k["verdict"] == "worse")
    hit = Counter(n for n, *_ in {(k["name"], k["table"], k["seed"]) for k in fresh
                                  if k["verdict"] == "worse"})  # fmt: skip
    of = Counter(n for n, *_ in {(k["name"], k["table"], k["seed"]) for k in fresh})
    whole = sum(worse.values()) / max(len(fresh), 1)
    tested = f"{releases} fresh releases of {len({k['table'] for k in fresh})} tables"
    lines = [
        f"{tested}; {datetime.date.today()}. {1 - whole:.2%} of {len(fresh):,} are not worse.",
        "",
        "| family | names | figures | not worse | least of a name |",
        "|---|---|---|---|---|",
    ]
    for f in sorted(set(family.values())):
        mine = [n for n in names if family[n] == f]
        figures, bad = sum(judged[n] for n in mine), sum(worse[n] for n in mine)
        least = min(mine, key=lambda n: 1 - worse[n] / judged[n])
        lines.append(
            f"| {f} | {len(mine)} | {figures:,} | {1 - bad / figures:.2%} | "
            f"{1 - worse[least] / judged[least]:.1%} `{least}` |"
        )
    ranked = sorted(names, key=lambda n: -hit[n] / of[n])[:12]
    lines += ["", "| name | figures | not worse | releases with a figure called worse |"]
    lines += ["|---|---|---|---|"]
    for n in ranked:
        lines.append(
            f"| `{n}` | {judged[n]:,} | {1 - worse[n] / judged[n]:.1%} | {hit[n]} of {of[n]} |"
        )
    lines += ["", *_caught(kept)]
    return "\n".join(lines)


def _caught(kept: list[dict]) -> Iterator[str]:
    for release, wanted in (("bootstrap", COPYING), ("independent", PAIRS)):
        mine = [k for k in kept if k["release"] == release]
        every = sorted({k["table"] for k in mine})
        for name in wanted:
            seen = {k["table"] for k in mine if k["name"] == name and k["verdict"] == "worse"}
            missed = [t for t in every if t not in seen]
            but = f"; not on {', '.join(missed)}" if missed else ""
            yield f"* `{release}` is called worse by `{name}` on {len(seen)} of {len(every)}{but}."


def main() -> int:
    """Evaluate, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("TWINSET_BENCH_DATA"))
    parser.add_argument("--data", default=",".join(tables.SOURCES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--metrics", type=lambda names: names.split(","))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--from", dest="kept", type=Path)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if args.kept:
        kept = [json.loads(line) for line in args.kept.read_text(encoding="utf-8").splitlines()]
    elif not args.data_dir:
        parser.error("say where the tables are: --data-dir or TWINSET_BENCH_DATA")
    else:
        kept = []
        for job in jobs(args.data.split(","), args.seeds, args.rows):
            name, seed, rows, release = job
            found = list(verdicts(name, Path(args.data_dir), seed, rows, release, args.metrics))
            kept += found
            bad = sorted({k["name"] for k in found if k["verdict"] == "worse"})
            sys.stderr.write(f"{release} {name} {seed} {rows}: {len(found)} judged, {bad}\n")
            if args.keep:
                with args.keep.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(k) + "\n" for k in found)
    shown = text(kept)
    marks.tell("calibration", shown, write=args.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
