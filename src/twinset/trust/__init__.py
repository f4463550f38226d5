"""Gates: what a release must reach."""
