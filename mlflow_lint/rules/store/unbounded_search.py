"""
## What it does
Finds `mlflow.search_runs` without `max_results` where only the first row or rows are used (`.iloc[0]`, `[0]`,
`.head()`), or only whether there are any (`.empty`, `len(runs) == 0`).

## Why it costs
The default of `max_results` is 100,000. The server looks up every run that matches, with its metrics, params and tags,
and sends them in pages, one request for each; MLflow makes a frame with a column for each key that occurs. Of an
experiment with thousands of runs that takes minutes, for one row.

## Fix safety
Only offered where one row is enough: the rows come in the same order, so the first one is the same. Safe if what is
read of it is there for each run (`run_id`, `status`) or if the result is a list. Unsafe otherwise: a key that only
other runs have makes a column in the whole frame, and none in the frame of one row.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`search_runs`, `SEARCH_MAX_RESULTS_PANDAS`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.store.searches import unbounded_searches
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Edit, Finding, Fix, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Searches that ask for all runs and need a few."""
    for search in unbounded_searches(context.effects, context.touching_bodies):
        call, where = search.site.call, context.unit.where(search.use)
        limit = max(search.rows, 1)
        if search.rows == 0:
            used = "whether there are any counts"
        else:
            used = "the first row is used" if limit == 1 else f"the first {limit} rows are used"
        message = (
            f"search_runs fetches up to 100,000 runs with all that they hold, 1 request a page (only {used}, {where}); "
            f"pass max_results={limit}"
        )
        fix = _fix(call, Applicability.SAFE if search.any_columns else Applicability.UNSAFE) if limit == 1 else None
        chain = (context.step(search.use, f"only {used}"),)
        yield rule.finding(context, call, search.site.statement, message, Severity.WARNING, chain, fix)


def _fix(call: facts.Call, applicability: Applicability) -> Fix:
    """The same call for one row."""
    end = call.arguments[-1].span[1] if call.arguments else call.span[1] - 1
    text = ", max_results=1" if call.arguments else "max_results=1"
    return Fix("Ask for one row: max_results=1", (Edit(end, end, text),), applicability)


EXAMPLES = (
    Example(
        "the best run",
        """\
import mlflow

best = mlflow.search_runs(order_by=["metrics.loss ASC"]).iloc[0].run_id  # MLF505
print(best)
""",
        """\
import mlflow

best = mlflow.search_runs(order_by=["metrics.loss ASC"], max_results=1).iloc[0].run_id
print(best)
""",
        Applicability.SAFE,
        """\
import mlflow
with mlflow.start_run():
    mlflow.log_metric("loss", 0.5)
""",
    ),
    Example(
        "the first row, if there is one",
        """\
import mlflow

runs = mlflow.search_runs(  # MLF505
    experiment_names=["forecast"],
    order_by=["start_time DESC"],
)
if runs.empty:
    print("no runs")
else:
    print(runs.iloc[0].run_id, runs.loc[0, "status"])
""",
        """\
import mlflow

runs = mlflow.search_runs(
    experiment_names=["forecast"],
    order_by=["start_time DESC"], max_results=1,
)
if runs.empty:
    print("no runs")
else:
    print(runs.iloc[0].run_id, runs.loc[0, "status"])
""",
        Applicability.SAFE,
        """\
import mlflow
mlflow.set_experiment("forecast")
mlflow.log_metric("loss", 0.5)
mlflow.end_run()
""",
    ),
    Example(
        "a metric of the best run",
        """\
import mlflow

runs = mlflow.search_runs(order_by=["metrics.loss ASC"])  # MLF505
print(runs.loc[0, "metrics.loss"])
""",
        """\
import mlflow

runs = mlflow.search_runs(order_by=["metrics.loss ASC"], max_results=1)
print(runs.loc[0, "metrics.loss"])
""",
        Applicability.UNSAFE,
        """\
import mlflow
with mlflow.start_run():
    mlflow.log_metric("loss", 0.5)
""",
    ),
    Example(
        "the first rows for a look",
        """\
import mlflow

runs = mlflow.search_runs(experiment_names=["forecast"])  # MLF505
print(runs.head())
""",
    ),
    Example(
        "whether there are any, and the first of a list",
        """\
import mlflow


def find(name):
    runs = mlflow.search_runs(filter_string=f"tags.name = '{name}'", output_format="list")  # MLF505
    if len(runs) == 0:
        return None
    return runs[0].info.run_id
""",
        """\
import mlflow


def find(name):
    runs = mlflow.search_runs(filter_string=f"tags.name = '{name}'", output_format="list", max_results=1)
    if len(runs) == 0:
        return None
    return runs[0].info.run_id
""",
        Applicability.SAFE,
        """\
import mlflow
mlflow.log_metric("loss", 0.5)
mlflow.end_run()
""",
    ),
    Example(
        "all rows are used",
        """\
import mlflow

runs = mlflow.search_runs(experiment_names=["forecast"])
print(runs.iloc[0], len(runs))
frame = mlflow.search_runs(experiment_names=["forecast"])
frame.to_csv("runs.csv")
for run in mlflow.search_runs(output_format="list"):
    print(run.info.run_id)
""",
    ),
    Example(
        "a limit is given, or may be",
        """\
import mlflow

last = mlflow.search_runs(max_results=1).iloc[0]
first = mlflow.search_runs(["0"], "", 1, 1).iloc[0]


def find(**options):
    return mlflow.search_runs(**options).iloc[0]
""",
    ),
    Example(
        "the best of all rows",
        """\
import mlflow

runs = mlflow.search_runs(experiment_names=["forecast"])
best = runs.sort_values("metrics.loss").iloc[0]
""",
    ),
)

RULE = Rule(
    "MLF505",
    "unbounded-search",
    "a search for runs fetches all of them where a few are used",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.READ}),
)
