"""Wrong data, lost data, exceptions (the questions of MLF4xx)."""
