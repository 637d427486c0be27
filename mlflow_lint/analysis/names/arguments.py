"""Which argument fills which parameter.

Invariant: what `*` or `**` may hide is left out, never guessed.
"""

from __future__ import annotations

from mlflow_lint.analysis.names.meaning import FunctionRef
from mlflow_lint.facts import model as facts


def filled_parameters(call: facts.Call, function: FunctionRef) -> dict[str, facts.Expression]:
    """Which expression of a call fills which parameter of a project function; those of a partial are left out."""
    parameters = [p for p in function.definition.parameters if not p.star]
    positional = [p for p in parameters if not p.keyword_only]
    if function.bound:
        positional = positional[1:]
    positional = positional[sum(1 for given in function.applied if given.keyword is None) :]
    filled: dict[str, facts.Expression] = {}
    for index, given in enumerate(call.arguments):
        if given.star or given.keyword is not None:
            break
        if index < len(positional):
            filled[positional[index].name] = given.value
    names = {parameter.name for parameter in parameters}
    for given in call.arguments:
        if given.keyword in names and given.keyword is not None:
            filled[given.keyword] = given.value
    return filled
