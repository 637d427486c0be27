"""What tests share: no cache but where a test wants one, and programs run against a real MLflow store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tracking_store import StoreRunner, shared_template


@pytest.fixture(autouse=True)
def _without_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test finds in its folder, it has put there."""
    monkeypatch.setenv("MLFLOW_LINT_NO_CACHE", "1")


@pytest.fixture(scope="session")
def store_template(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """An empty MLflow store to copy, created once for all pytest-xdist workers of the session."""
    base = tmp_path_factory.getbasetemp()
    return shared_template(base.parent if hasattr(request.config, "workerinput") else base)


@pytest.fixture(scope="session")
def store_runner(store_template: Path) -> Iterator[StoreRunner]:
    """Runs programs against new stores; one for each pytest-xdist worker."""
    with StoreRunner(store_template) as runner:
        yield runner
