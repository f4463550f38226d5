"""Audit of anything that is an array of features: images, texts by their embedding, signals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset import registry
from twinset.arrays import Floats
from twinset.auditing.release import audit_release
from twinset.errors import InputError
from twinset.results import Audit
from twinset.table.schema import Column, Kind, Schema
from twinset.table.table import Table

__all__ = ["audit_arrays"]

_MOST = 4_096


def audit_arrays(
    train: npt.ArrayLike,
    synthetic: npt.ArrayLike,
    holdout: npt.ArrayLike,
    *,
    auxiliary: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Audit:
    """Attack a release of arrays: tell who was among those that the generator learned from.

    Parameters
    ----------
    train, synthetic, holdout, auxiliary
        Shape (things, ...): features of members, of the release, and of other things of the same
        population; NaN where unknown. All that follows the first dimension is flattened. Without
        `auxiliary` half of the holdout is what the adversary holds.

    Returns
    -------
    Audit
        Of membership, by all attacks from files alone; features have no names worth a secret.

    Raises
    ------
    InputError
        If arrays are no numbers, have other shapes, or are infinite somewhere.
    """
    given = {"train": train, "synthetic": synthetic, "holdout": holdout, "auxiliary": auxiliary}
    made = {name: _flat(name, a) for name, a in given.items() if a is not None}
    width = made["train"].shape[1]
    for name, a in made.items():
        if a.shape[1] != width:
            raise InputError(name, got=f"{a.shape[1]} features", allowed=f"{width}, as in train")
    tables = {name: _table(a) for name, a in made.items()}
    known = registry.names("attacks")
    wanted = [n for n in known if registry.load("attacks", n).threat_model.goal == "membership"]
    return audit_release(
        tables["train"],
        tables["synthetic"],
        tables["holdout"],
        auxiliary=tables.get("auxiliary"),
        seed=seed,
        attacks=wanted,
    )


def _flat(name: str, given: npt.ArrayLike) -> Floats:
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(name, got="what is no array of numbers", allowed="numbers") from None
    if array.ndim < 2 or not array[:1].size or np.isinf(array).any():
        what = "infinite numbers" if np.isinf(array).any() else f"shape {array.shape}"
        raise InputError(name, got=what, allowed="finite, shape (things, features ...)")
    flat = array.reshape(len(array), -1)
    if flat.shape[1] > _MOST:
        raise InputError(
            name,
            got=f"{flat.shape[1]:,} features",
            allowed=f"at most {_MOST:,}",
            hint="take an embedding, or principal components",
        )
    return flat


def _table(array: Floats) -> Table:
    names = [f"feature {j}" for j in range(array.shape[1])]
    columns = tuple(Column(name=n, kind=Kind.REAL, nullable=True) for n in names)
    return Table(
        Schema(columns=columns), pa.table([pa.array(v, from_pandas=True) for v in array.T], names)
    )
