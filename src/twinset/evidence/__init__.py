"""What measures share, computed once: codes, counts, sorted values, features, records."""
