"""`python -m mlflow_lint` is the `mlflow-lint` command."""

import sys

from mlflow_lint.cli import main

if __name__ == "__main__":
    sys.exit(main())
