"""SDV's three single-table synthesizers, with detected metadata and default settings.

Variants: ``gaussian_copula``, ``ctgan`` (300 epochs) and ``tvae`` (300 epochs). Only the public
API is called.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import CTGANSynthesizer, GaussianCopulaSynthesizer, TVAESynthesizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import run

TABLE = "table"
SYNTHESIZERS = {
    "gaussian_copula": GaussianCopulaSynthesizer,
    "ctgan": CTGANSynthesizer,
    "tvae": TVAESynthesizer,
}


def fit(train: pd.DataFrame, seed: int, variant: str) -> Any:
    """Detect the metadata and fit with the package's defaults."""
    metadata = Metadata.detect_from_dataframes({TABLE: train})
    synthesizer = SYNTHESIZERS[variant](metadata)
    synthesizer.fit({TABLE: train})
    return synthesizer


def sample(model: Any, rows: int, seed: int, variant: str) -> pd.DataFrame:
    """Draw rows."""
    out = model.sample(num_rows=rows)
    return out[TABLE] if isinstance(out, dict) else out


if __name__ == "__main__":
    run(fit, sample)
