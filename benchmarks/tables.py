"""The benchmark's tables: where they are, what is learned, what is predicted, how they are split.

Files named below are looked for in ``--data-dir`` (or ``$TWINSET_BENCH_DATA``). Identifiers carry
nothing to learn and are taken out before any tool sees the table; where they name a person or
a house, whole units go to train or to holdout.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Source:
    """One table: file, target with its kind of task, and the columns that need a word.

    ``task`` is ``class``, ``number`` or ``log_number`` (R2 of log1p, for prices). ``giveaways`` are
    columns computed from the target: not used as features. ``dates`` maps a column to its format.
    """

    file: str
    target: str
    task: str = "class"
    identifier: str | None = None
    giveaways: tuple[str, ...] = ()
    dates: tuple[tuple[str, str], ...] = ()


SOURCES = {
    "adult": Source("adult.csv.gz", "income"),
    "bank_marketing": Source("bank_marketing.csv.gz", "y"),
    "law_school": Source("law_school.csv.gz", "pass_bar"),
    "default_credit_card": Source("default_credit_card.csv.gz", "has_default"),
    "king_county_houses": Source(
        "king_county_houses.csv.gz",
        "price",
        "log_number",
        identifier="id",
        dates=(("date", "%m/%d/%Y"),),
    ),
    "online_shoppers": Source("online_shoppers.csv.gz", "Revenue"),
    "nist_acs_national2019": Source(
        "nist_acs_national2019.csv.gz", "PINCP_DECILE", giveaways=("PINCP",)
    ),
    "cardio": Source("cardio.csv.gz", "cardio", identifier="id"),
    "airbnb_nyc": Source(
        "airbnb_nyc.csv.gz", "price", "log_number", dates=(("last_review", "%Y-%m-%d"),)
    ),
    "nhanes": Source("nhanes.parquet", "Diabetes", identifier="ID", giveaways=("DiabetesAge",)),
}
DESIGN_TABLES = ("adult", "bank_marketing", "law_school")
"""The tables on which defaults were chosen; the others are taken as they fall."""


def read(path: Path) -> pd.DataFrame:
    """Read a table as its file states it: of a CSV nothing but an empty cell is missing."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def load(name: str, folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Read a table without its identifier: (columns to learn, unit number of each row)."""
    source = SOURCES[name]
    table = read(folder / source.file)
    for column, form in source.dates:
        table[column] = pd.to_datetime(table[column], format=form).dt.strftime("%Y-%m-%d")
    if source.identifier is None:
        return table, np.arange(len(table))
    units = pd.factorize(table[source.identifier])[0]
    return table.drop(columns=source.identifier), units


def halves(units: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split rows in two halves by unit: (train rows, holdout rows).

    With one row a unit this is ``default_rng(seed).permutation(n)``, first half train.
    """
    order = np.random.default_rng(seed).permutation(units.max() + 1)
    rank = np.argsort(order)
    first = rank[units] < (units.max() + 1) // 2
    rows = np.argsort(rank[units], kind="stable")
    return rows[first[rows]], rows[~first[rows]]
