"""Rules mined from a table: their number is corrected for, and fresh rows confirm them."""
