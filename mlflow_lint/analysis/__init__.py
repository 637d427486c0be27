"""What the facts mean: names, loops, throttles, hooks, and what a function does to the tracking store.

Invariant: pure functions over facts; no file is read and no LibCST imported here.
"""
