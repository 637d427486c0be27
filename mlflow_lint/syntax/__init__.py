"""From text to facts: the only place that reads Python syntax, with LibCST.

Invariant: no other package of the analysis imports LibCST, so that a run over files without MLflow never loads it.
"""
