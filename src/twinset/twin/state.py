"""States of models as JSON skeletons with their arrays beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["pack", "unpack"]


def pack(value: Any, at: str, arrays: dict[str, Any]) -> Any:
    """JSON skeleton of a state; arrays go to `arrays` and leave a reference."""
    if isinstance(value, np.ndarray):
        arrays[at] = value
        return {"$array": at}
    if isinstance(value, Mapping):
        return {k: pack(v, f"{at}.{k}", arrays) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [pack(v, f"{at}.{i}", arrays) for i, v in enumerate(value)]
    return value.item() if isinstance(value, np.generic) else value


def unpack(value: Any, arrays: Mapping[str, Any]) -> Any:
    """Inverse of `pack`; ValueError if an array is referred to twice.

    Else a small file could name a large array in a thousand places, each to be read anew.
    """
    left = dict(arrays)

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"$array"}:
                if value["$array"] not in left:
                    raise ValueError("an array that is not there, or used before")
                return left.pop(value["$array"])
            return {k: filled(v) for k, v in value.items()}
        return [filled(v) for v in value] if isinstance(value, list) else value

    return filled(value)
