"""What audits cost: ``python benchmarks/audit_costs.py --data-dir FOLDER [--only NAMES]``.

Each figure is taken in a process of its own, one thread: CPU seconds of the process and its
workers, and its peak memory. ``--write`` puts them into RESULTS.md between their marks.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import child  # noqa: E402
import donors  # noqa: E402
import marks  # noqa: E402
import numpy as np  # noqa: E402
import tables  # noqa: E402

SIDE = 24_000
TIMED = 40


def spent() -> float:
    """CPU seconds of this process and of the workers that have ended."""
    both = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in both)


def shadows(data: Path) -> str:
    """Ten targets, 400 fits of CART on 1,000 rows of the census, all attacks, less the fits."""
    import twinset as ts

    table = tables.read(data / "uk_census_2011_10k.csv.gz")
    began = spent()
    how = {"number": 5, "shadow_rows": 1_000, "protect": 1, "options": {"leaf": 5}}
    ts.audit(table, generator="donors", shadows=400, **how)
    whole = spent() - began
    rng, began = np.random.default_rng(0), spent()
    for seed in range(TIMED):
        train = table.iloc[rng.permutation(len(table))[:1_000]]
        twin = ts.fit(train, generator="donors", options={"leaf": 5}, protect=1, seed=seed)
        twin.sample(1_000)
    fits = (spent() - began) * 400 / TIMED
    return f"{whole - fits:.0f} CPU s beyond the fits ({whole:.0f} in all)"


def twenty(data: Path) -> str:
    """Twenty targets, 200 fits of cart on 1,000 rows of Adult, all attacks, two workers."""
    import twinset as ts

    adult = tables.read(data / "adult.csv.gz")
    began, wall = spent(), time.perf_counter()
    ts.audit(adult, generator="cart", shadows=200, shadow_rows=1_000, seed=1)
    return f"{spent() - began:.0f} CPU s, {time.perf_counter() - wall:.0f} s of wall"


def queries(_: Path) -> str:
    """All 2^14 conjunctions for one target, 5,000 rows."""
    from twinset.protocols import Records
    from twinset.stats.queries import all_counts, masks

    rng = np.random.default_rng(0)
    sides = [
        Records(np.zeros((n, 0), np.float32), rng.integers(0, 3, (n, 14)).astype(np.int32))
        for n in (1, 5_000)
    ]
    took = []
    for _ in range(50):
        began = time.process_time()
        assert len(all_counts(masks(*sides), 14)) == 2**14
        took.append(time.process_time() - began)
    return f"{1_000 * float(np.median(took)):.1f} ms (median of 50)"


def no_box(data: Path) -> str:
    """All attacks from files: 24,000 rows of Adult on each of the four sides, all are targets."""
    import twinset as ts
    from twinset.auditing.release import audit_release
    from twinset.inputs import Options, read_like
    from twinset.inputs import read as read_table

    table = tables.read(data / "adult.csv.gz")
    order = np.random.default_rng(0).permutation(len(table))
    halves = table.iloc[order[:SIDE]], table.iloc[order[SIDE : 2 * SIDE]]
    made = [ts.fit(halves[0], seed=s).sample(SIDE) for s in (0, 1)]  # a release; rows to compare
    _, train = read_table(halves[0], Options())
    others = made[0], halves[1], made[1]
    synthetic, holdout, known = (read_like(t, train, Options()) for t in others)
    began = spent()
    found = audit_release(train, synthetic, holdout, auxiliary=known, max_targets=SIDE)
    took = spent() - began
    slow = sorted({(r.seconds, str(r.params["attack"])) for r in found.results if r.seconds > 1})
    told = ", ".join(f"{name} {seconds:.1f}" for seconds, name in reversed(slow[-6:]))
    return f"{took:.1f} CPU s, MEMORY (slowest: {told})"


def reconstruction(_: Path) -> str:
    """1,000 people, secrets dealt at random, from a bootstrap of 10^3, 10^4 and 10^6 rows."""
    from twinset.attacks.linear_reconstruction import LinearReconstruction
    from twinset.protocols import Records

    rng, n = np.random.default_rng(0), 1_000
    values = rng.normal(size=(n, 5))
    known = Records(
        (values / np.abs(values).max()).astype(np.float32),
        rng.integers(0, 7, (n, 9)).astype(np.int32),
        values=values,
    )
    secret, told = rng.integers(0, 2, n), []
    for rows in (10**3, 10**4, 10**6):
        drawn = rng.integers(0, n, rows)
        release, began = known.take(drawn), time.process_time()
        guess = LinearReconstruction().guess(known, release, secret[drawn], 2, rng=rng)
        took = time.process_time() - began
        told.append(f"{rows:,} rows {(guess.argmax(axis=1) == secret).mean():.1%} in {took:.1f} s")
    return "; ".join(told)


def curve(data: Path) -> str:
    """Train / other people reconstructed from 100, 1,000 ... 10^6 released rows, 1,000 of Adult."""
    from twinset.auditing.shadow_worker import work
    from twinset.auditing.shadows import Plan, Pool
    from twinset.inputs import Options
    from twinset.inputs import read as read_table

    frame = tables.read(data / "adult.csv.gz").sample(2_000, random_state=0)
    _, table = read_table(frame, Options(target="income"))
    told = []
    for generator in ("bootstrap", "independent", "cart"):
        took = []
        for most in (10**5, 10**6):
            plan = Plan(
                generator=generator, options={}, command="", fits=0, controls=0, rows=1_000,
                released=1_000, targets=(0,), attacks=(), seconds=600.0, curve=most,
            )  # fmt: skip
            with tempfile.TemporaryDirectory() as folder:
                pool, began = Pool.make(Path(folder), plan, table), time.process_time()
                work(pool, [], table, plan.curve_task)
                took.append(f"{time.process_time() - began:.1f}")
                kept = pool.curve()[0]
        sides = (kept[s].mean(axis=1)[np.argsort(kept["sizes"])] for s in ("train", "holdout"))
        points = ", ".join(f"{100 * a:.0f} / {100 * b:.0f}" for a, b in zip(*sides, strict=True))
        cost = f"{took[0]} CPU s to 10^5 rows, {took[1]} to 10^6"
        told.append(f"`{generator}` {points}% (a guess {float(kept['guess']):.0%}; {cost})")
    return "; ".join(told)


FIGURES: dict[str, tuple[Callable[[Path], str], str]] = {
    "shadows": (shadows, "60 CPU s (TAPAS: 980 in all, 127 with features computed once)"),
    "twenty": (twenty, "120 s on 2 cores"),
    "queries": (queries, "5 ms"),
    "no_box": (no_box, "60 CPU s, 2 GB"),
    "reconstruction": (reconstruction, "2 s; 80 / 99 / 100%"),
    "curve": (curve, "seconds; `bootstrap` near 100%, `independent` as for others"),
}


def measured(name: str, data: Path, cache: Path) -> dict[str, str]:
    """Take a figure in a process of its own, and keep it."""
    place = cache / f"{name}.json"
    words = [
        sys.executable,
        __file__,
        "--data-dir",
        str(data),
        "--alone",
        name,
        "--out",
        str(place),
    ]
    log = cache / f"{name}.log"
    run = child.run_measured(words, log, threads=1, memory_cap_mb=12_000, time_limit=None)
    if run.reason:
        return {"told": f"failed: {run.reason}", "date": ""}
    found = json.loads(place.read_text(encoding="utf-8"))
    told = found["told"].replace("MEMORY", f"{run.peak_mb:.0f} MB")
    found = {"told": told, "date": datetime.date.today().isoformat()}
    place.write_text(json.dumps(found), encoding="utf-8")
    return found


def main() -> None:
    """Take the figures asked for; print them with those known before, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("TWINSET_BENCH_DATA"))
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/twinset-bench/audit-costs"))
    parser.add_argument("--only", default=",".join(FIGURES))
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if args.alone:
        with tempfile.TemporaryDirectory() as folder:
            donors.plug_in(Path(folder))
            told = FIGURES[args.alone][0](args.data_dir)
        args.out.write_text(json.dumps({"told": told}), encoding="utf-8")
        return
    cache = args.cache.expanduser()
    cache.mkdir(parents=True, exist_ok=True)
    for name in args.only.split(","):
        sys.stderr.write(f"{name}: {measured(name, args.data_dir, cache)['told']}\n")
    lines = ["| what | measured | target |", "|---|---|---|"]
    for name, (take, target) in FIGURES.items():
        place = cache / f"{name}.json"
        if place.exists():
            found = json.loads(place.read_text(encoding="utf-8"))
            what = (take.__doc__ or "").strip().rstrip(".")
            lines.append(f"| {what} ({found['date']}) | {found['told']} | {target} |")
    text = "\n".join(lines)
    marks.tell("audit costs", text, write=args.write)


if __name__ == "__main__":
    main()
