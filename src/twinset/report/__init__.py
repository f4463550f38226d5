"""Results to a summary, to HTML, JSON and Croissant."""
