"""The expression language of ``--where``, rules and gates: text to tree to a mask of rows."""
