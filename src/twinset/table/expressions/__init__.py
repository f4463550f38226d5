"""The expression language of ``--where``, rules and gates: text to tree to a mask of rows.

`expression` is its door, `syntax` makes a text a tree, `evaluate` says what it means for a table.
"""
