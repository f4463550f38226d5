"""Rows of any fitted model on request: conditions, shares, exemplars, designs, edge cases."""
