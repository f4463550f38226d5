"""SDV's GaussianCopula as a command: ``python command.py TRAIN.csv ROWS OUT.csv``.

Run it with the Python of SDV's own environment, by ``twinset audit TRAIN --generator-command
'PYTHON command.py {train} {n} {out}'``. Only the public API is called: detected metadata, defaults.
"""

import sys

import pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import GaussianCopulaSynthesizer

TABLE = "table"

train, rows, out = sys.argv[1:]
tables = {TABLE: pd.read_csv(train)}
synthesizer = GaussianCopulaSynthesizer(Metadata.detect_from_dataframes(tables))
synthesizer.fit(tables)
made = synthesizer.sample(num_rows=int(rows))
(made[TABLE] if isinstance(made, dict) else made).to_csv(out, index=False)
