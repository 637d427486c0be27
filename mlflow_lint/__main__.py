"""The `mlflow-lint` command as a process, which is also what `python -m mlflow_lint` runs.

Invariant: whatever happens, nobody sees a traceback, and the exit code is 0 (clean), 1 (findings), 2 (an error) or 130
(interrupted).
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from dataclasses import replace
from typing import NoReturn

from mlflow_lint import streams
from mlflow_lint.cli import UsageError, command
from mlflow_lint.config import ConfigError
from mlflow_lint.failures import defect, error_line, is_defect
from mlflow_lint.progress import Bar
from mlflow_lint.request import CLEAN, FAILED, Request, Terminal

_INTERRUPTED = 130


def run() -> NoReturn:
    """Run the command, and leave at once.

    Python would take apart first, piece by piece, all that the run has made, which takes a twentieth of a short one.
    Whoever traces or profiles the process writes down what they know at an ordinary end, and gets one.
    """
    code = main()
    if sys.gettrace() is None and sys.getprofile() is None:
        streams.flush()
        os._exit(code)
    sys.exit(code)


def main() -> int:
    """Run the command with the arguments of the process; the result is its exit code."""
    gc.disable()  # all that a run makes is kept to its end, and trees, which are not, hold no circles
    streams.prepare()
    try:
        return _run()
    except KeyboardInterrupt:
        # At once: the analysis runs in a thread of its own, which an ordinary exit would wait for.
        os._exit(_INTERRUPTED)
    except BaseException as error:
        if not is_defect(error):
            raise
        streams.write(sys.stderr, defect(error))
        return FAILED


def _run() -> int:
    try:
        request = command().main(prog_name="mlflow-lint", standalone_mode=False)
    except UsageError as error:
        message = " ".join(error.format_message().rstrip(".").splitlines())
        streams.write(sys.stderr, error_line(f"{message} (--help lists the options)"))
        return FAILED
    except BrokenPipeError:  # while printing the help
        streams.abandon(sys.stdout)
        return CLEAN
    except OSError as error:  # the same: nothing else that options take can fail so
        return _unwritten(error)
    if isinstance(request, int):  # --help or --version, which are done with
        return request
    if request.lsp:
        gc.enable()
        return _serve(request)
    from mlflow_lint.run import run  # --help and --version do without

    with contextlib.closing(Bar(sys.stderr)) as bar:
        terminal = Terminal.of(sys.stdout, os.environ)
        if sys.stderr is not None and sys.stderr.isatty():
            terminal = replace(terminal, progress=bar)
        outcome = run(request, terminal, streams.read)
    try:
        streams.write(sys.stdout, outcome.output)
    except OSError as error:
        return _unwritten(error)
    streams.write(sys.stderr, outcome.aside)
    return outcome.exit_code


def _unwritten(error: OSError) -> int:
    """A disk is full, say, that standard output goes to."""
    streams.abandon(sys.stdout)
    streams.write(sys.stderr, error_line(f"standard output cannot be written: {error.strerror or error}"))
    return FAILED


def _serve(request: Request) -> int:
    try:
        from mlflow_lint.lsp.server import serve
        from mlflow_lint.lsp.session import Options
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        message = "--lsp needs pygls 2 or later: pip install 'mlflow-lint[lsp]'"
        streams.write(sys.stderr, error_line(message))
        return FAILED
    try:
        return serve(Options(request.overrides, request.config, request.isolated))
    except ConfigError as error:
        streams.write(sys.stderr, error_line(str(error)))
        return FAILED


if __name__ == "__main__":
    run()
