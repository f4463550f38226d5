"""Inference: a schema for a table that nobody has described, with the reason of each guess.

`table_schema` infers all columns, roles and the unit (`units`); `columns` one column, from its
`facts`, as `numbers`, `dates` or `text`. `words` are the hints in names.
"""
