"""The `mlflow-lint` command as a process, which is also what `python -m mlflow_lint` runs."""

import os
import sys
from typing import NoReturn

from mlflow_lint import streams
from mlflow_lint.cli import main


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


if __name__ == "__main__":
    run()
