"""Settings: `[tool.mlflow-lint]` of the nearest pyproject.toml, then the command line.

Invariant: `Settings` read by this module are valid, codes and patterns included; what is not valid is a
`ConfigError` of one line that names the file and the key.
"""

# Path objects are felt in trees of many directories, `resolve` would follow links, and `is_file` raises in
# directories that may not be entered:

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlflow_lint.facts.backends import BACKENDS
from mlflow_lint.findings import SYNTAX_ERROR
from mlflow_lint.record import record
from mlflow_lint.report import FORMATS

PREFIX = "MLF"
"""What every code begins with; `ALL` is accepted as another word for it."""

CACHE_NAME = ".mlflow_lint_cache"
"""What the folder of results is called where no other is named."""

_CACHES = (
    ".eggs",
    ".git",
    CACHE_NAME,
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    "__pycache__",
)
_INSTALLED = (".venv", "__pypackages__", "node_modules", "site-packages", "venv")
DEFAULT_EXCLUDE = (*_CACHES, *_INSTALLED, ".ipynb_checkpoints", "build", "dist")

_FILE_NAME = "pyproject.toml"
_TABLE = "mlflow-lint"


class ConfigError(Exception):
    """Configuration that cannot be used; the message is one line."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


@record
class Settings:
    """What one directory is linted with; the fields are the keys of the table, with `_` for `-`.

    What stands below a key is its text in the reference (`reference.py`), in Markdown.
    """

    root: Path
    """Directory that patterns are relative to: the configuration file's, else the working directory."""
    config_file: Path | None = None
    select: tuple[str, ...] = (PREFIX,)
    """Rules to switch on: [codes or prefixes of codes](configuration.md#codes), or `ALL`."""
    ignore: tuple[str, ...] = ()
    """Rules to switch off."""
    extend_select: tuple[str, ...] = ()
    """Rules to switch on beside those of `select`."""
    preview: bool = False
    """Switch the selected preview rules on."""
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    """What to leave out when folders are searched: [patterns as in `.gitignore`](configuration.md#patterns)."""
    extend_exclude: tuple[str, ...] = ()
    """What to leave out beside `exclude`."""
    force_exclude: bool = False
    """Leave excluded files out even where they are named one by one, as pre-commit does."""
    respect_gitignore: bool = True
    """Leave out what git ignores."""
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Rules to switch off in the files that a pattern matches."""
    min_group_size: int = 2
    """From how many calls in a row on MLF201, MLF202, MLF203 and MLF208 speak."""
    hot_loop_fix: str = "buffer"
    """How metrics that are logged each step are fixed ([MLF101](rules/MLF101.md#fix-safety)): by asynchronous
    logging, by a list that is sent 500 points at a time, or by logging every 100th step."""
    output_format: str = "full"
    """[How findings are shown](output-formats.md)."""
    unsafe_fixes: bool = False
    """Let `--fix` and `--diff` use [unsafe fixes](fixes.md#safe-and-unsafe) too."""
    target_mlflow_version: str | None = None
    """The oldest MLflow that the code is for. Where it is not set,
    [the project's dependencies](configuration.md#the-version-of-mlflow) are asked."""
    tracking_backend: str = "oss"
    """Whose [limits](configuration.md#limits-of-hosted-servers) messages tell of."""
    fail_on: str = "info"
    """Least [severity](configuration.md#severity) that gives exit code 1."""
    cache: bool = True
    """Keep [results](performance.md#the-cache), so that what has not changed is not checked again."""
    cache_dir: str | None = None
    """Folder to keep results in, relative to the `pyproject.toml`. Where it is not set, `.mlflow_lint_cache` in the
    project's root."""
    baseline: str | None = None
    """File of the [findings that are known](baseline.md) and not reported, relative to the `pyproject.toml`. Empty for
    none, as where it is not set."""

    @property
    def baseline_file(self) -> str | None:
        """Absolute path of the baseline."""
        return os.path.abspath(os.path.join(self.root, self.baseline)) if self.baseline else None


def default_settings(root: Path) -> Settings:
    """Return the settings where nothing is configured; patterns are relative to `root`."""
    return Settings(root=Path(os.path.abspath(root)))


def load_settings(file: Path, known_codes: Collection[str]) -> Settings:
    """Read the settings of one file, which must have the table. Raises `ConfigError`."""
    table = _table(file)
    if table is None:
        raise ConfigError(f"{file}: has no [tool.{_TABLE}] table")
    path = Path(os.path.abspath(file))
    return Settings(root=path.parent, config_file=path, **_validated(table, known_codes, str(file)))


def find_config(start: Path) -> Path | None:
    """Return the nearest pyproject.toml at or above `start` that has our table. Raises `ConfigError`."""
    absolute = Path(os.path.abspath(start))
    candidates = (directory / _FILE_NAME for directory in (absolute, *absolute.parents))
    return next((file for file in candidates if _configures(str(file))), None)


class SettingsResolver:
    """Settings by place: those of the nearest configuration file, with the command line's on top.

    `overrides` has the keys of the table; they replace the file's values, but `extend-…` adds to them; messages say
    that they come from `origin`. An explicit `config` holds everywhere, and with `isolated` no file is read at all.
    Where there is no file, patterns are relative to `root`, the working directory by default. Making one raises
    `ConfigError` for a bad `config` or `overrides`; asking one raises it for a bad file on the way.
    """

    def __init__(
        self,
        known_codes: Collection[str],
        *,
        config: Path | None = None,
        isolated: bool = False,
        overrides: Mapping[str, object] | None = None,
        origin: str = "command line",
        root: Path | None = None,
    ) -> None:
        self._known_codes = known_codes
        self._overrides = _validated(overrides or {}, known_codes, origin)
        self._default = self._overridden(default_settings(root or Path.cwd()))
        self._everywhere = self._default if isolated else None
        if config is not None and not isolated:
            self._everywhere = self._overridden(load_settings(config, known_codes))
        self._by_directory: dict[str, Settings] = {}

    def for_file(self, path: Path) -> Settings:
        """Settings of a file, which need not exist."""
        return self.for_directory(path.parent)

    def for_directory(self, directory: Path | str) -> Settings:
        """Settings of what lies directly in a directory."""
        if self._everywhere is not None:
            return self._everywhere
        here = os.path.abspath(directory)
        climbed: list[str] = []
        while (settings := self._by_directory.get(here)) is None:
            climbed.append(here)
            file = os.path.join(here, _FILE_NAME)
            parent = os.path.dirname(here)
            if _configures(file):
                settings = self._overridden(load_settings(Path(file), self._known_codes))
                break
            if parent == here:
                settings = self._default
                break
            here = parent
        self._by_directory.update(dict.fromkeys(climbed, settings))
        return settings

    def _overridden(self, settings: Settings) -> Settings:
        values = dict(self._overrides)
        for field in values.keys() & {"extend_select", "extend_exclude"}:
            values[field] = getattr(settings, field) + values[field]
        return replace(settings, **values)


def specificity(selectors: Iterable[str], code: str) -> int:
    """Length of the longest of these codes and prefixes that covers `code`; 0 if none does."""
    prefixes = (PREFIX if selector == "ALL" else selector for selector in selectors)
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=0)


def enabled_codes(settings: Settings, rules: Mapping[str, str]) -> frozenset[str]:
    """Codes to report, of `rules`, which gives each code's status (stable, preview or opt-in).

    The longest prefix decides between selecting and ignoring, and ignoring wins a tie. Rules that are not
    stable have to be named by their full code; `preview` switches all selected preview rules on. A file that
    cannot be read is always reported, unless just that code is ignored.
    """
    selected = (*settings.select, *settings.extend_select)
    enabled = set() if SYNTAX_ERROR in settings.ignore else {SYNTAX_ERROR}
    for code, status in rules.items():
        if code == SYNTAX_ERROR or specificity(selected, code) <= specificity(settings.ignore, code):
            continue
        if status == "stable" or code in selected or (status == "preview" and settings.preview):
            enabled.add(code)
    return frozenset(enabled)


def _configures(file: str) -> bool:
    return os.path.isfile(file) and _table(Path(file)) is not None


def _table(file: Path) -> Mapping[str, object] | None:
    if sys.version_info >= (3, 11):
        import tomllib  # only where there is something to parse: every door would pay for it
    else:
        import tomli as tomllib

    try:
        data = file.read_bytes()
        # A file that does not name us is passed over unparsed: it is not for us to complain about its syntax.
        tool = tomllib.loads(data.decode("utf-8")).get("tool") if _TABLE.encode() in data else None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # syntax, encoding, numbers and nesting beyond all bounds
        raise ConfigError(f"{file}: is not valid TOML: {error}") from error
    table = tool.get(_TABLE) if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{file}: `tool.{_TABLE}` must be a table, not {_kind(table)}")
    return table


_Reader = Callable[[object, Collection[str]], object]


@record
class Kind:
    """What a key takes."""

    words: str
    """As the reference puts it, in Markdown."""
    read: _Reader


class _Invalid(Exception):
    """What is wrong with a value, put so that the key can stand before it."""


def _validated(table: Mapping[str, object], known_codes: Collection[str], source: str) -> dict[str, Any]:
    """Fields of `Settings` for the keys of a table. Raises `ConfigError` that begins with `source`."""
    fields: dict[str, Any] = {}
    for key, value in table.items():
        kind = KINDS.get(key)
        if kind is None:
            raise ConfigError(f"{source}: unknown key `{key}`{_did_you_mean(key, KINDS)}")
        try:
            fields[key.replace("-", "_")] = kind.read(value, known_codes)
        except _Invalid as error:
            raise ConfigError(f"{source}: `{key}` {error}") from error
    return fields


def _kind(value: object) -> str:
    kinds = {bool: "a boolean", int: "an integer", float: "a float", str: "a string"}
    return (kinds | {list: "a list", tuple: "a list", dict: "a table"}).get(type(value), "a date or time")


def _did_you_mean(word: str, words: Iterable[str]) -> str:
    import difflib  # for messages only

    close = difflib.get_close_matches(word, list(words), n=1)
    return f", did you mean `{close[0]}`?" if close else ""


def _flag(value: object, _: Collection[str]) -> bool:
    if not isinstance(value, bool):
        raise _Invalid(f"must be true or false, not {_kind(value)}")
    return value


def _group_size(value: object, _: Collection[str]) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 2:
        shown = value if type(value) is int else _kind(value)
        raise _Invalid(f"must be an integer of at least 2, not {shown}")
    return value


def _version(value: object, _: Collection[str]) -> str:
    if not isinstance(value, str):
        raise _Invalid(f'must be a string such as "3.1", not {_kind(value)}')
    if not re.fullmatch(r"\d{1,4}(\.\d{1,4}){0,2}", value, re.ASCII):
        raise _Invalid(f"must be a version such as `3.1`, not `{value}`")
    return value


def _file_name(value: object, _: Collection[str]) -> str:
    if not isinstance(value, str):
        raise _Invalid(f"must be a string, not {_kind(value)}")
    if "\0" in value:
        raise _Invalid("holds a NUL character, which no file name has")
    return value


def _one_of(*choices: str) -> Kind:
    listed = ", ".join(f"`{choice}`" for choice in choices)

    def read(value: object, _: Collection[str]) -> str:
        if not isinstance(value, str):
            raise _Invalid(f"must be a string, not {_kind(value)}")
        if value not in choices:
            raise _Invalid(f"must be one of {listed}, not `{value}`{_did_you_mean(value, choices)}")
        return value

    return Kind(f"one of {listed}", read)


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise _Invalid(f"must be a list of strings, not {_kind(value)}")
    for item in value:
        if not isinstance(item, str):
            raise _Invalid(f"must be a list of strings, but holds {_kind(item)}")
    return tuple(value)


def _codes(value: object, known_codes: Collection[str]) -> tuple[str, ...]:
    selectors = _strings(value)
    known = sorted({*known_codes, SYNTAX_ERROR})
    for selector in selectors:
        is_prefix = selector.startswith(PREFIX) and any(code.startswith(selector) for code in known)
        if not is_prefix and selector != "ALL":
            raise _Invalid(f"names the unknown code `{selector}`{_did_you_mean(selector.upper(), known)}")
    return selectors


def _patterns(value: object, _: Collection[str]) -> tuple[str, ...]:
    from pathspec import GitIgnoreSpec  # slow to import, and most configurations leave patterns alone

    patterns = _strings(value)
    try:
        GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise _Invalid(f"has an invalid pattern: {error}") from error
    return patterns


def _codes_by_pattern(value: object, known_codes: Collection[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, Mapping):
        raise _Invalid(f"must be a table of patterns and lists of codes, not {_kind(value)}")
    _patterns(list(value), known_codes)
    pairs = []
    try:
        for pattern, selectors in value.items():
            pairs.append((pattern, _codes(selectors, known_codes)))
    except _Invalid as error:
        raise _Invalid(f"for `{pattern}` {error}") from error
    return tuple(pairs)


KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("select", "ignore", "extend-select"), Kind("list of codes", _codes)),
    **dict.fromkeys(("exclude", "extend-exclude"), Kind("list of patterns", _patterns)),
    **dict.fromkeys(
        ("preview", "force-exclude", "respect-gitignore", "unsafe-fixes", "cache"), Kind("`true` or `false`", _flag)
    ),
    "per-file-ignores": Kind("table of patterns and lists of codes", _codes_by_pattern),
    "min-group-size": Kind("integer of at least 2", _group_size),
    "hot-loop-fix": _one_of("async", "buffer", "throttle"),
    "output-format": _one_of(*FORMATS),
    "target-mlflow-version": Kind('version, such as `"3.1"`', _version),
    "tracking-backend": _one_of(*BACKENDS),
    "fail-on": _one_of("info", "warning"),
    "baseline": Kind("name of a file", _file_name),
    "cache-dir": Kind("name of a folder", _file_name),
}
"""The keys of the table, and what each takes."""
