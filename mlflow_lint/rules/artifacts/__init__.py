"""MLF3xx: the same bytes again, or many small uploads."""
