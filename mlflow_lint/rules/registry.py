"""All rules, found by walking the package: adding a rule touches one file.

Invariant: codes and names are unique, and the order is that of the codes.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import mlflow_lint.rules as package
from mlflow_lint.rules.base import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, by code. A module of a rule group without a `RULE` is a defect and raises."""
    rules: list[Rule] = []
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.ispkg or module.name.count(".") < 3:
            continue
        rule = importlib.import_module(module.name).RULE
        if not isinstance(rule, Rule):
            raise TypeError(f"{module.name}.RULE is not a Rule")
        rules.append(rule)
    return tuple(sorted(rules, key=lambda rule: rule.code))


@cache
def by_code() -> dict[str, Rule]:
    """Every rule by its code."""
    return {rule.code: rule for rule in all_rules()}


def statuses() -> dict[str, str]:
    """Status of every rule by code, as the configuration asks for it."""
    return {rule.code: rule.status.value for rule in all_rules()}
