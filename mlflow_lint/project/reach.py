"""Which files can matter: those that name MLflow, and those that import, by name, something that leads there.

The first are known from their bytes. The others are found in waves: a file matters if it imports a file that matters
and mentions something of it that leads to MLflow, or brings it in with a star. Invariant: nothing is parsed, and the
answer for a file depends on the files that it imports, step by step, and not on which files were asked about before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from mlflow_lint.project.definitions import Definition, definitions, leading
from mlflow_lint.project.import_lines import ImportLine, import_lines
from mlflow_lint.regex import regex
from mlflow_lint.source.file import is_databricks, is_notebook
from mlflow_lint.source.gate import names_mlflow

_WORD = regex(rb"\w+")
_PACKAGE = f"{os.sep}__init__.py"
_FIRST_LINE = 80
_BROUGHT = regex(rb"(\*|\w+)(?:\s+as\s+(\w+))?")

Find = Callable[[str, str, int], "str | None"]
"""File of a module: folder of the importing file, dotted module, level."""


_Pair = tuple[str, str]
"""A file and a name of its module."""


class _Import(NamedTuple):
    """What an import line means in one folder."""

    files: tuple[str, ...]
    brought: tuple[tuple[bytes, bytes], ...]
    """Pairs of a name of the first file and what it is called here, both `*` for all of them."""


_NOWHERE = _Import((), ())


class Reach:
    """Answers for the files of one project.

    `find` maps imports to files, `packages` gives the packages that are imported with the modules of a folder, and
    `read` gives bytes (empty for what cannot be read).
    """

    def __init__(
        self,
        find: Find,
        packages: Callable[[str], Iterable[str]],
        read: Callable[[str], bytes],
    ) -> None:
        self._find = find
        self._packages = packages
        self._read = read
        self._imports: dict[str, tuple[str, ...]] = {}
        self._lines: dict[str, list[_Import]] = {}
        """The import lines of the files being decided, as far as they lead to files."""
        self._meanings: dict[str, dict[ImportLine, _Import]] = {}
        """By folder: most files of one import the same."""
        self._exports: dict[str, frozenset[bytes]] = {}
        """By file: names of its module that lead to MLflow."""
        self._used: dict[str, tuple[_Pair, ...]] = {}
        """By file that does not name MLflow: what it uses of others that leads there."""
        self._mattering: set[str] = set()
        self._settled: set[str] = set()
        self._unasked: set[str] = set()
        """Files that matter, and that decide about no other so far: what they export is not known."""

    def is_settled(self, file: str) -> bool:
        """Whether it is decided about a file."""
        return file in self._settled

    def matters(self, file: str) -> bool:
        """Whether a file that was settled, or is imported by one that was, can have findings or give them."""
        return file in self._mattering

    def used(self, file: str) -> tuple[_Pair, ...]:
        """What a file that matters and does not name MLflow uses: pairs of a file and a name of its module."""
        return self._used.get(file, ())

    def imported(self, file: str) -> Iterator[str]:
        """The files that one that was settled imports, step by step."""
        found, pending = {file}, [file]
        while pending:
            for other in self._imports.get(pending.pop(), ()):
                if other not in found:
                    found.add(other)
                    pending.append(other)
                    yield other

    def leaves_first(self, files: Iterable[str]) -> Iterator[str]:
        """Files after those of them that they import, where there is no circle.

        Then what they rest on is known already, however many modules hand a name on.
        """
        wanted = dict.fromkeys(files)
        begun: set[str] = set()
        for first in wanted:
            path = [(first, iter(self._imports.get(first, ())))] if first not in begun else []
            begun.add(first)
            while path:
                file, imported = path[-1]
                other = next((each for each in imported if each in wanted and each not in begun), None)
                if other is None:
                    path.pop()
                    yield file
                else:
                    begun.add(other)
                    path.append((other, iter(self._imports.get(other, ()))))

    def rests_on(self, file: str) -> tuple[str, ...]:
        """What a file that was settled itself imports, and the packages that are imported with it."""
        found = dict.fromkeys((*self._imports.get(file, ()), *self._packages(os.path.dirname(file))))
        found.pop(file, None)
        return tuple(found)

    def seen(self) -> frozenset[str]:
        """All files that were settled."""
        return frozenset(self._settled)

    def settle(self, files: Mapping[str, bytes], *, complete: bool = False) -> None:
        """Decide for some files, and for all that they import, at once; their bytes spare reading them again.

        `complete` says that these are all the files of the project: if none names MLflow, nothing is left to ask.
        """
        naming = {file for file, data in files.items() if names_mlflow(data)}
        if complete and not naming:
            self._settled.update(files)
            return
        self._mattering |= naming - self._settled
        unsettled = self._look(files)
        if not self._mattering.isdisjoint(unsettled) or any(map(self._leads_to_mlflow, unsettled)):
            self._spread(unsettled, files)
        self._settled |= unsettled
        self._lines.clear()
        self._meanings.clear()

    def _look(self, files: Mapping[str, bytes]) -> set[str]:
        """Read the import lines of files not yet settled and of those that they import."""
        pending = [file for file in files if file not in self._settled]
        found = set(pending)
        while pending:
            file = pending.pop()
            data = files.get(file)
            if data is None:
                data = self._read(file)
                if names_mlflow(data):
                    self._mattering.add(file)
            folder = os.path.dirname(file)
            lines = self._imports_in(folder, file, _code(file, data))
            imported = dict.fromkeys([other for line in lines for other in line.files])
            imported.pop(file, None)
            self._imports[file] = tuple(imported)
            if imported:
                self._lines[file] = lines
            # With a module comes its package, and with that what may override the module's methods.
            imported.update(dict.fromkeys(self._packages(folder)))
            new = {other for other in imported.keys() - found if self._is_open(other)}
            found |= new
            pending += new
        return found

    def _is_open(self, file: str) -> bool:
        return file not in self._settled or file in self._unasked

    def _leads_to_mlflow(self, file: str) -> bool:
        return any(other in self._mattering for other in self._imports[file])

    def _spread(self, unsettled: set[str], files: Mapping[str, bytes]) -> None:
        """Waves among the unsettled files, until nothing is new; what is settled cannot change any more."""
        importers: dict[str, list[str]] = {}
        for file in unsettled:
            for other in self._imports[file]:
                importers.setdefault(other, []).append(file)
        asked = self._imported_by(file for file in unsettled if file not in self._mattering)
        texts: dict[str, _Text] = {}
        pending = {file for file in unsettled if file in self._mattering or self._leads_to_mlflow(file)}
        naming = frozenset(self._mattering)
        while pending:
            file = pending.pop()
            known, handed_on, brought = self._brought_in(file)
            if file not in texts and (known or file in asked):
                # Few come this far: reading those again takes less than keeping the bytes of all.
                data = files[file] if file in files else self._read(file)
                texts[file] = _Text(_code(file, data))
            if file not in naming:
                mentioned = known & texts[file].words if known else known
                if not handed_on and not mentioned:
                    continue
                self._used[file] = tuple(dict.fromkeys((*brought, *self._mentioned(file, mentioned))))
            self._mattering.add(file)
            if file in asked:
                exported = leading(texts[file].definitions, known | handed_on) | handed_on
                if exported != self._exports.get(file, frozenset()):
                    self._exports[file] = exported
                    pending.update(importers.get(file, ()))
        self._unasked -= unsettled
        self._unasked |= (unsettled & self._mattering) - asked

    def _imported_by(self, files: Iterable[str]) -> set[str]:
        """What files import, step by step: what that exports decides whether they matter."""
        pending = list(files)
        found: set[str] = set()
        while pending:
            new = set(self._imports.get(pending.pop(), ())) - found
            found |= new
            pending += new
        return found

    def _brought_in(self, file: str) -> tuple[frozenset[bytes], frozenset[bytes], list[_Pair]]:
        """What leads to MLflow of the files that one imports, what of it is a name of its own module, and whence."""
        known = frozenset[bytes]().union(*(self._exports.get(other, ()) for other in self._imports[file]))
        handed_on: set[bytes] = set()
        brought: list[_Pair] = []
        for line in self._lines.get(file, ()) if known else ():
            exported = self._exports.get(line.files[0], frozenset())
            for name, local in line.brought:
                if name == b"*":
                    names = exported
                    handed_on |= exported
                elif name in exported:
                    names = frozenset({name})
                    handed_on.add(local)
                else:
                    continue
                brought += [(line.files[0], each.decode("utf-8", "replace")) for each in sorted(names)]
        return known, frozenset(handed_on), brought

    def _mentioned(self, file: str, words: frozenset[bytes]) -> Iterator[_Pair]:
        """Which modules the words are names of that a file mentions."""
        for other in self._imports[file]:
            for word in sorted(words & self._exports.get(other, frozenset())):
                yield other, word.decode("utf-8", "replace")

    def _imports_in(self, folder: str, file: str, code: bytes) -> list[_Import]:
        known = self._meanings.setdefault(folder, {})
        found: list[_Import] = []
        for path in _included(file, code):
            target = self._files(folder, [path], 0)
            if target:
                found.append(_Import(target, ((b"*", b"*"),)))
        for line in import_lines(code):
            meant = known.get(line)
            if meant is None:
                meant = known[line] = self._meaning(folder, line)
            if meant.files:
                found.append(meant)
        return found

    def _meaning(self, folder: str, line: ImportLine) -> _Import:
        """Where an import line leads, which is the same for all files of a folder."""
        module, names, modules = line
        if modules:
            packages = [words[0].decode("utf-8", "replace") for part in modules.split(b",") if (words := part.split())]
            return _Import(self._files(folder, packages, 0), ())
        dotted = module.decode("utf-8", "replace")
        name = dotted.lstrip(".")
        level = len(dotted) - len(name)
        target = self._files(folder, [name], level)
        if not target and not level:
            return _NOWHERE
        members: tuple[str, ...] = ()
        if not target or target[0].endswith(_PACKAGE):
            prefix = f"{name}." if name else ""
            inner = [prefix + word.decode("utf-8", "replace") for word in _WORD.findall(names)]
            members = self._files(folder, inner, level)
        brought = [(word, local or word) for word, local in _BROUGHT.findall(names)] if target else []
        return _Import(target + members, tuple(brought))

    def _files(self, folder: str, modules: Iterable[str], level: int) -> tuple[str, ...]:
        found = [self._find(folder, module, level) for module in modules if module or level]
        return tuple([each for each in found if each is not None])


class _Text:
    """What the waves ask of a file's code, found when it is asked for."""

    def __init__(self, code: bytes) -> None:
        self._code = code

    @cached_property
    def words(self) -> frozenset[bytes]:
        return frozenset(_WORD.findall(self._code))

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        return definitions(self._code)


def _code(file: str, data: bytes) -> bytes:
    if not is_notebook(file):
        return data
    from mlflow_lint.source.notebook import code_of  # most runs meet none

    return code_of(data)


def _included(file: str, code: bytes) -> tuple[str, ...]:
    """What a notebook runs in its own namespace, which is as good as a star import."""
    # Told from the beginning: to look for `%run` in all of every file takes longer than to read it.
    if not is_notebook(file) and not is_databricks(_decoded(code[:_FIRST_LINE])):
        return ()
    from mlflow_lint.source.included import included  # most runs meet none

    return included(_decoded(code))


def _decoded(code: bytes) -> str:
    return code.decode("utf-8", "replace").removeprefix("\ufeff")
