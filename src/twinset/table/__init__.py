"""Tables: what they are, how they are read, understood, split, coded and written."""
