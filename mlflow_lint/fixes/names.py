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

_ROOT = re.compile(r"(?:import|from) (\w+)")

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


def member(path: str, place: Place, resolver: Resolver) -> Named | None:
    """How to write a member of MLflow, `MlflowClient` or `entities.Metric`: by its name, or in full.

    A submodule's is imported by name, unless MLflow itself is imported late or may be missing.
    """
    module, _, name = f"mlflow.{path}".rpartition(".")
    full: str | None = None
    for local in _visible(place):
        meaning = resolver.resolve(facts.Name(local), place)
        if isinstance(meaning, External) and meaning.dotted == f"mlflow.{path}":
            return local, ()
        if isinstance(meaning, External) and meaning.dotted == "mlflow":
            full = full or f"{local}.{path}"
    if full is not None and module == "mlflow":
        return full, ()
    return imported(module, name, place) or ((full, ()) if full is not None else None)


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
        edit = _new_import(place, module, statement)
    return (wanted, (edit,)) if edit is not None else None


def _joined(module: str, attribute: str, unit: Unit) -> Edit | None:
    for statement in unit.facts.body:
        if isinstance(statement, facts.Import) and statement.names:
            first = statement.names[0]
            if first.attribute is not None and (first.module, first.level) == (module, 0) and first.local != "*":
                return _joining(statement, attribute, unit)
    return None


def _new_import(place: Place, module: str, statement: str) -> Edit | None:
    """Insert an import beside its kin, or first if it is the standard library's."""
    text = place.unit.text
    newline = newline_of(text)
    found = _neighbour(place, module.partition(".")[0])
    if found is None:
        return None
    (start, end), after = found
    indent = indentation(text, start)
    if indent is None:
        return None
    if not after:
        begin = line_start(text, start)
        following = _ROOT.match(text, begin)
        gap = newline if following is not None and following[1] not in sys.stdlib_module_names else ""
        return Edit(begin, begin, f"{indent}{statement}{newline}{gap}")
    stop = line_end(text, end)
    if stop == len(text):
        return Edit(stop, stop, f"{newline}{indent}{statement}")
    return Edit(after_newline(text, stop), after_newline(text, stop), f"{indent}{statement}{newline}")


def _neighbour(place: Place, root: str) -> tuple[facts.Span, bool] | None:
    """The statement beside which an import of `root` goes, and whether after it.

    What is imported late, or only where it is installed, must not be imported earlier or anyway.
    """
    top = place.unit.facts.body
    standard = root in sys.stdlib_module_names
    functions = [scope.owner.body for scope in place.scope.enclosing() if isinstance(scope.owner, facts.Function)]
    for block in (top, *functions):
        leading = _leading_imports(block)
        kin = [statement for statement in leading if _is_kin(statement, root)]
        if kin:
            return (kin[-1].span, True) if kin[-1].alone else None
        first = _first_import(block) if standard else None
        if first is not None:
            return first.span, False
    leading = _leading_imports(top)
    if standard or not leading or not leading[-1].alone or any(_is_kin(found, root) for found in _imports(top)):
        return None
    return leading[-1].span, True


def _first_import(block: facts.Block) -> facts.Import | facts.Try | None:
    """The import with which a block begins, or the `try` around it; those of `__future__` come before any other."""
    for statement in block:
        if isinstance(statement, facts.Import) and statement.names[0].module == "__future__":
            continue
        if isinstance(statement, facts.Evaluate) and isinstance(statement.value, facts.Constant):
            continue
        if isinstance(statement, facts.Import):
            return statement
        return statement if isinstance(statement, facts.Try) and isinstance(statement.body[0], facts.Import) else None
    return None


def _leading_imports(block: facts.Block) -> list[facts.Import]:
    found: list[facts.Import] = []
    for statement in block:
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


def fresh(name: str, place: Place) -> str:
    """A name that nothing here uses."""
    candidates = [name, f"{name}_to_log", *(f"{name}_to_log_{number}" for number in range(2, 100))]
    for candidate in candidates:
        if not any(candidate in scope.bindings for scope in place.scope.enclosing()):
            return candidate
    return candidates[-1]
