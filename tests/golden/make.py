"""Write the model files of the present format and the rows they give: python tests/golden/make.py

Run it only when the format of model files gets a new version; then rename the files it writes after
that version and keep the old ones, which must load for ever.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import twinset as ts
from twinset.twinfile import VERSION

ROWS = 120


def table() -> pd.DataFrame:
    """Made-up people; plain arithmetic, so that every machine makes the same."""
    i = np.arange(ROWS)
    age = 20 + (i * 37) % 50
    income = (1_000 + age * 31 + (i * 811) % 997) / 4
    return pd.DataFrame(
        {
            "id": [f"P{(n * 7919) % 10_000:04}" for n in i],
            "sex": np.where((i * 13) % 7 < 4, "Female", "Male"),
            "age": age,
            "income": np.where(i % 9 == 0, np.nan, income),
            "flag": (i * 5) % 3 == 0,
        }
    )


def main() -> None:
    folder = Path(__file__).parent
    for name in ("independent", "bootstrap", "cart"):
        twin = ts.fit(table(), generator=name, seed=1)
        twin.save(folder / f"v{VERSION}-{name}.twin")
        twin.sample(40).to_csv(folder / f"v{VERSION}-{name}.csv", index=False)


if __name__ == "__main__":
    main()
