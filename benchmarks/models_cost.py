"""What measures of models cost: ``python benchmarks/models_cost.py``.

CPU seconds of each metric of utility and fairness, one after the other on shared evidence, on the
Adult table of the package: halves as train and holdout (24,421 rows each), as many rows of train
drawn with replacement as release, target ``income``, sensitive ``sex``. A model that several
metrics ask for is counted where it was asked for first.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from twinset import registry
from twinset.demo import adult_path
from twinset.evidence.evidence import Evidence
from twinset.inputs import Options, read, read_like

ORDER = ("tstr", "efficacy", "importances")


def main() -> None:
    frame = pd.read_parquet(adult_path())
    rng = np.random.default_rng(0)
    frame = frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
    half = len(frame) // 2
    options = Options(target="income", sensitive=("sex",))
    _, train = read(frame[:half], options)
    holdout = read_like(frame[half:], train, options)
    release = train.take(rng.integers(half, size=half))
    evidence = Evidence(train, release, holdout, target="income", sensitive=["sex"])
    evidence.columns, evidence.model_view("train")  # coded before the clock runs
    names = [n for n in registry.built_in("metrics") if n not in ORDER]
    total = 0.0
    for name in (*ORDER, *names):
        metric = registry.configure("metrics", name)
        if metric.family not in ("utility", "fairness"):
            continue
        started = time.process_time()
        found = metric.measure(evidence)
        spent = time.process_time() - started
        total += spent
        print(f"| {name} | {len(found)} | {spent:.2f} |")
    print(f"| all | | {total:.2f} |")


if __name__ == "__main__":
    main()
