"""Many files: which modules there are, and what the analysis knows of each.

Invariant: a module is read only when a name has to be resolved into it, and never executed.
"""
