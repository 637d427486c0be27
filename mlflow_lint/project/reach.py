"""Which files can matter: those that name MLflow, and those that import, by name, something that writes to it.

The first are known from their bytes. The others are found in waves: a file matters if it imports a file that matters
and mentions something of it that reaches MLflow, or brings it in with a star; only then is it parsed. Invariant: the
answer for a file depends on the files that it imports, step by step, and not on which files were asked about before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from mlflow_lint.source.file import is_notebook
from mlflow_lint.source.gate import names_mlflow

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^#\r\n]*)|import[ \t]+([\w. \t,]+))", re.MULTILINE
)
_WORD = re.compile(rb"\w+")
_BROUGHT = re.compile(rb"(\*|\w+)(?:\s+as\s+(\w+))?")

Find = Callable[[str, str, int], "str | None"]
"""File of a module: importing file, dotted module, level."""


class Reach:
    """Answers for the files of one project.

    `find` maps imports to files, `packages` gives the packages that are imported with a module, `read` gives bytes
    (empty for what cannot be read), `exports` the names of a file's module that reach MLflow, and `forget` drops what
    was concluded while fewer files were known to matter.
    """

    def __init__(
        self,
        find: Find,
        packages: Callable[[str], Iterable[str]],
        read: Callable[[str], bytes],
        exports: Callable[[str], frozenset[bytes]],
        forget: Callable[[], None],
    ) -> None:
        self._find = find
        self._packages = packages
        self._read = read
        self._exports_of = exports
        self._forget = forget
        self._imports: dict[str, tuple[str, ...]] = {}
        self._code: dict[str, bytes] = {}
        """Code of the files being decided."""
        self._brought: dict[str, list[tuple[str, bytes, bytes]]] = {}
        """By file: who brings a name of it in, the name there and the name here, both `*` for all of them."""
        self._exports: dict[str, frozenset[bytes]] = {}
        self._mattering: set[str] = set()
        self._settled: set[str] = set()

    def is_settled(self, file: str) -> bool:
        """Whether it is decided about a file."""
        return file in self._settled

    def matters(self, file: str) -> bool:
        """Whether a file that was settled, or is imported by one that was, can have findings or give them."""
        return file in self._mattering

    def imported(self, file: str) -> Iterator[str]:
        """The files that one that was settled imports, step by step."""
        found, pending = {file}, [file]
        while pending:
            for other in self._imports.get(pending.pop(), ()):
                if other not in found:
                    found.add(other)
                    pending.append(other)
                    yield other

    def settle(self, files: dict[str, bytes], *, complete: bool = False) -> None:
        """Decide for some files, and for all that they import, at once; their bytes spare reading them again.

        `complete` says that these are all the files of the project: if none names MLflow, nothing is left to ask.
        """
        if complete and not any(map(names_mlflow, files.values())):
            self._settled.update(files)
            return
        unsettled = self._look(files)
        candidates = [file for file in unsettled if file not in self._mattering]
        if any(file in self._mattering or self._leads_to_mlflow(file) for file in unsettled):
            self._spread(unsettled, candidates)
        self._settled |= unsettled
        self._code.clear()
        self._brought.clear()

    def _look(self, files: dict[str, bytes]) -> set[str]:
        """Read the import lines of files not yet settled and of those that they import."""
        found: set[str] = set()
        pending = [file for file in files if file not in self._settled]
        while pending:
            file = pending.pop()
            if file in found:
                continue
            found.add(file)
            data = files[file] if file in files else self._read(file)
            if names_mlflow(data):
                self._mattering.add(file)
            code = _code(file, data)
            self._imports[file] = tuple(self._files(file, code))
            if self._imports[file]:
                self._code[file] = code
            # With a module comes its package, and with that what may override the module's methods.
            loaded = (*self._imports[file], *self._packages(file))
            pending += [other for other in loaded if other not in self._settled]
        return found

    def _leads_to_mlflow(self, file: str) -> bool:
        return any(other in self._mattering for other in self._imports[file])

    def _spread(self, unsettled: set[str], candidates: Collection[str]) -> None:
        """Waves among the unsettled files, until nothing is new; what is settled cannot change any more."""
        while True:
            self._forget()
            for file in self._leaves_first(unsettled & self._mattering):
                self._exports[file] = self._exports_of(file)
            known = len(self._mattering)
            self._hand_on()
            self._mattering.update(
                [file for file in candidates if file not in self._mattering and self._mentions(file)]
            )
            if len(self._mattering) == known:
                return  # what a module exports rests on which files matter, and on nothing else

    def _leaves_first(self, files: set[str]) -> Iterator[str]:
        """Files after those that they import, where there is no circle: then what they rest on is known already."""
        begun: set[str] = set()
        for first in sorted(files):
            path = [(first, iter(self._imports[first]))] if first not in begun else []
            begun.add(first)
            while path:
                file, imported = path[-1]
                other = next((each for each in imported if each in files and each not in begun), None)
                if other is None:
                    path.pop()
                    yield file
                else:
                    begun.add(other)
                    path.append((other, iter(self._imports[other])))

    def _hand_on(self) -> None:
        """What a file brings in from one that exports it, the file exports too, however many there are in a row."""
        pending = [file for file in self._brought if self._exports.get(file)]
        while pending:
            origin = pending.pop()
            exported = self._exports[origin]
            for file, name, local in self._brought.get(origin, ()):
                gained = exported if name == b"*" else {local} if name in exported else frozenset()
                before = self._exports.get(file, frozenset())
                if not gained <= before:
                    self._exports[file] = before | gained
                    self._mattering.add(file)
                    pending.append(file)

    def _mentions(self, file: str) -> bool:
        """Whether a file names something that reaches MLflow of a file that it imports."""
        wanted = {name for other in self._imports[file] for name in self._exports.get(other, ())}
        return bool(wanted) and not wanted.isdisjoint(_WORD.findall(self._code[file]))

    def _files(self, file: str, code: bytes) -> Iterable[str]:
        found: dict[str, None] = {}
        for module, names, modules in _IMPORT.findall(code):
            if modules:
                for part in modules.split(b","):
                    words = part.split()
                    if words:
                        self._add(found, file, words[0].decode("utf-8", "replace"), 0)
                continue
            dotted = module.decode("utf-8", "replace")
            name = dotted.lstrip(".")
            level = len(dotted) - len(name)
            target = self._add(found, file, name, level)
            if target is not None and target != file:
                brought = self._brought.setdefault(target, [])
                brought += [(file, word, local or word) for word, local in _BROUGHT.findall(names)]
            if target is not None or level:
                for word in _WORD.findall(names):
                    member = word.decode("utf-8", "replace")
                    self._add(found, file, f"{name}.{member}" if name else member, level)
        found.pop(file, None)
        return found

    def _add(self, found: dict[str, None], file: str, module: str, level: int) -> str | None:
        target = self._find(file, module, level) if module or level else None
        if target is not None:
            found[target] = None
        return target


def _code(file: str, data: bytes) -> bytes:
    if not is_notebook(file):
        return data
    from mlflow_lint.source.notebook import code_of  # most runs meet none

    return code_of(data)
