"""Text and bytes: files as Python reads them, lines and columns, the comments that silence findings.

Invariant: nothing in here imports LibCST, so that files that do not matter are set aside before it is loaded.
"""
