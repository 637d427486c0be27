"""
## What it does
Finds loops and comprehensions that write one metric each turn under a key of that turn, directly or through a helper
that writes one, where one `log_metrics` would send them all.

## Why it costs
Each call is a request of its own with 5 SQL statements and a commit. Ten keys are 10 requests, 50 statements and
10 commits; one `log_metrics` with ten keys is 1 request, 6 statements and 2 commits.

## Fix safety
Safe when the loop does nothing else, no two turns can write one key, evaluating keys and values changes nothing,
and nothing reads the loop's variables afterwards. A loop that does more keeps its shape and collects the entries:
unsafe, as is any loop whose keys could repeat. No fix where each call has its own `try`.

One difference is left: where no run is active and there is nothing to write, MLflow opens a run for the plural call
and none for a loop that never turns.

## Options
`tracking-backend`: with `azureml`, a message about a loop of more than 50 turns names the limit there.

## References
- MLflow: `mlflow/tracking/fluent.py`, `mlflow/tracking/client.py` (`log_batch`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Finding
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.merging import keyed_findings


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Loops that write one metric each turn."""
    return keyed_findings(rule, context, Kind.METRIC)


EXAMPLES = (
    Example(
        "each item of a dict",
        """\
import mlflow

for name, value in metrics.items():
    mlflow.log_metric(name, value, step=epoch)  # MLF204
""",
        """\
import mlflow

mlflow.log_metrics(metrics, step=epoch)
""",
        Applicability.SAFE,
        """\
metrics, epoch = {"loss": 0.5, "accuracy": 0.9}, 2
""",
    ),
    Example(
        "with a prefix and a filter",
        """\
import mlflow

for name, value in report.items():
    # numbers only
    if isinstance(value, float):
        mlflow.log_metric(f"val_{name}", round(value, 3))  # MLF204
""",
        """\
import mlflow

# numbers only
mlflow.log_metrics(
    {
        f"val_{name}": round(value, 3)
        for name, value in report.items()
        if isinstance(value, float)
    },
)
""",
        Applicability.SAFE,
        """\
report = {"loss": 0.51234, "label": "cat", "accuracy": 0.9}
""",
    ),
    Example(
        "names that may repeat",
        """\
import mlflow

for name, value in zip(names, values):
    mlflow.log_metric(name, value)  # MLF204
""",
        """\
import mlflow

mlflow.log_metrics({name: value for name, value in zip(names, values)})
""",
        Applicability.UNSAFE,
        """\
names, values = ["a", "b"], [1.0, 2.0]
""",
    ),
    Example(
        "several keys each turn",
        """\
import mlflow

for label in labels:
    mlflow.log_metric(f"precision_{label}", precision[label])  # MLF204
    mlflow.log_metric(f"recall_{label}", recall[label])
""",
        """\
import mlflow

metrics = {}
for label in labels:
    metrics[f"precision_{label}"] = precision[label]
    metrics[f"recall_{label}"] = recall[label]
mlflow.log_metrics(metrics)
""",
        Applicability.UNSAFE,
        """\
labels, precision, recall = ["a", "b"], {"a": 1.0, "b": 0.5}, {"a": 0.1, "b": 0.2}
""",
    ),
    Example(
        "a comprehension for its side effect",
        """\
import mlflow

[mlflow.log_metric(name, value) for name, value in metrics.items()]  # MLF204
""",
        """\
import mlflow

mlflow.log_metrics({name: value for name, value in metrics.items()})
""",
        Applicability.SAFE,
        """\
metrics = {"loss": 0.5, "accuracy": 0.9}
""",
    ),
    Example(
        "each call in a try of its own has no fix",
        """\
import mlflow

for name, value in metrics.items():
    try:
        mlflow.log_metric(name, value)  # MLF204
    except Exception:
        print("skipped", name)
""",
    ),
    Example(
        "a fallback after the batch failed, a run for each turn, a model for each turn",
        """\
import mlflow

try:
    mlflow.log_metrics(metrics)
except Exception:
    for name, value in metrics.items():
        mlflow.log_metric(name, value)
for name, value in metrics.items():
    with mlflow.start_run():
        mlflow.log_metric(name, value)
for fold, (train, test) in enumerate(kfold.split(X)):
    model.fit(X[train], y[train])
    mlflow.log_metric(f"fold_{fold}", model.score(X[test], y[test]))
""",
    ),
    Example(
        "a helper that works for long each turn, and a counter for each key",
        """\
import mlflow


def answer(question):
    passages = index.lookup(question)
    return model.generate(question, passages)


for number, question in enumerate(questions):
    mlflow.log_metric(f"q{number}_length", len(answer(question)))

for name, value in scores.items():
    step = counters[name]
    mlflow.log_metric(name, value, step=step)  # MLF204
""",
    ),
    Example(
        "a helper that walks all batches each turn",
        """\
import mlflow


def darken(images, folder):
    for batch in DataLoader(images):
        save(batch * 0.5, folder)


for split, images in splits.items():
    darken(images, split)
    mlflow.log_metric(f"{split}_images", len(images))
""",
    ),
    Example(
        "a history, point by point, is another rule's",
        """\
import mlflow

for step, value in enumerate(losses):
    mlflow.log_metric("loss", value, step=step)
""",
    ),
)

RULE = Rule(
    "MLF204",
    "log-metric-per-key",
    "a loop calls log_metric once per key where one log_metrics does",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.METRIC}),
)
