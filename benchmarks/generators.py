"""Ours and the peers on the same tables and cores, one command: see benchmarks/README.md."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import tables  # noqa: E402
import tools  # noqa: E402


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="adult", help="table names with commas, or 'all'")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--peers", default="fast", help="names with commas, or fast, all, none")
    parser.add_argument("--no-ours", action="store_true", help="leave twinset out")
    parser.add_argument("--data-dir", default=os.environ.get("TWINSET_BENCH_DATA"))
    default = Path.home() / ".cache" / "twinset-bench"
    parser.add_argument("--cache", default=os.environ.get("TWINSET_BENCH_CACHE", str(default)))
    parser.add_argument("--threads", type=int, default=1, help="for every tool (default 1)")
    parser.add_argument("--memory-cap-mb", type=float, default=8000)
    parser.add_argument("--time-limit", type=float, help="seconds a tool (default: to its end)")
    parser.add_argument("--retry", action="store_true", help="try again what failed before")
    parser.add_argument("--only-produce", action="store_true", help="do not measure yet")
    args = parser.parse_args()
    if not args.data_dir:
        parser.error("say where the tables are: --data-dir or TWINSET_BENCH_DATA")
    return args


def split_files(name: str, seed: int, data_dir: Path, cache: Path) -> tuple[Path, int]:
    """Write train.csv, holdout.csv and the units of both once; give the folder and train rows."""
    folder = cache / name / f"seed-{seed}"
    done = folder / "split.json"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        table, units = tables.load(name, data_dir)
        train, holdout = tables.halves(units, seed)
        table.iloc[train].to_csv(folder / "train.csv", index=False)
        table.iloc[holdout].to_csv(folder / "holdout.csv", index=False)
        facts = {
            "train_units": units[train].tolist(),
            "holdout_units": units[holdout].tolist(),
            "columns": table.shape[1],
        }
        done.write_text(json.dumps(facts), encoding="utf-8")
    rows = len(json.loads(done.read_text(encoding="utf-8"))["train_units"])
    return folder, rows


def measured(folder: Path, release: Path, name: str, seed: int) -> dict[str, object]:
    """The referee's figures of a release, computed once for a version of the referee."""
    import measure

    version = hashlib.sha256(tools.code_of(HERE / "measure.py").encode()).hexdigest()[:12]
    record = release.parent / f"measure-{version}.json"
    if not record.exists():
        figures = measure.measure_files(folder, release, tables.SOURCES[name], seed)
        record.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    figures = json.loads(record.read_text(encoding="utf-8"))
    return dict(figures)


def main() -> int:
    """Produce, measure, and print one line a release."""
    args = arguments()
    cache, data_dir = Path(args.cache), Path(args.data_dir)
    names = list(tables.SOURCES) if args.data == "all" else args.data.split(",")
    peers = tools.GROUPS.get(args.peers) or ([] if args.peers == "none" else args.peers.split(","))
    todo = peers if args.no_ours else [tools.OURS, *peers]
    limits = tools.Limits(args.threads, args.memory_cap_mb, args.time_limit, args.retry)
    failed = False
    for seed in map(int, args.seeds.split(",")):
        for name in names:
            folder, rows = split_files(name, seed, data_dir, cache)
            for tool in todo:
                home = folder / f"{tool}-{tools.fingerprint(tool)}"
                target = tables.SOURCES[name].target
                done = tools.produce(tool, folder / "train.csv", rows, seed, home, limits, target)
                line: dict[str, object] = {"data": name, "seed": seed, "tool": tool}
                line |= {"cpu": round(done.process_seconds, 1), "mb": round(done.peak_mb)}
                if done.reason is not None:
                    line["not_finished"] = done.reason
                    failed = True
                elif not args.only_produce:
                    try:
                        figures = measured(folder, home / "synthetic.csv", name, seed)
                    except Exception:  # noqa: BLE001 - one bad release must not end the others
                        traceback.print_exc()
                        line["not_measured"] = "see the traceback"
                        failed = True
                    else:
                        line |= {k: v for k, v in figures.items() if not isinstance(v, dict)}
                print(json.dumps(line), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
