"""What SynthEval needs to measure: ``evaluate.py hundred|nearest TRAIN SYNTHETIC [HOLDOUT]``."""

import json
import sys
import time

import pandas as pd
from syntheval import SynthEval

COLUMNS = {"ks_test": {}, "h_dist": {}, "corr_diff": {"mixed_corr": True}, "mi_diff": {}}
NEAREST = {"dcr": {}, "nndr": {}, "nnaa": {}, "hit_rate": {}}
ROWS = 4_000  # as SDMetrics here; all 24,000 take (24 / 4)^2 as long

job, *files = sys.argv[1:]
tables = [pd.read_csv(f) for f in files]
tables = tables if job == "hundred" else [t[:ROWS] for t in tables]
train, synthetic, *holdout = tables
words = [c for c in train if not pd.api.types.is_numeric_dtype(train[c])]
began = time.process_time()
measure = SynthEval(
    train,
    holdout[0] if holdout else None,
    cat_cols=words,
    verbose=False,
    enable_plots=False,
    console="off",
)
asked = COLUMNS if job == "hundred" else NEAREST
found = measure.evaluate(synthetic, **asked)
note = ", ".join(asked) + ("" if job == "hundred" else f"; {ROWS:,} rows of each only")
print(json.dumps({"cpu": time.process_time() - began, "note": f"{note}; {len(found)} figures"}))
