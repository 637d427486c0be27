"""A linter and codemod for code that logs to MLflow.

The doors are :mod:`mlflow_lint.cli`, :mod:`mlflow_lint.flake8_plugin` and :mod:`mlflow_lint.engine`;
importing this package alone loads none of them, so that every door starts quickly.
"""

__version__ = "0.1.0"
