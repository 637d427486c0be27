"""Reading settings, finding the nearest, and selecting rules."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_lint.config import (
    ConfigError,
    Settings,
    SettingsResolver,
    default_settings,
    enabled_codes,
    find_config,
    load_settings,
    specificity,
)

CODES = ("MLF000", "MLF101", "MLF102", "MLF201", "MLF209", "MLF506")
RULES = {"MLF101": "stable", "MLF102": "stable", "MLF201": "stable", "MLF209": "preview", "MLF506": "opt-in"}


def write(directory: Path, body: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "pyproject.toml"
    file.write_text(body, encoding="utf-8")
    return file


def table(directory: Path, body: str = "") -> Path:
    return write(directory, f"[tool.mlflow-lint]\n{body}\n")


def error_of(file: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(file, CODES)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert "\n" not in message
    return message.removeprefix(f"{file}: ")


# --- one file --------------------------------------------------------------------------------------------


def test_every_key_is_read(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        """
        select = ["MLF1", "ALL"]
        ignore = ["MLF102"]
        extend-select = ["MLF506"]
        preview = true
        exclude = ["/gen/"]
        extend-exclude = ["*_pb2.py"]
        force-exclude = true
        respect-gitignore = false
        per-file-ignores = { "tests/" = ["MLF1"], "*_x.py" = ["MLF201", "MLF102"] }
        min-group-size = 3
        target-mlflow-version = "3.1"
        tracking-backend = "azureml"
        hot-loop-fix = "throttle"
        output-format = "json"
        unsafe-fixes = true
        fail-on = "warning"
        """,
    )
    assert load_settings(file, CODES) == Settings(
        root=tmp_path,
        config_file=file,
        select=("MLF1", "ALL"),
        ignore=("MLF102",),
        extend_select=("MLF506",),
        preview=True,
        exclude=("/gen/",),
        extend_exclude=("*_pb2.py",),
        force_exclude=True,
        respect_gitignore=False,
        per_file_ignores=(("tests/", ("MLF1",)), ("*_x.py", ("MLF201", "MLF102"))),
        min_group_size=3,
        target_mlflow_version="3.1",
        tracking_backend="azureml",
        hot_loop_fix="throttle",
        output_format="json",
        unsafe_fixes=True,
        fail_on="warning",
    )


def test_an_empty_table_gives_the_defaults(tmp_path: Path) -> None:
    file = table(tmp_path)
    assert load_settings(file, CODES) == Settings(root=tmp_path, config_file=file)
    assert default_settings(tmp_path) == Settings(root=tmp_path)
    assert {".git", ".venv", "build", "site-packages"} < set(Settings(root=tmp_path).exclude)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("selct = []", "unknown key `selct`, did you mean `select`?"),
        ("min_group_size = 2", "unknown key `min_group_size`, did you mean `min-group-size`?"),
        ("root = 'x'", "unknown key `root`"),
        ("'new\\nline' = 1", "unknown key `new\\nline`"),
        ('"new\\nline" = 1', "unknown key `new line`"),
        ("select = 'MLF1'", "`select` must be a list of strings, not a string"),
        ("ignore = 1", "`ignore` must be a list of strings, not an integer"),
        ("ignore = true", "`ignore` must be a list of strings, not a boolean"),
        ("select = ['MLF1', 2.5]", "`select` must be a list of strings, but holds a float"),
        ("exclude = [2020-01-01]", "`exclude` must be a list of strings, but holds a date or time"),
        ("select = ['MLF1O1']", "`select` names the unknown code `MLF1O1`, did you mean `MLF101`?"),
        ("ignore = ['mlf101']", "`ignore` names the unknown code `mlf101`, did you mean `MLF101`?"),
        ("extend-select = ['E501']", "`extend-select` names the unknown code `E501`"),
        ("select = ['']", "`select` names the unknown code ``"),
        ("select = ['ML']", "`select` names the unknown code `ML`"),
        ("preview = 1", "`preview` must be true or false, not an integer"),
        ("preview = 'true'", "`preview` must be true or false, not a string"),
        ("min-group-size = true", "`min-group-size` must be an integer of at least 2, not a boolean"),
        (
            "hot-loop-fix = 'bufer'",
            "`hot-loop-fix` must be one of `async`, `buffer`, `throttle`, not `bufer`, did you mean `buffer`?",
        ),
        ("min-group-size = 1", "`min-group-size` must be an integer of at least 2, not 1"),
        ("min-group-size = 2.0", "`min-group-size` must be an integer of at least 2, not a float"),
        (
            "output-format = 'jsn'",
            "`output-format` must be one of `full`, `concise`, `grouped`, `json`, `json-lines`, `sarif`, `github`, "
            "`gitlab`, `junit`, `azure`, `rdjson`, `pylint`, not `jsn`, did you mean `json`?",
        ),
        ("fail-on = []", "`fail-on` must be a string, not a list"),
        (
            "per-file-ignores = ['x']",
            "`per-file-ignores` must be a table of patterns and lists of codes, not a list",
        ),
        (
            "per-file-ignores = {'a.py' = [], 'b.py' = 'MLF1'}",
            "`per-file-ignores` for `b.py` must be a list of strings, not a string",
        ),
        (
            "per-file-ignores = {'b.py' = ['MLF9']}",
            "`per-file-ignores` for `b.py` names the unknown code `MLF9`",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, body: str, message: str) -> None:
    said = error_of(table(tmp_path, body))
    assert said == message or (said.startswith(f"{message}, did you mean") and "did you" not in message)


def test_invalid_patterns_are_errors(tmp_path: Path) -> None:
    assert error_of(table(tmp_path, "exclude = ['ok', '!']")).startswith("`exclude` has an invalid pattern")
    assert "invalid pattern" in error_of(table(tmp_path, "per-file-ignores = {'!' = []}"))


def test_bad_toml_names_the_line(tmp_path: Path) -> None:
    message = error_of(table(tmp_path, "\nselect = = 1"))
    assert "not valid TOML" in message
    assert "line 3" in message


@pytest.mark.parametrize(
    "data",
    [
        b"# mlflow-lint\n'\xff'",
        b"x = " + b"[" * 100_000 + b" # mlflow-lint",
        b"#mlflow-lint\nx=" + b"9" * 9999,
    ],
)
def test_files_that_break_the_parser_are_errors(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_bytes(data)
    assert "not valid TOML" in error_of(file)


@pytest.mark.parametrize("body", ["", "[tool]", "tool = 1", "[tool.ruff]\nx = 'mlflow-lint'"])
def test_a_file_without_the_table_is_an_error_where_it_is_named(tmp_path: Path, body: str) -> None:
    assert error_of(write(tmp_path, body)) == "has no [tool.mlflow-lint] table"


def test_a_table_that_is_none_and_files_that_are_none(tmp_path: Path) -> None:
    assert error_of(write(tmp_path, "tool.mlflow-lint = 1")) == "`tool.mlflow-lint` must be a table, not an integer"
    assert error_of(tmp_path / "none.toml") == "cannot be read: No such file or directory"
    assert error_of(tmp_path) == "cannot be read: Is a directory"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=4), v, max_size=3))
KEYS = st.sampled_from(["select", "exclude", "preview", "per-file-ignores", "min-group-size", "fail-on"]) | st.text()


@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_any_values_give_settings_or_one_line(overrides: Mapping[str, object]) -> None:
    try:
        SettingsResolver(CODES, isolated=True, overrides=overrides)
    except ConfigError as error:
        message = str(error)
    else:
        return
    assert message.startswith("command line: ")
    assert len(message.splitlines()) == 1


# --- the nearest file ------------------------------------------------------------------------------------


def test_files_without_the_table_are_passed_over(tmp_path: Path) -> None:
    top = table(tmp_path)
    write(tmp_path / "a", "[tool.ruff]\nselect = ['mlflow-lint']")
    write(tmp_path / "a" / "b", "this is = = not TOML")
    (tmp_path / "a" / "b" / "c" / "pyproject.toml").mkdir(parents=True)
    assert find_config(tmp_path / "a" / "b" / "c") == top
    assert find_config(tmp_path / "a" / "b" / "c" / "missing.py") == top
    inner = table(tmp_path / "a" / "b" / "c" / "d")
    assert find_config(inner.parent) == inner
    assert find_config(inner) == inner


def test_a_broken_file_with_the_table_is_an_error(tmp_path: Path) -> None:
    table(tmp_path / "a", "= 1")
    with pytest.raises(ConfigError, match="line 2"):
        find_config(tmp_path / "a")
    with pytest.raises(ConfigError, match="line 2"):
        SettingsResolver(CODES).for_file(tmp_path / "a" / "x.py")


def test_each_file_has_the_settings_of_the_nearest_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path / "a", "preview = true")
    table(tmp_path / "a" / "b" / "c", "min-group-size = 5")
    monkeypatch.chdir(tmp_path)
    resolver = SettingsResolver(CODES)
    assert resolver.for_file(Path("a/b/c/d/x.py")).root == tmp_path / "a" / "b" / "c"
    assert resolver.for_file(Path("a/b/x.py")).root == tmp_path / "a"
    assert resolver.for_file(Path("a/b/c/../x.py")).preview
    assert not resolver.for_file(Path("a/b/c/x.py")).preview
    assert resolver.for_directory(Path("a")) is resolver.for_file(tmp_path / "a" / "x.py")
    assert resolver.for_file(Path("x.py")) == default_settings(tmp_path)


def test_every_directory_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    is_file = os.path.isfile
    monkeypatch.setattr(os.path, "isfile", lambda path: (looked.append(path), is_file(path))[1])
    resolver = SettingsResolver(CODES)
    for name in ("a", "b", "a"):
        resolver.for_file(tmp_path / name / "x.py")
    assert len(looked) == len(set(looked)) == len((tmp_path / "a").parents) + 2


def test_isolated_and_explicit_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table(tmp_path, "preview = true")
    other = table(tmp_path / "ci", "min-group-size = 4")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "x.py"
    assert SettingsResolver(CODES, isolated=True).for_file(file) == default_settings(tmp_path)
    explicit = SettingsResolver(CODES, config=Path("ci/pyproject.toml")).for_file(file)
    assert (explicit.config_file, explicit.root, explicit.min_group_size) == (other, other.parent, 4)
    assert not explicit.preview


def test_the_command_line_comes_last(tmp_path: Path) -> None:
    table(tmp_path, "select = ['MLF1']\nextend-select = ['MLF209']\nextend-exclude = ['a']\npreview = true")
    overrides = {"select": ("MLF2",), "extend-select": ("MLF506",), "extend-exclude": ["b"], "preview": False}
    for resolver in (
        SettingsResolver(CODES, overrides=overrides),
        SettingsResolver(CODES, overrides=overrides, config=tmp_path / "pyproject.toml"),
    ):
        settings = resolver.for_file(tmp_path / "x.py")
        assert settings.select == ("MLF2",)
        assert settings.extend_select == ("MLF209", "MLF506")
        assert settings.extend_exclude == ("a", "b")
        assert settings.preview is False
        assert settings.config_file == tmp_path / "pyproject.toml"


def test_the_command_line_is_checked_too() -> None:
    with pytest.raises(ConfigError, match=r"^command line: `select` names the unknown code `MLF1O1`, did you"):
        SettingsResolver(CODES, overrides={"select": ["MLF1O1"]})


# --- selection -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "MLF000 MLF101 MLF102 MLF201"),
        ({"select": ("ALL",)}, "MLF000 MLF101 MLF102 MLF201"),
        ({"select": ("MLF2",)}, "MLF000 MLF201"),
        ({"select": ()}, "MLF000"),
        ({"select": ("MLF2",), "extend_select": ("MLF101",)}, "MLF000 MLF101 MLF201"),
        ({"ignore": ("MLF1",)}, "MLF000 MLF201"),
        ({"ignore": ("MLF",)}, "MLF000"),
        ({"ignore": ("ALL",), "select": ("MLF2",)}, "MLF000 MLF201"),
        ({"ignore": ("MLF1",), "select": ("MLF", "MLF102")}, "MLF000 MLF102 MLF201"),
        ({"ignore": ("MLF102",), "select": ("MLF102",)}, "MLF000"),
        ({"ignore": ("MLF000",)}, "MLF101 MLF102 MLF201"),
        ({"preview": True}, "MLF000 MLF101 MLF102 MLF201 MLF209"),
        ({"preview": True, "select": ("MLF1",)}, "MLF000 MLF101 MLF102"),
        ({"preview": True, "ignore": ("MLF209",)}, "MLF000 MLF101 MLF102 MLF201"),
        ({"select": ("MLF20",)}, "MLF000 MLF201"),
        ({"select": ("MLF209",)}, "MLF000 MLF209"),
        ({"extend_select": ("MLF209",)}, "MLF000 MLF101 MLF102 MLF201 MLF209"),
        ({"extend_select": ("MLF506",), "ignore": ("MLF5",)}, "MLF000 MLF101 MLF102 MLF201 MLF506"),
        ({"select": ("MLF50",), "preview": True}, "MLF000"),
    ],
)
def test_the_longest_prefix_decides(values: dict[str, object], expected: str) -> None:
    settings = Settings(root=Path("/"), **values)  # type: ignore[arg-type]
    assert sorted(enabled_codes(settings, RULES)) == expected.split()
    assert sorted(enabled_codes(settings, {"MLF000": "stable", **RULES})) == expected.split()


def test_specificity_is_the_length_of_the_longest_prefix() -> None:
    assert specificity(("MLF", "MLF10", "MLF2"), "MLF101") == 5
    assert specificity(("ALL",), "MLF101") == 3
    assert specificity(("MLF2",), "MLF101") == 0
