"""Tables: what they are, how they are read, understood, split, coded and written.

What a table is: `schema` (its columns), `table` (its rows), `dataset` (several, with keys).
Read: `sources` opens anything; `delimited`, `files` (Parquet, JSON lines, Excel), `database`,
`frames`. Understood: `inference` (with `personal`, `patterns`), or declared: `schema_files`,
`schema_interop`. Cells: `canonical` turns what was read into what is meant and back, by `dates`,
`number_format` and `arrow_types`. Conditions on rows: `expressions`. Parted: `split`; larger than
memory: `column_store`. Written: `write`, `atomic`.
"""
