"""pandas, polars and pyarrow objects: recognised, taken in, and given back in kind.

A frame library is never imported to recognise its frames: an object of a library can exist only if
the library is already imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from twinset.errors import InputError
from twinset.table.arrow_types import as_numpy, one_array
from twinset.table.delimited import check_unique
from twinset.table.files import check_flat, natural_array

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FrameReader", "content_hash", "frame_kind", "frame_types", "from_frame", "to_frame"]


def frame_kind(data: object) -> str | None:
    """Return ``"pandas"``, ``"polars"``, ``"pyarrow"``, or None for any other object."""
    if isinstance(data, pa.Table | pa.RecordBatch):
        return "pyarrow"
    import narwhals.dependencies as known

    if known.is_pandas_dataframe(data):
        return "pandas"
    if known.is_polars_dataframe(data) or known.is_polars_lazyframe(data):
        return "polars"
    return None


def from_frame(data: object) -> pa.Table:
    """Return a frame as an Arrow table in its own types.

    Raises
    ------
    InputError
        If it is a lazy frame, has column names that repeat, or is no frame at all.
    """
    kind = frame_kind(data)
    if kind == "pyarrow":
        table: Any = data
        table = pa.Table.from_batches([data]) if isinstance(data, pa.RecordBatch) else table
    elif kind == "pandas":
        table = _from_pandas(data)
    elif kind == "polars":
        if not hasattr(data, "to_arrow"):
            raise InputError("data", got="a polars LazyFrame", hint="call .collect() first")
        table = _plain_text(data.to_arrow())
    else:
        raise InputError(
            "data",
            got=f"an object of type {type(data).__module__}.{type(data).__qualname__}",
            allowed="a path, a database URL, or a pandas, polars or pyarrow table",
        )
    check_flat(table.schema, f"the {kind} table")
    return table


def _from_pandas(data: Any) -> pa.Table:
    if data.columns.nlevels > 1:
        raise InputError(
            "the pandas table: column names", got=f"{data.columns.nlevels} levels", allowed="one"
        )
    names = [str(c) for c in data.columns]
    check_unique(names, "the pandas table")
    arrays = [_pandas_column(data.iloc[:, i]) for i in range(len(names))]
    return _plain_text(pa.table(arrays, names=names))


def _pandas_column(column: Any) -> pa.ChunkedArray | pa.Array:
    try:
        array = pa.Array.from_pandas(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        values = [None if v is None or v != v else v for v in column]
        array = natural_array(values)
    if isinstance(array.type, pa.BaseExtensionType):  # periods, intervals
        missing = column.isna().to_numpy()
        return pa.array(column.astype(str).to_numpy(dtype=object), pa.string(), mask=missing)
    return array


def _plain_text(table: pa.Table) -> pa.Table:
    """Large strings, string views and columns of nulls are strings as any other."""
    fields = [f.with_type(_plain_type(f.type)) for f in table.schema]
    return table.cast(pa.schema(fields)) if fields != list(table.schema) else table


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
        value = _plain_type(kind.value_type)
        return pa.dictionary(pa.int32(), value, ordered=kind.ordered)
    text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return pa.string() if text or pa.types.is_null(kind) else kind


@dataclass(frozen=True)
class FrameReader:
    """Rows of a table in memory."""

    table: pa.Table

    @property
    def schema(self) -> pa.Schema:
        """Columns in their own types."""
        return self.table.schema.remove_metadata()

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most `rows` rows."""
        plain = self.table.replace_schema_metadata(None)
        yield from plain.to_batches(max_chunksize=rows)


def content_hash(schema: pa.Schema, batches: Any) -> str:
    """SHA-256 of names, types and values; how the rows are cut into batches does not matter."""
    whole = hashlib.sha256(repr([(f.name, str(f.type)) for f in schema]).encode())
    columns = [(hashlib.sha256(), hashlib.sha256()) for _ in schema]
    for batch in batches:
        for (cells, text), column in zip(columns, batch.columns, strict=True):
            _hash_column(cells, text, column)
    for cells, text in columns:
        whole.update(cells.digest() + text.digest())
    return whole.hexdigest()


def _hash_column(cells: Any, characters: Any, column: pa.Array) -> None:
    """Add null marks and values (of text: lengths) to one hash, characters to the other."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    valid = np.asarray(column.is_valid())
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        column = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        column = column.cast(pa.large_string()).fill_null("")
        _, ends, text = column.buffers()
        first, last = column.offset, column.offset + len(column) + 1
        limits = np.frombuffer(ends, np.int64)[first:last]
        cells.update(_interleaved(valid, np.diff(limits)))
        if text is not None:
            characters.update(memoryview(text)[limits[0] : limits[-1]])
        return
    values = as_numpy(column.fill_null(0))
    cells.update(_interleaved(valid, values))


def _interleaved(valid: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> bytes:
    pair = np.empty(len(values), dtype=[("valid", "?"), ("value", values.dtype)])
    pair["valid"], pair["value"] = valid, values
    return pair.tobytes()


def frame_types(data: object) -> dict[str, str]:
    """Return names of the pandas or polars dtypes that Arrow does not carry, by column name."""
    kind = frame_kind(data)
    frame: Any = data
    if kind == "pandas":
        return {str(n): str(t) for n, t in frame.dtypes.items() if _is_untold(t)}
    if kind == "polars" and hasattr(data, "to_arrow"):
        return {n: "Enum" for n, t in frame.schema.items() if str(t).startswith("Enum")}
    return {}


def _is_untold(dtype: Any) -> bool:
    import pandas as pd

    if isinstance(dtype, pd.CategoricalDtype | pd.DatetimeTZDtype):
        return False
    return isinstance(dtype, pd.api.extensions.ExtensionDtype) or dtype == np.dtype(object)


def to_frame(raw: pa.Table, like: object, types: Mapping[str, str] | None = None) -> Any:
    """Return rows as the kind of frame that `like` is.

    Parameters
    ----------
    raw
        Rows in the types of the source, as `twinset.table.canonical.to_raw` makes them.
    like
        The frame that came in (its first rows are enough), or ``"pandas"``, ``"polars"`` or
        ``"pyarrow"``; anything else (a path, a URL) gives pandas.
    types
        What `frame_types` said of the frame that came in, where `like` is only its kind.

    Returns
    -------
    pandas keeps the dtypes of `like` (categories with their order, nullable types) where the
    values allow it, with a new index from 0.
    """
    named = isinstance(like, str) and like in ("pandas", "polars", "pyarrow")
    kind = like if named else frame_kind(like)
    if kind == "pyarrow":
        return raw
    if kind == "polars":
        import polars as pl

        frame = pl.from_arrow(raw)
        if not isinstance(like, str):
            return _polars_like(frame, like)
        levels = {n: raw[n].combine_chunks() for n in types or {} if n in raw.column_names}
        coded = {n: a for n, a in levels.items() if pa.types.is_dictionary(a.type)}
        return frame.cast({n: pl.Enum(_levels(a)) for n, a in coded.items()})
    frame = raw.to_pandas()
    if kind == "pandas" and not isinstance(like, str):
        return _pandas_like(frame, like)
    for name, dtype in (types or {}).items():
        if name in frame:
            frame[name] = _pandas_named(frame[name], dtype)
    return frame


def _levels(array: Any) -> list[str]:
    levels: list[str] = one_array(array).dictionary.to_pylist()
    return levels


def _pandas_named(column: Any, name: str) -> Any:
    import pandas as pd

    try:
        dtype = pd.api.types.pandas_dtype(name)
    except (TypeError, ValueError):  # a type of an extension that is not here
        return column
    return _pandas_cast(column, dtype)


def _polars_like(frame: Any, like: Any) -> Any:
    wanted = {n: t for n, t in like.schema.items() if n in frame.columns}
    return frame.cast({n: t for n, t in wanted.items() if frame.schema[n] != t}, strict=False)


def _pandas_like(frame: pd.DataFrame, like: Any) -> pd.DataFrame:
    import pandas as pd

    labels = {str(c): c for c in like.columns}
    columns = {
        labels.get(n, n): _pandas_cast(frame[n], like[labels[n]].dtype) if n in labels else frame[n]
        for n in frame.columns
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def _pandas_cast(column: Any, dtype: Any) -> Any:
    import pandas as pd

    if column.dtype == dtype:
        return column
    if dtype == np.dtype(object):
        column = column.astype(object)
        return column.where(column.notna(), None)
    if isinstance(dtype, pd.CategoricalDtype):
        known = dtype.categories
        new = pd.Index(column.dropna().unique()).difference(known)
        if len(new):
            dtype = pd.CategoricalDtype([*known, *new], ordered=dtype.ordered)
        return column.astype(dtype)
    if pd.api.types.is_integer_dtype(dtype) and column.isna().any() and isinstance(dtype, np.dtype):
        return column.astype("Int64")
    try:
        return column.astype(dtype)
    except (TypeError, ValueError, OverflowError):
        return column
