"""Calls that could be one (the questions of MLF2xx)."""
