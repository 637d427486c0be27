"""Names that new code needs: those at hand are used, others are imported.

Invariant: a name is offered only where it is sure to mean what it should; a clash means no fix.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from mlflow_lint.analysis.names.meaning import External, Place
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, api_of
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Edit
from mlflow_lint.fixes.text import after_newline, indentation, line_end, line_start
from mlflow_lint.project.modules import Unit
from mlflow_lint.source.file import newline_of

Named = tuple[str, tuple[Edit, ...]]
"""How to write a name, and the edits that make it available."""


def sibling(call: facts.Call, api: Api, wanted: str, place: Place, resolver: Resolver) -> Named | None:
    """How to call `wanted`, a function beside the one that `call` calls: `m.log_metrics` beside `m.log_metric`."""
    unit = place.unit
    function = call.function
    if isinstance(function, facts.Attribute):
        written = shown(function, 200)
        if function.name != api.name or not unit.text.startswith(written, call.span[0]):
            return None
        return f"{written.removesuffix(api.name)}{wanted}", ()
    if not isinstance(function, facts.Name):
        return None
    for name in _visible(place):
        meaning = resolver.resolve(facts.Name(name), place)
        if isinstance(meaning, External):
            if meaning.dotted == "mlflow":
                return f"{name}.{wanted}", ()
            found = api_of(meaning.dotted)
            if found is not None and not found.client and found.name == wanted:
                return name, ()
    return _beside(function.id, wanted, place)


def _visible(place: Place) -> Iterator[str]:
    for scope in place.scope.enclosing():
        if scope is place.scope or not scope.is_class:
            yield from scope.bindings


def _beside(local: str, wanted: str, place: Place) -> Named | None:
    """Add `wanted` to the `from mlflow import …` that binds `local`."""
    holder = place.scope.holder(local)
    if holder is None or isinstance(holder.owner, facts.Comprehension):
        return None
    if any(wanted in scope.bindings for scope in place.scope.enclosing()):
        return None
    for statement in _imports(holder.owner.body):
        if any(name.local == local and name.attribute is not None for name in statement.names):
            edit = _joining(statement, wanted, place.unit)
            return (wanted, (edit,)) if edit is not None else None
    return None


def _joining(statement: facts.Import, wanted: str, unit: Unit) -> Edit | None:
    """Add a name to a `from … import …`, before the first that sorts after it."""
    start, end = statement.span
    text = unit.text[start:end]
    position = re.search(r"\bimport\b", text)
    offset = position.end() if position else 0
    for name in statement.names:
        alias = re.compile(
            rf"\b{name.attribute}\b" + (rf"\s+as\s+{name.local}\b" if name.local != name.attribute else "")
        )
        found = alias.search(text, offset)
        if found is None:
            return None
        if (name.attribute or "") > wanted:
            return Edit(start + found.start(), start + found.start(), f"{wanted}, ")
        offset = found.end()
    return Edit(start + offset, start + offset, f", {wanted}")


def _imports(block: facts.Block) -> Iterator[facts.Import]:
    for statement in block:
        if isinstance(statement, facts.Import):
            yield statement
        for inner in inner_blocks(statement):
            yield from _imports(inner)


def imported(module: str, attribute: str | None, place: Place) -> Named | None:
    """How to write `attribute` of `module` (or the module itself), importing it at the top if need be."""
    unit = place.unit
    wanted = attribute or module
    for name, bindings in unit.scope.bindings.items():
        for binding in bindings:
            known = getattr(binding, "name", None)
            if (
                isinstance(known, facts.ImportedName)
                and len(bindings) == 1
                and (known.module, known.attribute, known.level) == (module, attribute, 0)
                and place.scope.holder(name) is unit.scope
            ):
                return name, ()
    if any(wanted in scope.bindings for scope in place.scope.enclosing()):
        return None
    edit = _joined(module, attribute, unit) if attribute else None
    if edit is None:
        statement = f"from {module} import {attribute}" if attribute else f"import {module}"
        edit = _new_import(unit, module, statement)
    return (wanted, (edit,)) if edit is not None else None


def _joined(module: str, attribute: str, unit: Unit) -> Edit | None:
    for statement in unit.facts.body:
        if isinstance(statement, facts.Import) and statement.names:
            first = statement.names[0]
            if first.attribute is not None and (first.module, first.level) == (module, 0) and first.local != "*":
                return _joining(statement, attribute, unit)
    return None


def _new_import(unit: Unit, module: str, statement: str) -> Edit | None:
    """Insert an import among those at the top of a file: beside its kin, or first if it is the standard library's."""
    newline = newline_of(unit.text)
    leading = _leading_imports(unit)
    if not leading:
        return None
    root = module.partition(".")[0]
    kin = [item for item in leading if _is_kin(item, root)]
    after = kin[-1] if kin else None if root in sys.stdlib_module_names else leading[-1]
    anchor = after or next((item for item in leading if item.names[0].module != "__future__"), None)
    if anchor is None or indentation(unit.text, anchor.span[0]) is None or not anchor.alone:
        return None
    if after is None:
        start = line_start(unit.text, anchor.span[0])
        return Edit(start, start, f"{statement}{newline}")
    end = line_end(unit.text, anchor.span[1])
    if end == len(unit.text):
        return Edit(end, end, f"{newline}{statement}")
    start = after_newline(unit.text, end)
    return Edit(start, start, f"{statement}{newline}")


def _leading_imports(unit: Unit) -> list[facts.Import]:
    found: list[facts.Import] = []
    for statement in unit.facts.body:
        if isinstance(statement, facts.Import):
            found.append(statement)
        elif not (isinstance(statement, facts.Evaluate) and isinstance(statement.value, facts.Constant)):
            break
    return found


def _is_kin(statement: facts.Import, root: str) -> bool:
    own = {name.module.partition(".")[0] for name in statement.names}
    if root in sys.stdlib_module_names:
        return bool(own) and own <= sys.stdlib_module_names - {"__future__"}
    return root in own
