"""What the rules about moved and removed API say happens with the MLflow that is installed."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from pathlib import Path

import mlflow
import pytest
from example_cases import fix, only, parse, write
from linting import check, lines
from tracking_store import Recorded, StoreRunner

from mlflow_lint.facts.releases import FILE_STORE_RAISES, MODEL_NAME, NAMED_FLAVORS, NEWEST, release
from mlflow_lint.facts.removed_arguments import REMOVED_ARGUMENTS, RemovedArgument
from mlflow_lint.rules.registry import by_code

INSTALLED = release(tuple(int(part) for part in mlflow.__version__.split(".")[:3]))


def parameters(called: str) -> tuple[list[str], bool]:
    """Names of the parameters of something of MLflow, and whether it takes any others; frameworks are not imported."""
    owner, _, name = called.rpartition(".")
    if owner == "MlflowClient":
        signature = inspect.signature(getattr(mlflow.MlflowClient, name)).parameters.values()
        return [p.name for p in signature], any(p.kind is p.VAR_KEYWORD for p in signature)
    top = Path(str(importlib.util.find_spec("mlflow").origin)).parent  # type: ignore[union-attr]
    folder = top / Path(*owner.split(".")[1:])
    for file in (folder / "__init__.py", *sorted(folder.glob("*.py")), *sorted(top.glob("*/fluent.py"))):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                arguments = (*node.args.args, *node.args.kwonlyargs)
                return [argument.arg for argument in arguments], node.args.kwarg is not None
    found = inspect.signature(getattr(importlib.import_module(owner), name)).parameters.values()
    return [p.name for p in found], any(p.kind is p.VAR_KEYWORD for p in found)


def existing(flavor: str) -> bool:
    """Whether the installed MLflow has a flavor: some come and go."""
    return importlib.util.find_spec(f"mlflow.{flavor}") is not None


# -------------------------------------------------------------------------------------------------- the tables
def test_the_newest_version_is_the_one_that_the_tests_run_with() -> None:
    assert INSTALLED[:2] == NEWEST[:2]


@pytest.mark.parametrize("removed", REMOVED_ARGUMENTS, ids=lambda removed: f"{removed.called}-{removed.name}")
def test_what_is_removed_is_gone(removed: RemovedArgument) -> None:
    called = {"mlflow.evaluate": "mlflow.models.evaluate"}.get(removed.called, removed.called)
    names, more = parameters(called)
    assert names
    assert removed.name not in names
    assert not more or removed.restored is not None


def test_rows_are_told_apart_by_call_and_name() -> None:
    assert len({(removed.called, removed.name) for removed in REMOVED_ARGUMENTS}) == len(REMOVED_ARGUMENTS)


@pytest.mark.parametrize("flavor", NAMED_FLAVORS)
def test_flavors_take_a_name(flavor: str) -> None:
    if existing(flavor):
        names, _ = parameters(f"mlflow.{flavor}.log_model")
        assert {"name", "artifact_path"} <= set(names)


def test_spark_takes_none() -> None:
    assert "spark" not in NAMED_FLAVORS
    assert "name" not in parameters("mlflow.spark.log_model")[0]


# ---------------------------------------------------------------------------------------------- a real MLflow
def logged(recorded: Recorded) -> list[tuple[str | None, int | None, list[str]]]:
    """The models that a program left: name, run and files, whose content holds the time."""
    assert recorded.exception is None, recorded.stderr
    return [(model.name, model.run, sorted(model.artifacts)) for model in recorded.models]


def test_the_path_warns_and_the_name_does_not(store_runner: StoreRunner, tmp_path: Path) -> None:
    example = by_code()["MLF701"].examples[0]
    code, _ = parse(example.code)
    path = write(tmp_path, code, example.files)
    after = fix(path, only(tmp_path, "MLF701"), unsafe=False).after
    ran = [store_runner.run(f"{example.setup}\n{text}", cwd=tmp_path) for text in (code, after)]
    assert len(logged(ran[0])) == 2
    assert logged(ran[0]) == logged(ran[1])
    assert ran[0].writes == ran[1].writes
    assert ["`artifact_path` is deprecated" in each.stderr for each in ran] == [True, False]


def test_a_removed_argument_raises(store_runner: StoreRunner, tmp_path: Path) -> None:
    found, *_, passed = by_code()["MLF702"].examples
    setup = "model = data = spread = None\n"
    call = "\nmain()\n"
    refused = store_runner.run(f"{setup}{parse(found.code)[0]}{call}", cwd=tmp_path)
    assert refused.exception is not None
    assert "TypeError" in refused.exception
    assert "custom_metrics" in refused.exception
    accepted = store_runner.run(f"{setup}{parse(passed.code)[0].partition('mlflow.tensorflow')[0]}{call}", cwd=tmp_path)
    assert "TypeError" not in str(accepted.exception)


def test_stages_warn_and_aliases_do_not(store_runner: StoreRunner, tmp_path: Path) -> None:
    setup = """\
        import mlflow
        client = mlflow.MlflowClient()
        client.create_registered_model("churn")
        client.create_model_version("churn", "file:///nowhere")
        """
    setup = inspect.cleandoc(setup)
    calls = (
        'transition_model_version_stage("churn", 1, "Production")',
        'get_latest_versions("churn", ["Production"])',
        'set_registered_model_alias("churn", "champion", 1)\nclient.get_model_version_by_alias("churn", "champion")',
    )
    ran = [store_runner.run(f"{setup}\nclient.{call}", cwd=tmp_path) for call in calls]
    assert [each.exception for each in ran] == [None] * 3
    assert ["deprecated since 2.9.0" in each.stderr for each in ran] == [True, True, False]


# ------------------------------------------------------------------------------------------- with the version
CODE = """\
    import mlflow

    mlflow.set_tracking_uri("file:./mlruns")
    mlflow.sklearn.log_model(model, artifact_path="model")
    mlflow.tensorflow.autolog(every_n_iter=1)
    mlflow.MlflowClient().transition_model_version_stage("churn", 1, "Production")
    """


@pytest.mark.parametrize(
    ("requirement", "found"),
    [
        ("mlflow==2.3.0", {"MLF501"}),
        ("mlflow==2.9.0", {"MLF501", "MLF703"}),
        ("mlflow>=2.22,<4", {"MLF501", "MLF703"}),
        ("mlflow>=3", {"MLF501", "MLF701", "MLF702", "MLF703"}),
        ("mlflow", {"MLF501", "MLF701", "MLF702", "MLF703"}),
    ],
)
def test_findings_depend_on_what_the_project_requires(requirement: str, found: set[str], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(requirement)
    checked = check(CODE, tmp_path, "MLF501", "MLF7")
    assert {finding.code for finding in checked.findings} == found
    assert lines(checked, "MLF501") == [3]


@pytest.mark.parametrize(("version", "raises"), [("3.12", False), ("3.13", True)])
def test_the_message_on_folders_is_true_for_the_target(version: str, raises: bool, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"mlflow=={version}")
    (finding,) = check(CODE, tmp_path, "MLF501").findings
    assert ("MLflow raises for it" in finding.message) is raises
    assert "3.13" in finding.message
    assert FILE_STORE_RAISES == (3, 13, 0)


@pytest.mark.parametrize(("version", "offered"), [("2.14.3", False), ("2.15", True)])
def test_a_merge_writes_no_argument_that_the_target_has_not(version: str, offered: bool, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"mlflow=={version}")
    code = """\
        import mlflow

        mlflow.log_metric("a", 1.0, timestamp=now)
        mlflow.log_metric("b", 2.0, timestamp=now)
        """
    (finding,) = check(code, tmp_path, "MLF201").findings
    assert (finding.fix is not None) is offered


def test_the_fix_is_safe_only_where_the_version_is_known(tmp_path: Path) -> None:
    assert MODEL_NAME == (3, 0, 0)
    kinds = {}
    for requirement in ("mlflow", "mlflow>=3"):
        (tmp_path / "requirements.txt").write_text(requirement)
        (finding,) = check(CODE, tmp_path, "MLF701").findings
        assert finding.fix is not None
        kinds[requirement] = finding.fix.applicability.value
    assert kinds == {"mlflow": "unsafe", "mlflow>=3": "safe"}


@pytest.mark.parametrize(("version", "found"), [("3.4", []), ("3.5", [4])])
def test_the_run_is_fetched_by_its_id_from_some_version_on(version: str, found: list[int], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"mlflow=={version}")
    code = """\
        import mlflow

        with mlflow.start_run() as run:
            mlflow.log_metric("score", 2.0, run_id=run.info.run_id)
        """
    assert lines(check(code, tmp_path, "MLF209"), "MLF209") == found


@pytest.mark.parametrize(("version", "advice"), [("2.15", "any of _-. with"), ("2.16", "write 'recall:_at_5'")])
def test_no_key_is_suggested_that_the_target_refuses(version: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"mlflow=={version}")
    (finding,) = check('import mlflow\n\nmlflow.log_metric("recall:@5", 1.0)\n', tmp_path, "MLF403").findings
    assert advice in finding.message
