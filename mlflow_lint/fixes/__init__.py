"""Codemods: how findings are rewritten.

Invariant: a codemod computes text edits from facts and the file's own text; it never touches a file. What it moves it
copies letter for letter from the source, and a comment it cannot carry along stops it.
"""
