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
    Result,
    options_of,
)
from mlflow_lint.analysis.writes.effects import Effects


class Leading:
    """Answers for the names of modules; what is known of a class or function is kept."""

    def __init__(self, effects: Effects, used: Callable[[str], tuple[tuple[str, str], ...]]) -> None:
        self._effects = effects
        self._resolver = effects.resolver
        self._used = used
        self._files: dict[str, bool] = {}
        self._known: dict[int, bool] = {}
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
        """Whether what a module binds to a name is or writes to something of MLflow's."""
        self._asked = set()
        leads = self._leads(self._resolver.attribute(ModuleRef(file), name))
        if not leads:
            self._known.update(dict.fromkeys(self._asked, False))
        return leads

    def _leads(self, meaning: Meaning | None) -> bool:
        return any(map(self._option_leads, options_of(meaning)))

    def _option_leads(self, option: Meaning) -> bool:
        """Whether one of the things that a name may stand for does.

        A class or function that is asked for again on the way to an answer adds nothing to it. If the answer is no, it
        holds for all that were asked for.
        """
        if isinstance(option, (External, Result)):
            return "mlflow" in option.dotted.lower()
        of = option.type if isinstance(option, Instance) else option
        if not isinstance(of, (ClassRef, FunctionRef)):
            return True
        key = id(of.definition)
        if key not in self._known:
            if key in self._asked:
                return False
            self._asked.add(key)
            if not (self._class_leads(of) if isinstance(of, ClassRef) else self._function_leads(of)):
                return False
            self._known[key] = True
        return self._known[key]

    def _function_leads(self, function: FunctionRef) -> bool:
        return bool(self._effects.summaries.of(function).effects) or self._leads(self._resolver.returned(function))

    def _class_leads(self, of: ClassRef) -> bool:
        """Whether objects of a class have a method or keep something that leads there."""
        own = Instance(of)
        return any(
            self._leads(self._resolver.attribute(own, name)) or self._leads(self._resolver.elements.kept(own, name))
            for name in self._resolver.classes.members(of)
        )
