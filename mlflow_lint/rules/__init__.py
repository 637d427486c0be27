"""The rules: one module each, found by walking this package.

Invariant: a rule module holds everything about its rule: code, documentation, examples and check.
"""
