"""The options of the `mlflow-lint` command.

Invariant: they become one `Request`, and what is done about it is elsewhere.
"""

# Annotations are no texts here: typer would have to compile each of them.

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mlflow_lint import __version__
from mlflow_lint.report import FORMATS
from mlflow_lint.request import Request
from mlflow_lint.verbatim import VerbatimCommand

_MOST_JOBS = 512
UsageError: Any = typer.BadParameter.__bases__[0]
"""What is wrong with the options: of click, or of the copy in newer versions of typer."""

_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")

_FIX, _RULES, _FILES, _CONFIG = "Fixing", "Rule selection", "File selection", "Configuration"
_OUTPUT, _ABOUT, _EDITOR = "Output and exit code", "About rules and settings", "Editors"
_OLD_CODE = "Old code"

_Flag = bool | None
"""An option that leaves the configuration's value alone where it is not given."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlflow-lint {__version__}")
        raise typer.Exit


def _codes(option: str, text: str) -> Any:
    return typer.Option(option, help=text, metavar="CODES", show_default=False, rich_help_panel=_RULES)


def _patterns(option: str, text: str) -> Any:
    return typer.Option(option, help=text, metavar="PATTERNS", show_default=False, rich_help_panel=_FILES)


def _option(panel: str, *names: str, text: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, metavar=metavar, show_default=False, rich_help_panel=panel)


def _split(values: list[str] | None) -> list[str] | None:
    """Items of an option that takes several, separated by commas or by repeating the option."""
    if not values:
        return None
    return [item.strip() for value in values for item in value.split(",") if item.strip()]


def _number_of_jobs(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or not 0 < int(text) <= _MOST_JOBS:
        raise typer.BadParameter(f"--jobs takes a number from 1 to {_MOST_JOBS}, or auto, and not {text!r}")
    return int(text)


def _refuse_beside(option: str, given: bool, others: Mapping[str, bool]) -> None:
    for other, given_too in others.items():
        if given and given_too:
            raise typer.BadParameter(f"{option} does not go with {other}")


@_app.command(cls=VerbatimCommand, context_settings={"help_option_names": ["-h", "--help"]})
def _request(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Files and directories, or - for standard input.", show_default="."),
    ] = None,
    fix: Annotated[bool, _option(_FIX, "--fix", text="Apply safe fixes, then report what remains.")] = False,
    unsafe_fixes: Annotated[
        _Flag,
        _option(
            _FIX,
            "--unsafe-fixes/--no-unsafe-fixes",
            text="With --fix or --diff: also fixes that may change what is recorded, or when.",
        ),
    ] = None,
    hot_loop_fix: Annotated[
        str | None,
        _option(
            _FIX,
            "--hot-loop-fix",
            text="How metrics that are logged each step are fixed: buffer (default), async or throttle.",
            metavar="HOW",
        ),
    ] = None,
    diff: Annotated[
        bool, _option(_FIX, "--diff", text="Show what --fix would change, as a diff; write nothing.")
    ] = False,
    select: Annotated[
        list[str] | None, _codes("--select", "Rules to switch on: codes, prefixes of codes, or ALL.")
    ] = None,
    ignore: Annotated[list[str] | None, _codes("--ignore", "Rules to switch off.")] = None,
    extend_select: Annotated[
        list[str] | None, _codes("--extend-select", "Rules to switch on beside those selected already.")
    ] = None,
    preview: Annotated[
        _Flag, _option(_RULES, "--preview/--no-preview", text="Switch selected preview rules on.")
    ] = None,
    exclude: Annotated[
        list[str] | None, _patterns("--exclude", "Patterns, as in .gitignore, of what to leave out.")
    ] = None,
    extend_exclude: Annotated[
        list[str] | None, _patterns("--extend-exclude", "The same, beside what is excluded already.")
    ] = None,
    force_exclude: Annotated[
        _Flag,
        _option(
            _FILES,
            "--force-exclude/--no-force-exclude",
            text="Leave excluded files out even where they are named one by one.",
        ),
    ] = None,
    stdin_filename: Annotated[
        str | None,
        _option(
            _FILES,
            "--stdin-filename",
            text="Check standard input as if it were this file.",
            metavar="NAME",
        ),
    ] = None,
    add_noqa: Annotated[
        bool, _option(_OLD_CODE, "--add-noqa", text="Write `# noqa` comments that silence what is found.")
    ] = False,
    baseline: Annotated[
        str | None,
        _option(
            _OLD_CODE, "--baseline", text="Report only what is not in this file of known findings.", metavar="FILE"
        ),
    ] = None,
    no_baseline: Annotated[
        bool, _option(_OLD_CODE, "--no-baseline", text="Report known findings too, whatever the configuration says.")
    ] = False,
    update_baseline: Annotated[
        bool,
        _option(_OLD_CODE, "--update-baseline", text="Write the baseline: what is found now is known from now on."),
    ] = False,
    diff_against: Annotated[
        str | None,
        _option(
            _OLD_CODE,
            "--diff-against",
            text="Report only findings on lines that have changed since this branch or commit, by git.",
            metavar="REF",
        ),
    ] = None,
    config: Annotated[
        str | None,
        _option(_CONFIG, "--config", text="Take the settings from this TOML file, everywhere.", metavar="FILE"),
    ] = None,
    isolated: Annotated[bool, _option(_CONFIG, "--isolated", text="Read no configuration file.")] = False,
    no_cache: Annotated[
        bool,
        _option(
            _CONFIG,
            "--no-cache",
            "-n",
            text="Neither use nor keep results of other runs; MLFLOW_LINT_NO_CACHE=1 does the same.",
        ),
    ] = False,
    cache_dir: Annotated[
        str | None,
        _option(
            _CONFIG,
            "--cache-dir",
            text="Folder to keep results in, which MLFLOW_LINT_CACHE_DIR may name too; "
            ".mlflow_lint_cache in the project's root by default.",
            metavar="DIR",
        ),
    ] = None,
    jobs: Annotated[
        str,
        _option(
            _CONFIG,
            "--jobs",
            "-j",
            text="Processes to check with; auto, the default, is one for each processor where that is quicker.",
            metavar="N|auto",
        ),
    ] = "auto",
    target_mlflow_version: Annotated[
        str | None,
        _option(
            _CONFIG,
            "--target-mlflow-version",
            text="Oldest MLflow that the code is for; read from the project's dependencies by default.",
            metavar="VERSION",
        ),
    ] = None,
    tracking_backend: Annotated[
        str | None,
        _option(
            _CONFIG,
            "--tracking-backend",
            text="Whose limits messages tell of: oss (default), databricks or azureml.",
            metavar="NAME",
        ),
    ] = None,
    output_format: Annotated[
        str | None,
        _option(
            _OUTPUT,
            "--output-format",
            text=f"How findings are shown: {', '.join(FORMATS)}; the first by default.",
            metavar="FORMAT",
        ),
    ] = None,
    output_file: Annotated[
        Path | None,
        _option(_OUTPUT, "--output-file", text="Write the report to this file instead.", metavar="FILE"),
    ] = None,
    statistics: Annotated[
        bool, _option(_OUTPUT, "--statistics", text="Count findings by rule instead of listing them.")
    ] = False,
    timings: Annotated[
        bool, _option(_OUTPUT, "--timings", text="Print where the time went, on standard error.")
    ] = False,
    timings_by_rule: Annotated[
        bool, _option(_OUTPUT, "--timings-by-rule", text="The same, and for each rule.")
    ] = False,
    fail_on: Annotated[
        str | None,
        _option(
            _OUTPUT,
            "--fail-on",
            text="Least severity for exit code 1; info by default.",
            metavar="info|warning",
        ),
    ] = None,
    exit_zero: Annotated[bool, _option(_OUTPUT, "--exit-zero", text="Exit with 0 even if there are findings.")] = False,
    explain: Annotated[
        str | None, _option(_ABOUT, "--explain", text="Show a rule's documentation.", metavar="CODE")
    ] = None,
    explain_at: Annotated[
        str | None,
        _option(
            _ABOUT,
            "--explain-at",
            text="Show how the analysis sees a line: loops, throttles, what it calls.",
            metavar="FILE:LINE",
        ),
    ] = None,
    list_rules: Annotated[bool, _option(_ABOUT, "--list-rules", text="List all rules.")] = False,
    show_settings: Annotated[
        bool, _option(_ABOUT, "--show-settings", text="Show the settings that hold for the first path.")
    ] = False,
    lsp: Annotated[
        bool, _option(_EDITOR, "--lsp", text="Serve an editor over standard input and output (language server).")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> Request:
    """Find the calls that make MLflow slow, and rewrite them.

    Exit codes: 0 nothing found or all of it fixed, 1 findings, 2 something could not be read or done.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise UsageError(f"the working directory cannot be found: {error.strerror}") from None
    cache_dir = cache_dir or os.environ.get("MLFLOW_LINT_CACHE_DIR")
    given = {
        "select": _split(select),
        "ignore": _split(ignore),
        "extend-select": _split(extend_select),
        "preview": preview,
        "exclude": _split(exclude),
        "extend-exclude": _split(extend_exclude),
        "force-exclude": force_exclude,
        "unsafe-fixes": unsafe_fixes,
        "target-mlflow-version": target_mlflow_version,
        "tracking-backend": tracking_backend,
        "hot-loop-fix": hot_loop_fix,
        "output-format": output_format,
        "fail-on": fail_on,
        "cache": False if no_cache or os.environ.get("MLFLOW_LINT_NO_CACHE", "") not in ("", "0") else None,
        "cache-dir": os.path.abspath(cache_dir) if cache_dir else None,
        "baseline": "" if no_baseline else os.path.abspath(baseline) if baseline else baseline,
    }
    named = tuple(map(Path, paths or ()))
    from_stdin = stdin_filename is not None or Path("-") in named
    if from_stdin and named not in ((), (Path("-"),)):
        raise typer.BadParameter("standard input is checked alone, without other paths")
    if lsp and named:
        raise typer.BadParameter("--lsp takes no paths: the editor says what to check")
    if output_file is not None and (diff or explain or explain_at or list_rules or show_settings):
        raise typer.BadParameter("--output-file takes the report of findings, and nothing else")
    writing = {"--fix": fix, "--diff": diff, "standard input": from_stdin}
    _refuse_beside("--add-noqa", add_noqa, writing)
    others = {"--add-noqa": add_noqa, "--diff-against": diff_against is not None, "--no-baseline": no_baseline}
    _refuse_beside("--update-baseline", update_baseline, writing | others)
    _refuse_beside("--baseline", baseline is not None, {"--no-baseline": no_baseline})
    return Request(
        paths=named or (Path(),),
        overrides={key: value for key, value in given.items() if value is not None},
        config=Path(config) if config is not None else None,
        isolated=isolated,
        jobs=_number_of_jobs(jobs),
        stdin=Path(stdin_filename or "-") if from_stdin else None,
        fix=fix,
        diff=diff,
        add_noqa=add_noqa,
        update_baseline=update_baseline,
        diff_against=diff_against,
        statistics=statistics,
        timings=timings or timings_by_rule,
        timings_by_rule=timings_by_rule,
        exit_zero=exit_zero,
        output_file=output_file,
        explain=explain,
        explain_at=explain_at,
        list_rules=list_rules,
        show_settings=show_settings,
        lsp=lsp,
    )


def command() -> Any:
    """The command as click knows it: its parameters, with their names and texts."""
    return typer.main.get_command(_app)
