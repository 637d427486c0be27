"""Calls that run too often (the questions of MLF1xx)."""
