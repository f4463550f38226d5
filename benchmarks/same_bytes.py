"""Hash what every command writes, to see that a change of the code changes no byte.

``python benchmarks/same_bytes.py --data-dir FOLDER --source src --write before.json`` runs the
command line of the code under ``--source`` on shared tables and writes a SHA-256 for each release,
and for the ``results`` (without ``seconds``) of each report. Run it with the code of before and of
after; ``--against before.json`` prints what differs and exits with 1 if anything does. ``--quick``
takes one seed of two small tables.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

GENERATORS = ("cart", "independent", "bootstrap")
# table: a column=value to state, a condition, a target
TABLES = {
    "german_credit.csv": ("housing=own", "age >= 60", "credit_risk"),
    "texas_inpatient_2013.csv": ("SEX_CODE=F", "LENGTH_OF_STAY >= 10", "RISK_MORTALITY"),
    "heart_cleveland.csv": ("sex=1", "age >= 60", "num"),
    "adult.csv.gz": ("sex=Female", "age >= 60", "income"),
    "king_county_houses.csv.gz": ("waterfront=0", "bedrooms >= 4", "price"),
    "nhanes.parquet": ("Gender=female", "Age >= 60", "Diabetes"),
}
MEASURED = ("german_credit.csv", "texas_inpatient_2013.csv", "heart_cleveland.csv")


class Twinset:
    """The command line of the code in one folder."""

    def __init__(self, source: Path, work: Path) -> None:
        self.work = work
        self.environment = {**os.environ, "PYTHONPATH": str(source.resolve())}

    def __call__(self, *words: object) -> str:
        """Run a command; what it prints. A refusal is an answer too."""
        done = subprocess.run(
            [sys.executable, "-m", "twinset", *map(str, words), "--quiet"],
            env=self.environment,
            cwd=self.work,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 2):
            raise RuntimeError(f"{words}: exit {done.returncode}\n{done.stderr}")
        return done.stdout if done.returncode == 0 else f"refused: {done.stderr}"


def sha(data: bytes | str) -> str:
    """Sixteen digits of SHA-256."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()[:16]


def results_of(report: str) -> dict[str, str]:
    """A hash for each measure of a report, over its results without their seconds."""
    if report.startswith("refused"):
        return {"refused": report}
    found: dict[str, list[str]] = {}

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if {"family", "name", "value"} <= set(value):
                plain = {k: v for k, v in value.items() if k not in ("seconds", "table")}
                key = f"{value['family']}.{value['name']}"
                found.setdefault(key, []).append(json.dumps(plain, sort_keys=True))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(json.loads(report))
    return {name: sha("\n".join(rows)) for name, rows in sorted(found.items())}


def releases(run: Twinset, path: Path, seeds: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """Hashes of all that is sampled from one table."""
    given, where, _ = TABLES[path.name]
    rules = run.work / f"{path.name}.rules.yaml"
    run("rules", path, "--out", rules)
    asked = {
        "free": (),
        "given": ("--given", given),
        "where": ("--where", where),
        "share": ("--share", f"{where}: 0.5"),
    }
    for generator in GENERATORS:
        for seed in seeds:
            for ruled in (False, True):
                twin = run.work / f"{path.name}.{generator}.{seed}.{ruled}.twin"
                more = ("--rules", rules) if ruled else ()
                fit = ("fit", path, "--generator", generator, "--seed", seed, "--out", twin, *more)
                said = run(*fit)
                if said.startswith("refused"):
                    yield f"{path.name} {generator} {seed} rules={ruled}", sha(said)
                    continue
                for name, words in asked.items():
                    out = run.work / "out.csv"
                    out.unlink(missing_ok=True)
                    said = run("sample", twin, "--out", out, "-n", 2000, *words)
                    data = out.read_bytes() if out.exists() else said.encode()
                    yield f"{path.name} {generator} {seed} rules={ruled} {name}", sha(data)


def measured(run: Twinset, path: Path) -> Iterator[tuple[str, str]]:
    """Hashes of figures and of what is filled and added, of one table."""
    target = TABLES[path.name][2]
    folder = run.work / f"{path.stem}-run"
    run("run", path, "--out", folder, "--target", target)
    report = folder / "share" / "report.json"
    yield f"{path.name} run release", sha(next(folder.glob("share/synthetic.*")).read_bytes())
    for name, value in results_of(report.read_text()).items():
        yield f"{path.name} run {name}", value
    compared = run("compare", path, "--generators", "cart,independent", "--json")
    for name, value in results_of(compared).items():
        yield f"{path.name} compare {name}", value
    audit = run("audit", path, "--generator", "independent", "--shadows", 60, "--json")
    for name, value in results_of(audit).items():
        yield f"{path.name} audit {name}", value
    out = run.work / "out.csv"
    run("fit", path, "--out", "m.twin")
    for name, words in {
        "impute": ("impute", "m.twin", path),
        "augment": ("augment", path, "--target", target, "--to", "balanced"),
    }.items():
        out.unlink(missing_ok=True)
        said = run(*words, "--out", out)
        yield f"{path.name} {name}", sha(out.read_bytes() if out.exists() else said)


def main() -> int:
    """Hash, write, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--source", type=Path, default=Path("src"))
    parser.add_argument("--write", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    found: dict[str, str] = {}
    names = list(TABLES)[:2] if args.quick else list(TABLES)
    with tempfile.TemporaryDirectory() as work:
        run = Twinset(args.source, Path(work))
        for name in names:
            path = (args.data_dir / "tabular" / name).resolve()
            parts = [releases(run, path, (0,) if args.quick else (0, 1))]
            parts += [measured(run, path)] if name in MEASURED[: len(names)] else []
            for part in parts:
                for key, value in part:
                    found[key] = value
                    print(value, key, flush=True)
                    if args.write:
                        args.write.write_text(json.dumps(found, indent=1))
    if not args.against:
        return 0
    before = json.loads(args.against.read_text())
    keys = set(found) | (set() if args.quick else set(before))
    other = sorted(k for k in keys if before.get(k) != found.get(k))
    print(f"{len(keys) - len(other)} of {len(keys)} the same")
    print(*other, sep="\n")
    return 1 if other else 0


if __name__ == "__main__":
    sys.exit(main())
