"""What mostlyai-qa needs to measure: ``evaluate.py hundred|nearest TRAIN SYNTHETIC [HOLDOUT]``.

Its report is one call: columns, pairs and triples in ten bins each, and similarity and distances of
embeddings of rows written as text, of as many rows as ``max_sample_size_embeddings`` says.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from mostlyai import qa

job, *files = sys.argv[1:]
train, synthetic, *holdout = (pd.read_csv(f) for f in files)
most = 100 if job == "hundred" else None  # hundred: columns and pairs alone, as far as it can
with tempfile.TemporaryDirectory() as folder:
    began = time.process_time()
    _, found = qa.report(
        syn_tgt_data=synthetic,
        trn_tgt_data=train,
        hol_tgt_data=holdout[0] if holdout else None,
        report_path=Path(folder) / "report.html",
        max_sample_size_embeddings=most,
    )
    spent = time.process_time() - began
note = f"accuracy {found.accuracy.overall:.4f}, with triples"
if job == "nearest":
    note = f"with columns, pairs and triples; DCR share {found.distances.dcr_share}"
print(json.dumps({"cpu": spent, "note": note}))
