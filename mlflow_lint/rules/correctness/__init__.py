"""MLF4xx: wrong data, lost data, or an exception at run time."""
