"""Give a metric its step: from the key that holds a counter, or from the loop around.

Invariant: what is written is a name or text that stands in the code already; nothing else of the call changes.
"""

from __future__ import annotations

import re

from mlflow_lint.analysis.correctness.per_iteration import IterationKey
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.traverse import argument
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.text import slice_of
from mlflow_lint.regex import regex

_KEY = regex(r"""[fF](?P<quote>["'])(?P<text>[^"'\\\n]*)\{(?P<counter>[\w. +*-]+)\}(?P=quote)""")
_LABEL = regex(r"([\s_./-]+(epoch|ep|step|iter|iteration|batch|episode|sample|e|s|i|it|at))?[\s_./:=-]*$", re.I)


def with_step(call: facts.Call, step: str) -> Edit | None:
    """The edit that passes a step to a call that has none; None if it hides some of its arguments."""
    if call.spread or not call.arguments or call.keyword("step") is not None:
        return None
    end = call.arguments[-1].span[1]
    return Edit(end, end, f", step={step}")


def counter_as_step(found: IterationKey) -> Fix | None:
    """The fix that takes a counter off the end of a key and passes it as step."""
    call, api = found.site.call, found.api
    key = _own_key(found, api)
    if key is None or argument(call, "step", api.parameters.index("step")) is not None:
        return None
    written = slice_of(found.site.place.unit.text, key.span)
    match = _KEY.fullmatch(written)
    if match is None or not isinstance(key.value, facts.Text):
        return None
    last = key.value.parts[-1]
    if not isinstance(last, facts.Interpolation) or last.value != found.counter:
        return None
    text = _LABEL.sub("", match["text"], count=1)
    step = with_step(call, match["counter"].strip())
    if not text or step is None:
        return None
    prefix = "f" if "{" in text or "}" in text else ""
    quoted = f"{prefix}{match['quote']}{text}{match['quote']}"
    return Fix("Pass the counter as step=", (Edit(*key.span, quoted), step), Applicability.UNSAFE)


def _own_key(found: IterationKey, api: Api) -> facts.Argument | None:
    """The key as an argument of the call itself."""
    if not found.direct or api.plural or api.kind is not Kind.METRIC:
        return None
    given = argument(found.site.call, "key", api.parameters.index("key"))
    return given if given is not None and given.value is found.key else None
