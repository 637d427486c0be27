"""What `compare.py` is made of: files to lint, programs to lint them with, times, rows of the table."""
