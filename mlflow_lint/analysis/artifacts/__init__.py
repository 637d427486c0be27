"""The same bytes again, or many small uploads (the questions of MLF3xx)."""
