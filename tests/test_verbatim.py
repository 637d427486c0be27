"""A command that takes texts as they are typed gets what typer's own would get."""

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
import typer.core

from mlflow_lint.verbatim import VerbatimCommand


def outcome(command_class: type[typer.core.TyperCommand], arguments: list[str]) -> Any:
    """What a command with an option of each kind is called with, or how it refuses."""
    app = typer.Typer(add_completion=False)

    @app.command(cls=command_class)
    def command(
        names: Annotated[list[str] | None, typer.Argument()] = None,
        text: Annotated[str | None, typer.Option()] = None,
        texts: Annotated[list[str] | None, typer.Option()] = None,
        given: Annotated[str, typer.Option()] = "a default",
        flag: Annotated[bool | None, typer.Option(envvar="TEST_VERBATIM_FLAG")] = None,
        number: Annotated[int | None, typer.Option()] = None,
        place: Annotated[Path | None, typer.Option()] = None,
    ) -> Any:
        return names, text, texts, given, flag, number, place

    try:
        return typer.main.get_command(app).main(arguments, prog_name="test", standalone_mode=False)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("flag", [None, "1", "no", "neither"])
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a", "b c", ""],
        ["a", "--text", "b", "c", "--texts", "d", "--texts=e"],
        ["--text", "", "--given", "given"],
        ["--flag", "--number", "7", "--place", "x/y"],
        ["--no-flag", "--number", "seven"],
        ["--text"],
        ["--unknown"],
        ["--", "--text"],
    ],
    ids=" ".join,
)
def test_values_are_those_of_typer(arguments: list[str], flag: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if flag is not None:
        monkeypatch.setenv("TEST_VERBATIM_FLAG", flag)
    assert outcome(VerbatimCommand, arguments) == outcome(typer.core.TyperCommand, arguments)


def test_names_that_are_no_text() -> None:
    name = b"\xff.py".decode("utf-8", "surrogateescape")
    assert outcome(VerbatimCommand, [name])[0] == [name]
