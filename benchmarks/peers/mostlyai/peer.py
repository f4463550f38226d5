"""mostlyai-engine's TabularARGN with its defaults: at most 100 epochs, stopped early by itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
from mostlyai.engine import TabularARGN

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import run


def fit(train: pd.DataFrame, seed: int, variant: str) -> Any:
    """Fit with the package's defaults."""
    model = TabularARGN(random_state=seed, verbose=0)
    model.fit(train)
    return model


def sample(model: Any, rows: int, seed: int, variant: str) -> pd.DataFrame:
    """Draw rows."""
    return model.sample(n_samples=rows)


if __name__ == "__main__":
    run(fit, sample)
