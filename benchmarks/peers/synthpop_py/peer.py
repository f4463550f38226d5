"""synthpop-py: the Python port of synthpop's sequential CART, with its defaults.

The package knows no dates; they go in as day numbers and come out as dates again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
from synthpop import Synthesiser

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import run

EPOCH = pd.Timestamp("1970-01-01")


def fit(train: pd.DataFrame, seed: int, variant: str) -> tuple[Any, list[str]]:
    """Fit with the package's defaults."""
    dates = [c for c in train.columns if pd.api.types.is_datetime64_any_dtype(train[c])]
    plain = train.assign(**{c: (train[c] - EPOCH).dt.days for c in dates})
    synthesiser = Synthesiser(random_seed=seed)
    synthesiser.fit(plain)
    return synthesiser, dates


def sample(model: Any, rows: int, seed: int, variant: str) -> pd.DataFrame:
    """Draw rows."""
    synthesiser, dates = model
    out = synthesiser.generate(n=rows)
    return out.assign(**{c: EPOCH + pd.to_timedelta(out[c].round(), unit="D") for c in dates})


if __name__ == "__main__":
    run(fit, sample)
