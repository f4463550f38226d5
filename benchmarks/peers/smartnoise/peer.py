"""smartnoise-synth's MST under differential privacy; variants ``mst-1`` and ``mst-3`` (epsilon).

A fifth of epsilon goes to the package's own preprocessing (bounds of numeric columns), as its
interface asks for; delta and all else are its defaults. Dates go in as day numbers.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
from snsynth import Synthesizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import run

EPOCH = pd.Timestamp("1970-01-01")
MOST_LEVELS = 40


def fit(train: pd.DataFrame, seed: int, variant: str) -> tuple[Any, list[str]]:
    """Fit at the variant's epsilon; numeric columns of many values are continuous."""
    epsilon = float(variant.split("-")[1])
    dates = [c for c in train.columns if pd.api.types.is_datetime64_any_dtype(train[c])]
    plain = train.assign(**{c: (train[c] - EPOCH).dt.days for c in dates})
    continuous = [
        c
        for c in plain.columns
        if pd.api.types.is_numeric_dtype(plain[c]) and plain[c].nunique() > MOST_LEVELS
    ]
    synthesizer = Synthesizer.create("mst", epsilon=epsilon)
    synthesizer.fit(
        plain,
        preprocessor_eps=epsilon / 5,
        continuous_columns=continuous,
        categorical_columns=[c for c in plain.columns if c not in continuous],
        nullable=bool(plain.isna().any().any()),
    )
    return synthesizer, dates


def sample(model: Any, rows: int, seed: int, variant: str) -> pd.DataFrame:
    """Draw rows."""
    synthesizer, dates = model
    out = synthesizer.sample(rows)
    return out.assign(
        **{c: EPOCH + pd.to_timedelta(out[c].astype(float).round(), unit="D") for c in dates}
    )


if __name__ == "__main__":
    run(fit, sample)
