"""
## What it does
Finds metric, param and tag keys that MLflow refuses, as far as the key stands in the code: literals, f-strings, `+`,
`%` and `.format` with the parts that are in sight, keys of dicts, `Metric(…)` in a batch.

A key may hold letters, digits and other word characters, `_`, `-`, `.`, `:`, `/` and spaces; taken as a path it must be
its own shortest form (no `a//b`, `./a`, `a/`, `/a`, `..`); and it has at most 250 characters. A store on Windows
refuses colons too, which is not reported.

## Why it costs
The check is made in the store, so the request is sent and comes back as an exception. It ends the training or, where
it is caught, loses the value. Of `log_metrics`, `log_params` and `set_tags` it takes all other entries with it.

## Fix safety
No fix is offered here: a new name starts a new series, and only you know what reads the old one.

## Options
`target-mlflow-version`: before 2.16 no key with a colon is suggested (read from the dependencies by default).

## References
- MLflow: `mlflow/utils/validation.py` (`_validate_metric_name`, `_validate_param_name`, `_validate_tag_name`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.correctness.validity import accepted, refusal
from mlflow_lint.analysis.names.constants import Hole, Parts, constant_text, parts_of
from mlflow_lint.analysis.writes.written import entries, expects_failure
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.releases import COLON_IN_KEYS
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule

_NAMED = {Kind.METRIC: "metric", Kind.PARAM: "param", Kind.TAG: "tag"}
_LONGEST_SHOWN = 48


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Refused keys: the first of each call."""
    effects = context.effects
    for body in context.touching_bodies:
        for site in effects.touching(body):
            api = site.api
            if api is None or expects_failure(site):
                continue
            for entry in entries(effects, site):
                parts = parts_of(entry.key, entry.place, effects)
                reason = refusal(parts)
                if reason is None:
                    continue
                message = (
                    f"{api.label} raises, since MLflow refuses the {_NAMED[entry.kind]} key {_written(parts)}, which "
                    f"{reason}; {_advice(parts, context.target.has(COLON_IN_KEYS))}"
                )
                chain = (context.step(site.call.span[0], f"key {_written(parts)}"),)
                yield rule.finding(context, site.call, site.statement, message, Severity.WARNING, chain)
                break


def _written(parts: Parts) -> str:
    """A key as a reader would write it."""
    key = constant_text(parts)
    if key is not None:
        return repr(key if len(key) <= _LONGEST_SHOWN else f"{key[: _LONGEST_SHOWN - 1]}…")
    pieces = [f"{{{shown(p.value, 16)}}}" if isinstance(p, Hole) else repr(p)[1:-1] for p in parts]
    text = "".join(pieces)
    return f'f"{text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"}"'


def _advice(parts: Parts, colons: bool) -> str:
    key = constant_text(parts)
    better = accepted(key) if key is not None else ""
    if better and len(better) <= _LONGEST_SHOWN and (colons or ":" not in better):
        return f"write {better!r}"
    return f"use letters, digits, blanks and any of {'_-.:' if colons else '_-.'} with / only between them"


EXAMPLES = (
    Example(
        "characters that a key may not have",
        """\
import mlflow

mlflow.log_metric("recall@10", 0.7)  # MLF403
mlflow.log_metric("accuracy (%)", 91.0)  # MLF403
mlflow.log_params({"lr": 0.1, "betas[0]": 0.9})  # MLF403
mlflow.set_tag("team=vision", "yes")  # MLF403
""",
    ),
    Example(
        "a path that is not its own shortest form, and a key that is too long or empty",
        """\
import mlflow

mlflow.log_metric("val//loss", 0.7)  # MLF403
mlflow.log_metric("/loss", 0.7)  # MLF403
mlflow.log_param("model/", "resnet")  # MLF403
mlflow.set_tag("", "yes")  # MLF403
mlflow.log_param(  # MLF403
    "the sum of all squared differences between what the model said and what the instruments measured, over every "
    "station, season and depth of the year, weighted by the inverse of the number of missing values and by the area "
    "that each of the stations stands for",
    3,
)
""",
    ),
    Example(
        "parts of a key that is put together",
        """\
import mlflow

PREFIX = "ndcg@"

for k in (1, 5, 10):
    mlflow.log_metric(f"recall@{k}", recall(k))  # MLF403
    mlflow.log_metric(PREFIX + str(k), ndcg(k))  # MLF403
    mlflow.log_metric("precision(%d)" % k, precision(k))  # MLF403
    mlflow.log_metric("hits/{}/".format(k), hits(k))  # MLF403
""",
    ),
    Example(
        "a dict that is logged later",
        """\
import mlflow


def report(results):
    metrics = {"mAP": results["map"], "AP@50": results["ap50"]}
    metrics["AP (small)"] = results["aps"]
    print(metrics)
    mlflow.log_metrics(metrics)  # MLF403
""",
    ),
    Example(
        "keys that MLflow takes",
        """\
import mlflow

mlflow.log_metric("val/top 5.accuracy", 0.7)
mlflow.log_metric("f1:macro", 0.7)
mlflow.log_metric("pr\\u00e9cision_\\u03bb", 0.7)
mlflow.log_params({"optimizer.lr": 0.1, "model-name": "resnet"})
mlflow.set_tag("mlflow.note.content", "a @ b (c)")
""",
    ),
    Example(
        "keys that are made valid on the way, and keys that are not in sight",
        """\
import mlflow

for name, value in metrics.items():
    mlflow.log_metric(name.replace("@", "_at_"), value)
    mlflow.log_metric(f"test_{name}", value)
    mlflow.log_metric(f"{prefix}/{name}", value)
mlflow.log_params({key.strip("@"): value for key, value in params.items()})
""",
    ),
    Example(
        "another library's keys, and a test that expects the exception",
        """\
import mlflow
import pytest
import wandb

wandb.log({"recall@10": 0.7})
mlflow.set_experiment("recall@10")
with pytest.raises(mlflow.exceptions.MlflowException):
    mlflow.log_metric("recall@10", 0.7)
""",
    ),
)

RULE = Rule(
    "MLF403",
    "invalid-key",
    "a metric, param or tag key that MLflow refuses",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.METRIC, Kind.PARAM, Kind.TAG, Kind.BATCH}),
)
