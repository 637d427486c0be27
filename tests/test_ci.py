"""The action, the workflow and the files of `docs/ci.md`: valid by the schemas of their systems, and run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml
from doors import FIXTURES, ROOT
from recipes import ACTION, ADDRESS, Job, evaluated, plain_environment, scripts, titled_blocks
from test_cli import HOT, ROW
from test_pre_commit import git, repository, ship

PAGE = ROOT / "docs" / "ci.md"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
BLOCKS = titled_blocks(PAGE)
SCHEMAS = {
    "action.yml": "github-actions",
    ".github/workflows": "github-workflows",
    ".gitlab-ci.yml": "gitlab-ci",
    "azure-pipelines.yml": "azure-pipelines",
}


def check_schema(file: Path, schema: str) -> None:
    # Some of the schemas have patterns that only the older kind of regular expressions allows.
    options = ("--regex-variant", "nonunicode", "--builtin-schema", f"vendor.{schema}")
    command = [sys.executable, "-m", "check_jsonschema", *options, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def schema_of(title: str) -> str | None:
    return next((schema for beginning, schema in SCHEMAS.items() if title.startswith(beginning)), None)


@pytest.mark.parametrize(("title", "text"), BLOCKS, ids=[f"{i}-{title}" for i, (title, _) in enumerate(BLOCKS)])
def test_the_files_of_the_page_are_valid(title: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / Path(title).name
    file.write_text(text, encoding="utf-8")
    schema = schema_of(title)
    if schema is not None:
        check_schema(file, schema)
    assert (schema is not None) == title.endswith(".yml")


def test_the_action_and_the_workflow_are_valid() -> None:
    check_schema(ROOT / "action.yml", "github-actions")
    check_schema(WORKFLOW, "github-workflows")


def test_a_schema_finds_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "action.yml"
    file.write_text((ROOT / "action.yml").read_text(encoding="utf-8").replace("shell: bash", "shel: bash"))
    with pytest.raises(AssertionError, match="shel"):
        check_schema(file, "github-actions")


def test_no_expression_stands_in_a_script() -> None:
    """GitHub pastes its value into the text, whatever it holds."""
    texts = [ACTION, yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))]
    texts += [yaml.safe_load(text) for title, text in BLOCKS if title.startswith(".github")]
    found = [script for text in texts for script in scripts(text)]
    assert len(found) >= 5
    assert [script for script in found if "${{" in script] == []


def test_the_page_names_every_input() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, each in ACTION["inputs"].items():
        default = f"`{each['default']}`" if each["default"] else ""
        assert f"| `{name}` | {default} |".replace("  ", " ") in text


def test_the_cell_for_databricks_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = (text for title, text in BLOCKS if title == "A cell of a notebook")
    (tmp_path / "train.py").write_text(HOT)
    named = code.replace("/Workspace/Users/ada@example.com/churn", str(tmp_path))
    assert named != code
    exec(compile(named, "cell", "exec"), {})
    assert capsys.readouterr().out.startswith("train.py:6 MLF101 log_metric runs once per batch")


@pytest.mark.parametrize("is_told", [False, True])
def test_ruff_deletes_our_comments_unless_it_is_told(is_told: bool, tmp_path: Path) -> None:
    setting = (ROOT / "docs" / "flake8.md").read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    assert "external" in setting
    (tmp_path / "pyproject.toml").write_text(setting if is_told else "")
    file = tmp_path / "train.py"
    code = "import mlflow\n\nmlflow.log_metric('loss', 1.0)  # noqa: MLF101\n"
    file.write_text(code)
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--preview", "--select", "RUF100,RUF102", "--fix"]
    subprocess.run([*command, "train.py"], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert file.read_text() == (code if is_told else code.replace("  # noqa: MLF101", ""))


@pytest.mark.skipif(os.name != "posix", reason="the jobs run on Linux")
def test_the_jobs(tmp_path: Path) -> None:
    """One test for all: each installs the linter from its repository, which takes a while."""
    tool = repository(ship(tmp_path / "tool"))
    git(tool, "tag", "v0.1.0")
    project = tmp_path / "my project"
    project.mkdir()
    (project / "row.py").write_text(ROW)
    (project / "notebook.ipynb").write_text((FIXTURES / "notebook.ipynb").read_text(encoding="utf-8"))
    repository(project)
    base = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True).stdout
    git(project, "branch", "origin/main")
    (project / "$(touch forged) hot.py").write_text(HOT)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "hot")

    temporary = tmp_path / "temporary"
    venv.create(temporary / "python", with_pip=True)
    variables = plain_environment(tmp_path, temporary / "python" / "bin")
    job = Job(project, temporary, variables)

    # GitHub: the action, with inputs that would like to be commands.
    (text,) = (text for title, text in BLOCKS if title.endswith("workflows/mlflow-lint.yml"))
    steps = yaml.safe_load(text)["jobs"]["mlflow-lint"]["steps"]
    (given,) = (step["with"] for step in steps if step["uses"] == ADDRESS.removeprefix("https://github.com/"))
    *_, written, checked = job.action(tool, given)
    assert written.returncode == 0, written.stdout
    results = json.loads((project / given["sarif-file"]).read_text(encoding="utf-8"))["runs"][0]["results"]
    assert {"MLF101", "MLF201"} <= {result["ruleId"] for result in results}
    assert checked.returncode == 1
    assert "::warning title=mlflow-lint (MLF101),file=$(touch forged) hot.py,line=6" in checked.stdout
    assert checked.stdout.count("::") >= 2 * len(results)

    *_, checked = job.action(tool, {"paths": "$(touch forged) hot.py\n", "args": "--ignore 'MLF1,MLF4'"}, again=True)
    assert (checked.returncode, checked.stdout) == (0, "")
    *_, checked = job.action(tool, {"paths": "row.py", "args": '"; touch forged #'}, again=True)
    assert checked.returncode == 1
    assert "No closing quotation" in checked.stdout
    assert not (project / "forged").exists()

    (text,) = (text for title, text in BLOCKS if title.endswith("mlflow-lint-changes.yml"))
    step = yaml.safe_load(text)["jobs"]["mlflow-lint"]["steps"][-1]
    args = evaluated(step["with"]["args"], {"github.base_ref": "main"})
    *_, checked = job.action(tool, {"args": args}, again=True)
    assert checked.returncode == 1
    assert "MLF101" in checked.stdout
    assert "MLF201" not in checked.stdout

    # GitLab and Azure: what they run, from the address of this repository instead of the one on the page.
    def script(title: str, number: int = 0) -> str:
        whole = "\n".join(scripts(yaml.safe_load([text for name, text in BLOCKS if name == title][number])))
        assert ADDRESS in whole
        return whole.replace(ADDRESS, f"file://{tool}@v0.1.0")

    ran = job.bash(script(".gitlab-ci.yml"))
    assert ran.returncode == 1, ran.stdout
    report = json.loads((project / "gl-code-quality-report.json").read_text(encoding="utf-8"))
    assert len({item["fingerprint"] for item in report}) == len(report) == len(results)

    ran = job.bash(script(".gitlab-ci.yml", 1), {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base.strip()})
    assert ran.returncode == 1
    assert "MLF101" in ran.stdout
    assert "MLF201" not in ran.stdout

    ran = job.bash(script("azure-pipelines.yml"))
    assert ran.returncode == 1
    assert f"##vso[task.logissue type=warning;sourcepath={project}/row.py;linenumber=3" in ran.stdout
