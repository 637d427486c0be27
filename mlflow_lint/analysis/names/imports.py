"""What imports bind: modules of the project and their members, or names of libraries.

Invariant: a module is read only when one of its names is asked for; one that cannot reach MLflow gives names only.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mlflow_lint.analysis.names.meaning import External, Meaning, ModuleRef, Place
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import last_name

if TYPE_CHECKING:
    from mlflow_lint.analysis.names.resolve import Resolver


class Imports:
    """Follows imports on behalf of a resolver."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._modules = resolver.modules

    def bound(self, name: facts.ImportedName, place: Place) -> Meaning | None:
        """What an import binds a name to."""
        file = self._modules.finder.find(place.unit.file, name.module, name.level)
        if name.attribute is None:
            return ModuleRef(file) if file is not None else External(name.module)
        if file is not None and file == place.unit.file:
            # `from . import a` in the package itself means its module, not the name that this very line binds.
            nested = self._modules.finder.submodule(file, name.attribute)
            return ModuleRef(nested) if nested is not None else None
        if file is not None:
            return self.member(file, name.attribute)
        if name.level:
            return None
        nested = self._modules.finder.find(place.unit.file, f"{name.module}.{name.attribute}", 0)
        return ModuleRef(nested) if nested is not None else External(f"{name.module}.{name.attribute}")

    def member(self, file: str, name: str) -> Meaning | None:
        """Attribute `name` of the module in `file`: what it binds, or a submodule of the package."""
        unit = self._modules.unit(file, anyway=self._resolver.reads_anyway)
        if unit is not None and name in unit.scope.bindings:
            return self._resolver.name(name, Place(unit.scope))
        nested = self._modules.finder.submodule(file, name)
        if nested is not None:
            return ModuleRef(nested)
        if unit is None:
            # It cannot reach MLflow, so nothing but its name is of interest: that of a loader class, say.
            return External(f"{_module_name(file)}.{name}")
        return self.starred(name, Place(unit.scope))

    def starred(self, name: str, place: Place) -> Meaning | None:
        """A name that only a star import can bind."""
        module = place.scope.module
        found: list[Meaning] = []
        for star in module.stars:
            file = self._modules.finder.find(place.unit.file, star.module, star.level)
            if file is not None:
                meaning = self._resolver.remembered((module, file, name), partial(self.member, file, name))
                if meaning is not None:
                    found.append(meaning)
            elif star.module == "mlflow":
                found.append(External(f"mlflow.{name}"))
        return found[-1] if found else None


def imported_by_name(call: facts.Call) -> External | None:
    """MLflow, where a function imports it by its name: `importlib.import_module("mlflow")`."""
    match call.arguments:
        case (facts.Argument(facts.Constant("mlflow")), *_) if "import" in last_name(call.function).lower():
            return External("mlflow")
    return None


def _module_name(file: str) -> str:
    parts = file.replace("\\", "/").removesuffix(".py").removesuffix("/__init__").split("/")
    return parts[-1]
