"""The pre-commit hooks: pre-commit itself builds them from the checkout and runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from doors import ROOT
from test_cli import HOT, ROW, ROW_FIXED

_SHIPPED = ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "mlflow_lint")
_TIMEOUT = 900


PAGE = ROOT / "docs" / "pre-commit.md"


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True)


def repository(directory: Path) -> Path:
    git(directory, "init", "--quiet")
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "test")
    return directory


def ship(folder: Path) -> Path:
    """Copy what a checkout needs to be installed from into a new folder."""
    folder.mkdir()
    for name in _SHIPPED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def test_the_hooks(tmp_path: Path) -> None:
    """One test for both hooks: building their environment takes a minute."""
    tool, user = repository(ship(tmp_path / "tool")), tmp_path / "user"

    (user / "build").mkdir(parents=True)
    for name, content in {
        "hot.py": HOT,
        "row.py": ROW,
        "clean.py": "x = 1\n",
        "not_python.txt": HOT,
        "build/excluded.py": HOT,
    }.items():
        (user / name).write_text(content)
    repository(user)

    def try_hook(hook: str) -> subprocess.CompletedProcess[str]:
        env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "try-repo", str(tool), hook, "--all-files", "--color=never"],
            cwd=user,
            env={**env, "PRE_COMMIT_HOME": str(tmp_path / "home"), "PYTHONUTF8": "1", "PYTHONPATH": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=_TIMEOUT,
            check=False,
        )

    ran = try_hook("mlflow-lint")
    assert ran.returncode == 1, ran.stdout
    assert "hot.py:6:9: MLF101" in ran.stdout
    assert "row.py:3:1: MLF201" in ran.stdout
    assert "excluded.py" not in ran.stdout
    assert "not_python" not in ran.stdout
    assert "exit code: 1" in ran.stdout
    assert (user / "row.py").read_text() == ROW

    ran = try_hook("mlflow-lint-fix")
    assert ran.returncode == 1, ran.stdout
    assert "files were modified by this hook" in ran.stdout
    assert "Fixed 1 finding in 1 file: MLF201 ×1." in ran.stdout
    assert (user / "row.py").read_text() == ROW_FIXED
    assert (user / "hot.py").read_text() == HOT

    (user / "hot.py").unlink()
    git(user, "add", "--all")
    assert try_hook("mlflow-lint").returncode == 0


def test_the_configuration_of_the_page_is_valid(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    file = tmp_path / ".pre-commit-config.yaml"
    file.write_text(text, encoding="utf-8")
    hooks = [line.split()[-1] for line in text.splitlines() if "- id:" in line]
    manifest = ROOT / ".pre-commit-hooks.yaml"
    assert set(hooks) == {line.split()[-1] for line in manifest.read_text().splitlines() if line.startswith("- id:")}
    for command in (["validate-config", str(file)], ["validate-manifest", str(manifest)]):
        done = subprocess.run([sys.executable, "-m", "pre_commit", *command], capture_output=True, check=False)
        assert done.returncode == 0, done.stdout
