"""Facts: what the analysis knows of a file once LibCST has been left behind.

Invariant: nothing here imports LibCST, and every record is frozen plain data.
"""
