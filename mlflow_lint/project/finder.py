"""From the name in an import to the file that it means.

Invariant: a module is looked up only where Python itself would find it when run from the project: beside the
importing package, in a folder above it, in the project root, or in its `src` folder; `mlflow` itself is never looked
up, and no file is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator


class ModuleFinder:
    """Finds the files of modules; each folder is listed once."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.looked_around: set[str] = set()
        """Files whose neighbours were asked for."""
        self.entered: set[tuple[str, str]] = set()
        """Packages and modules of theirs that were found without an import that names them."""
        self._found: dict[tuple[str, str], str | None] = {}
        self._roots: dict[str, tuple[tuple[str, frozenset[str]], ...]] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._packages: dict[str, tuple[str, ...]] = {}
        self._listings: dict[str, frozenset[str]] = {}

    def find(self, importer: str, module: str, level: int) -> str | None:
        """File of the module that `from <level dots><module> import …` in file `importer` means, if it is ours."""
        return self.find_from(os.path.dirname(importer), module, level) if importer else None

    def find_from(self, folder: str, module: str, level: int) -> str | None:
        """The same for the files of a folder, which can all import the same.

        A module with slashes in its name is the path of a notebook that is run by another.
        """
        if "/" in module:
            return self._found_once(folder, module, self._included)
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self._at(folder, module)
        first = module.partition(".")[0]
        if first == "mlflow":
            return None
        for root, names in self._search_path(folder):
            found = self._at(root, module) if first in names else None
            if found is not None:
                return found
        return None

    def submodule(self, package_file: str, name: str) -> str | None:
        """File of the module `name` inside the package whose `__init__.py` is given."""
        if os.path.basename(package_file) != "__init__.py":
            return None
        found = self._at(os.path.dirname(package_file), name)
        if found is not None:
            self.entered.add((package_file, found))
        return found

    def packages(self, file: str) -> list[str]:
        """The `__init__.py` files that Python runs before it imports the module in `file`, innermost first."""
        return list(self.packages_around(os.path.dirname(file)))

    def packages_around(self, folder: str) -> tuple[str, ...]:
        """The same for the modules of a folder."""
        if folder not in self._packages:
            self._packages[folder] = tuple(self._inside_out(folder))
        return self._packages[folder]

    def _inside_out(self, folder: str) -> Iterator[str]:
        while "__init__.py" in self._listing(folder) and os.path.dirname(folder) != folder:
            yield os.path.join(folder, "__init__.py")
            folder = os.path.dirname(folder)

    def listed(self) -> frozenset[str]:
        """The folders in which modules were looked up."""
        return frozenset(self._listings)

    def neighbours(self, file: str) -> list[str]:
        """Other modules of a file's folder and of the folders beside it: where implementations of its classes are."""
        self.looked_around.add(file)
        folder = os.path.dirname(file)
        above = os.path.dirname(folder)
        folders = [folder]
        if above.startswith(self.root + os.sep):
            folders += [os.path.join(above, name) for name in sorted(self._listing(above)) if "." not in name]
        names = [os.path.join(each, name) for each in folders for name in sorted(self._listing(each))]
        return [name for name in dict.fromkeys(names) if name.endswith(".py") and name != file]

    def _search_path(self, folder: str) -> tuple[tuple[str, frozenset[str]], ...]:
        """Where Python looks for what the files of a folder import, each with what can be imported from there."""
        if folder not in self._roots:
            package = folder
            while "__init__.py" in self._listing(package) and os.path.dirname(package) != package:
                package = os.path.dirname(package)
            roots = (package, folder, *self._above(folder), self.root, os.path.join(self.root, "src"))
            self._roots[folder] = tuple((root, self._importable(root)) for root in dict.fromkeys(roots))
        return self._roots[folder]

    def _importable(self, folder: str) -> frozenset[str]:
        """What an import of something in a folder begins with; most are of libraries, and begin with something else."""
        if folder not in self._names:
            names = self._listing(folder)
            self._names[folder] = names | {name[: -len(".py")] for name in names if name.endswith(".py")}
        return self._names[folder]

    def _above(self, folder: str) -> list[str]:
        """The folders between one and the root: programs are run from any of them, namespace packages included."""
        found = []
        while folder.startswith(self.root + os.sep):
            folder = os.path.dirname(folder)
            found.append(folder)
        return found

    def _at(self, base: str, module: str) -> str | None:
        return self._found_once(base, module, self._look)

    def _found_once(self, base: str, module: str, look: Callable[[str, str], str | None]) -> str | None:
        key = (base, module)
        if key not in self._found:
            self._found[key] = look(base, module)
        return self._found[key]

    def _included(self, folder: str, path: str) -> str | None:
        """The file of Python or notebook that a path from a folder means; suffixes may be left out."""
        *above, last = path.split("/")
        for name in above:
            if name == "..":
                folder = os.path.dirname(folder)
            elif name not in ("", "."):
                if name not in self._listing(folder):
                    return None
                folder = os.path.join(folder, name)
        names = (last, f"{last}.py", f"{last}.ipynb")
        files = [os.path.join(folder, name) for name in names if name in self._listing(folder)]
        return next((file for file in files if file.endswith((".py", ".ipynb")) and os.path.isfile(file)), None)

    def _look(self, base: str, module: str) -> str | None:
        folder = base
        *packages, last = module.split(".") if module else [""]
        for package in packages:
            if package not in self._listing(folder):
                return None
            folder = os.path.join(folder, package)
        names = self._listing(folder)
        if last and f"{last}.py" in names and os.path.isfile(os.path.join(folder, f"{last}.py")):
            return os.path.join(folder, f"{last}.py")
        if last:
            if last not in names:
                return None
            folder = os.path.join(folder, last)
        return os.path.join(folder, "__init__.py") if "__init__.py" in self._listing(folder) else None

    def _listing(self, folder: str) -> frozenset[str]:
        """Names in a folder, read once: most imports are of libraries, and are told apart without asking the disk."""
        if folder not in self._listings:
            try:
                self._listings[folder] = frozenset(os.listdir(folder))
            except OSError:
                self._listings[folder] = frozenset()
        return self._listings[folder]
