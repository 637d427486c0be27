"""Where a new import goes: into one of its module, beside its kin, or first.

Invariant: what is imported late, or only where it is installed, is not imported earlier or anyway.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import lru_cache

from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import all_blocks, inner_blocks
from mlflow_lint.findings import Edit
from mlflow_lint.fixes.text import indentation, line_end, line_start
from mlflow_lint.project.modules import Unit
from mlflow_lint.regex import regex
from mlflow_lint.source.file import newline_of

_ROOT = regex(r"(?:import|from) (\w+)")
_BLANK_LINE = regex(r"(\r\n|\r(?!\n)|\n)[ \t\f]*[\r\n]")


def importing(module: str, attribute: str | None, place: Place) -> Edit | None:
    """The edit that imports `attribute` of `module`, or the module itself, for code at a place."""
    joined = _joined(module, attribute, place.unit) if attribute else None
    if joined is not None:
        return joined
    return _new_import(place, module, f"from {module} import {attribute}" if attribute else f"import {module}")


def joining(statement: facts.Import, wanted: str, unit: Unit) -> Edit | None:
    """Add a name to a `from … import …`, before the first that sorts after it."""
    start, end = statement.span
    text = unit.text[start:end]
    position = re.search(r"\bimport\b", text)
    offset = position.end() if position else 0
    for name in statement.names:
        alias = regex(rf"\b{name.attribute}\b" + (rf"\s+as\s+{name.local}\b" if name.local != name.attribute else ""))
        found = alias.search(text, offset)
        if found is None:
            return None
        if (name.attribute or "") > wanted:
            return Edit(start + found.start(), start + found.start(), f"{wanted}, ")
        offset = found.end()
    return Edit(start + offset, start + offset, f", {wanted}")


def _joined(module: str, attribute: str, unit: Unit) -> Edit | None:
    statement = _joinable(unit).get(module)
    return joining(statement, attribute, unit) if statement is not None else None


@lru_cache(maxsize=1)
def _joinable(unit: Unit) -> dict[str, facts.Import]:
    """The first `from … import …` of each module that stands in no other statement.

    Remembered, for a long file has many fixes.
    """
    found: dict[str, facts.Import] = {}
    for statement in unit.facts.body:
        if isinstance(statement, facts.Import) and statement.names:
            first = statement.names[0]
            if first.attribute is not None and not first.level and first.local != "*":
                found.setdefault(first.module, statement)
    return found


def _new_import(place: Place, module: str, statement: str) -> Edit | None:
    """Insert an import beside its kin, or first if it is the standard library's."""
    text = place.unit.text
    newline = newline_of(text)
    found = _neighbour(place, module, statement.startswith("import"))
    if found is None:
        return None
    (start, end), after = found
    indent = indentation(text, start)
    if indent is None:
        return None
    if not after:
        begin = line_start(text, start)
        following = _ROOT.match(text, begin)
        apart = following is not None and _is_standard(module) and not _is_standard(following[1])
        gap = newline if apart else ""
        return Edit(begin, begin, f"{indent}{statement}{newline}{gap}")
    stop = line_end(text, end)
    return Edit(stop, stop, f"{newline}{indent}{statement}")


def _neighbour(place: Place, module: str, plain: bool) -> tuple[facts.Span, bool] | None:
    """The statement beside which an import of a module, or from it, goes, and whether after it."""
    root = module.partition(".")[0]
    top = place.unit.facts.body
    standard = _is_standard(module)
    functions = [scope.owner.body for scope in place.scope.enclosing() if isinstance(scope.owner, facts.Function)]
    for block in (top, *functions):
        leading = leading_imports(block)
        kin = [statement for statement in leading if _is_kin(statement, root)]
        if kin:
            found = _section(kin[0], leading, place.unit.text)
            section = [other for other in found if _is_standard(other.names[0].module) is standard]
            before = [other for other in section if _sorts_before(other, module, plain)]
            neighbour = before[-1] if before else section[0]
            return (neighbour.span, bool(before)) if neighbour.alone else None
        first = _first_import(block) if standard else None
        if first is not None:
            return first.span, False
    leading = leading_imports(top)
    if standard or not leading or not leading[-1].alone or any(_is_kin(found, root) for found in _all_imports(top)):
        return None
    return leading[-1].span, True


def _all_imports(block: facts.Block) -> Iterator[facts.Import]:
    """Every import of a block, those of functions and classes in it included."""
    for statement in block:
        if isinstance(statement, facts.Import):
            yield statement
        for inner in all_blocks(statement):
            yield from _all_imports(inner)


def _section(statement: facts.Import, leading: list[facts.Import], text: str) -> list[facts.Import]:
    """The imports that no blank line parts from one, itself included."""
    sections: list[list[facts.Import]] = []
    for other in leading:
        if not sections or _BLANK_LINE.search(text, sections[-1][-1].span[1], other.span[0]):
            sections.append([])
        sections[-1].append(other)
    return next(section for section in sections if statement in section)


def _sorts_before(other: facts.Import, module: str, plain: bool) -> bool:
    """Whether an import stands before another of its section: plain ones first, each kind by name."""
    name = other.names[0]
    if (name.attribute is None) is not plain:
        return name.attribute is None
    return name.module <= module


def _first_import(block: facts.Block) -> facts.Import | facts.Try | None:
    """The import with which a block begins, or the `try` around it; those of `__future__` come before any other."""
    for statement in block:
        if isinstance(statement, facts.Import) and statement.names[0].module == "__future__":
            continue
        if _is_prelude(statement):
            continue
        if isinstance(statement, facts.Import):
            return statement
        return statement if isinstance(statement, facts.Try) and isinstance(statement.body[0], facts.Import) else None
    return None


def leading_imports(block: facts.Block) -> list[facts.Import]:
    """The imports that a block begins with; strings may stand between them."""
    found: list[facts.Import] = []
    for statement in block:
        if isinstance(statement, facts.Import):
            found.append(statement)
        elif not _is_prelude(statement):
            break
    return found


def _is_prelude(statement: facts.Statement) -> bool:
    """A docstring, or the magic of a notebook, which `source/magics.py` masks as a call."""
    match statement:
        case facts.Evaluate(facts.Constant() | facts.Call(facts.Name("_"), ())):
            return True
    return False


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _is_kin(statement: facts.Import, root: str) -> bool:
    own = {name.module.partition(".")[0] for name in statement.names}
    if root in sys.stdlib_module_names:
        return bool(own) and own <= sys.stdlib_module_names - {"__future__"}
    return root in own


def imports_of(block: facts.Block) -> Iterator[facts.Import]:
    """Every import of a block, those of the blocks in it included, functions left out."""
    for statement in block:
        if isinstance(statement, facts.Import):
            yield statement
        for inner in inner_blocks(statement):
            yield from imports_of(inner)
