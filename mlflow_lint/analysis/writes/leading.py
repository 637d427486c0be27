"""Whether something that a module hands out can lead to MLflow.

Text tells which files use something that may lead there (`project/reach.py`); most of them use it for something else:
the settings of which one is about MLflow, the class of which one method logs and others are called. This looks at what
the analysis of the module makes of the name. Invariant: what nothing is known of, nothing can be found through.
"""

from __future__ import annotations

from collections.abc import Callable

from mlflow_lint.analysis.names.meaning import (
    ClassRef,
    External,
    FunctionRef,
    Instance,
    Meaning,
    ModuleRef,
    Place,
    Result,
    options_of,
)
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts


class Leading:
    """Answers for the names of modules; what is known of a class is kept."""

    def __init__(self, effects: Effects, used: Callable[[str], tuple[tuple[str, str], ...]]) -> None:
        self._effects = effects
        self._resolver = effects.resolver
        self._used = used
        self._files: dict[str, bool] = {}
        self._classes: dict[int, bool] = {}
        self._asked: set[int] = set()

    def file(self, file: str) -> bool:
        """Whether a file names MLflow, or uses something of other modules that leads there.

        Once other modules are known than before, it takes another object to say so.
        """
        used = self._used(file)
        if not used:
            return True
        if file not in self._files:
            self._files[file] = True  # in a circle of modules, what is used of each is looked at
            self._files[file] = any(self.file(other) and self._name(other, name) for other, name in used)
        return self._files[file]

    def _name(self, file: str, name: str) -> bool:
        """Whether what a module binds to a name, or an item of it, is or writes to something of MLflow's."""
        self._asked = set()
        leads = self._leads(self._resolver.attribute(ModuleRef(file), name))
        if not leads:
            unit = self._resolver.modules.unit(file)
            leads = unit is not None and self._leads(
                self._resolver.elements.of(facts.Name(name), (), Place(unit.scope))
            )
        if not leads:
            self._classes.update(dict.fromkeys(self._asked, False))
        return leads

    def _leads(self, meaning: Meaning | None) -> bool:
        return any(map(self._option_leads, options_of(meaning)))

    def _option_leads(self, option: Meaning) -> bool:
        match option:
            case External(dotted) | Result(dotted):
                return "mlflow" in dotted.lower()
            case FunctionRef():
                return bool(self._effects.of(option)) or self._leads(self._resolver.returned(option))
            case Instance():
                return self._class_leads(option.type)
            case ClassRef():
                return self._class_leads(option)
        return True

    def _class_leads(self, of: ClassRef) -> bool:
        """Whether objects of a class have a method or keep something that leads there.

        A class that is asked for again on the way to an answer adds nothing to it. If the answer is no, it holds for
        all that were asked for.
        """
        key = id(of.definition)
        if key in self._classes:
            return self._classes[key]
        if key in self._asked:
            return False
        self._asked.add(key)
        own = Instance(of)
        leads = any(
            self._leads(self._resolver.attribute(own, name)) or self._leads(self._resolver.elements.kept(own, name))
            for name in self._resolver.classes.members(of)
        )
        if leads:
            self._classes[key] = True
        return leads
