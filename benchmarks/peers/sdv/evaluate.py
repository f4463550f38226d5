"""What SDMetrics needs to measure: ``evaluate.py hundred|nearest TRAIN SYNTHETIC [HOLDOUT]``."""

import json
import sys
import time

import pandas as pd
from sdmetrics.reports.single_table import QualityReport

job, *files = sys.argv[1:]
train, synthetic = (pd.read_csv(f) for f in files[:2])
kinds = {c: "numerical" if pd.api.types.is_numeric_dtype(train[c]) else "categorical" for c in train}
metadata = {"columns": {c: {"sdtype": k} for c, k in kinds.items()}}
if job == "hundred":
    began = time.process_time()
    report = QualityReport()
    report.generate(train, synthetic, metadata, verbose=False)
    print(json.dumps({"cpu": time.process_time() - began, "note": f"score {report.get_score():.4f}"}))
else:
    from sdmetrics.single_table import DCROverfittingProtection

    holdout = pd.read_csv(files[2])
    rows = 4_000  # all 24,000 take (24 / 4)^2 as long
    began = time.process_time()
    found = DCROverfittingProtection.compute(
        train[:rows], synthetic[:rows], holdout[:rows], {"tables": {"t": metadata}}, "t"
    )
    note = f"{rows:,} rows of each only, score {found:.3f}"
    print(json.dumps({"cpu": time.process_time() - began, "note": note}))
