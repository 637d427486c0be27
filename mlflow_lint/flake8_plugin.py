"""The flake8 plugin: the findings of `mlflow-lint` under flake8's options and comments.

Invariant: it reads the text that flake8 has, never the file, and decides by the project's own settings which
rules are on; flake8's `select`, `ignore` and `noqa` filter on top. So rules that are off by default stay off
where a user's `ignore` replaces flake8's list of what is ignored by default.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mlflow_lint import __version__
from mlflow_lint.config import ConfigError, Settings, SettingsResolver
from mlflow_lint.engine import Project, check_source
from mlflow_lint.failures import is_defect
from mlflow_lint.findings import Finding
from mlflow_lint.rules.known import KnownCodes
from mlflow_lint.source.file import SourceError, from_lines

if TYPE_CHECKING:
    from mlflow_lint.screening import Screen

_FULL_CODE = re.compile(r"MLF\d{3}", re.ASCII)
_NO_FILE = ("-", "stdin")
"""What flake8 calls standard input if it is not told a name."""


class Plugin:
    """What flake8 makes for each file."""

    name = "mlflow-lint"
    version = __version__

    _resolver: ClassVar[SettingsResolver | None] = None
    _named: ClassVar[tuple[str, ...]] = ()
    """Codes that flake8 was told in full to select."""
    _respect_noqa: ClassVar[bool] = True
    _projects: ClassVar[dict[Path, Project]] = {}
    """By root; kept from file to file, as files import each other."""
    _screen: ClassVar[Screen | None] = None
    """Kept from file to file, as they share a baseline."""

    def __init__(self, tree: ast.AST, filename: str, lines: Sequence[str]) -> None:
        # flake8 tells by `tree` what kind of plugin this is; it is not used.
        name = "-" if filename in _NO_FILE else filename
        self._file = os.path.abspath(name)
        self._lines = lines

    @staticmethod
    def add_options(manager: Any) -> None:
        """Register the plugin's options."""
        manager.add_option(
            "--mlflow-lint-preview",
            action="store_true",
            default=False,
            parse_from_config=True,
            help="Switch the preview rules of mlflow-lint on.",
        )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Take the options over, and the configuration of the working directory."""
        overrides = {"preview": True} if options.mlflow_lint_preview else {}
        cls._resolver = SettingsResolver(KnownCodes(), overrides=overrides)
        selected = (*(options.select or ()), *(options.extend_select or ()))
        cls._named = tuple(code for code in selected if _FULL_CODE.fullmatch(code))
        cls._respect_noqa = not options.disable_noqa
        Plugin._screen = None
        cls._project()

    def run(self) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        """Yield line, column from 0, text and type of each finding, as flake8 wants it."""
        for finding in self._findings():
            region = finding.region
            yield region.line, region.column - 1, f"{finding.code} {finding.message}", type(self)

    def _findings(self) -> Sequence[Finding]:
        try:
            return self._check()
        except BaseException as error:
            if not is_defect(error) or _is_of_flake8(error):
                raise
            # flake8 does this itself for what __init__ raises, but leaves what is raised here unhandled.
            from flake8.exceptions import PluginExecutionFailed  # type: ignore[import-untyped]

            # Processes may have to hand it on, and not every exception survives that.
            cause = RuntimeError(f"{type(error).__name__}: {error}")
            raise PluginExecutionFailed(self._file, self.name, cause) from error

    def _check(self) -> Sequence[Finding]:
        settings = self._settings(Path(self._file))
        project = self._project()
        text = "".join(self._lines)
        if not project.matters(self._file, text.encode("utf-8", "surrogatepass")):
            return ()
        from mlflow_lint.discover import is_excluded
        from mlflow_lint.syntax.stack import with_deep_stack

        if is_excluded(settings, Path(self._file)):
            return ()
        try:
            source = from_lines(project.shown(self._file), self._lines)
        except SourceError:
            return ()  # flake8 has stopped at it, or said so, before
        checked = with_deep_stack(
            lambda: check_source(project, self._file, source, settings, respect_noqa=self._respect_noqa)
        )
        if settings.baseline_file is None:
            return checked.findings
        from mlflow_lint.screening import Screen

        if Plugin._screen is None:
            Plugin._screen = Screen()
        with _one_line():
            return Plugin._screen(checked, Path(self._file), settings).findings

    @classmethod
    def _settings(cls, file: Path) -> Settings:
        if cls._resolver is None:
            cls._resolver = SettingsResolver(KnownCodes())
        with _one_line():
            settings = cls._resolver.for_file(file)
        return replace(settings, extend_select=settings.extend_select + cls._named) if cls._named else settings

    @classmethod
    def _project(cls) -> Project:
        """The project of the working directory, as for the command."""
        here = Path.cwd()
        root = cls._settings(here / "-").root
        if root not in cls._projects:
            cls._projects[root] = Project(root, here)
        return cls._projects[root]


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """Let flake8 stop with one line at a configuration that cannot be used."""
    try:
        yield
    except ConfigError as error:
        from flake8.exceptions import ExecutionError

        raise ExecutionError(f"mlflow-lint: {error}") from error


def _is_of_flake8(error: BaseException) -> bool:
    from flake8.exceptions import Flake8Exception

    return isinstance(error, Flake8Exception)
