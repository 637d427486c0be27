"""MLF9xx: the comments that silence findings."""
