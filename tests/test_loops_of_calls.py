"""Calls that repeat in a loop for nothing: replayed histories, queries, models, runs."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from linting import check, lines

HEAD = "import mlflow\nimport random\nimport time\nfrom mlflow import MlflowClient\nclient = MlflowClient()\n"


def found(body: str, code: str, folder: Path) -> bool:
    """Whether a rule finds something in a program with this body."""
    return bool(lines(check(HEAD + textwrap.dedent(body), folder, code), code))


REPLAYS = {
    "enumerate": "for i, v in enumerate(losses): mlflow.log_metric('a', v, step=i)",
    "tqdm of zip": "for i, v in tqdm(zip(steps, self.losses)): mlflow.log_metric('a', v, step=i)",
    "index": "for epoch in range(n): mlflow.log_metric('a', values[epoch], epoch)",
    "index with a batch count": "for i in range(num_batches): mlflow.log_metric('a', values[i], step=i)",
    "no step": "for v in losses: mlflow.log_metric('a', v)",
    "counter": "i = 0\nfor v in data:\n    mlflow.log_metric('a', v, step=i)\n    i += 1",
    "frame": "for _, row in frame.iterrows(): mlflow.log_metrics(row.to_dict(), step=row['epoch'])",
    "records": "for entry in trainer.state.log_history: mlflow.log_metric('a', entry['loss'], step=entry['step'])",
    "spread": "for point in points: client.log_metric(run_id, 'a', **point)",
    "comprehension": "[mlflow.log_metric('a', v, step=i) for i, v in enumerate(losses)]",
    "random": "for i in range(100):\n    v = random.random()\n    mlflow.log_metric('a', v, step=i)",
    "guard on the value": "for i, v in enumerate(vs):\n    if v != 0:\n        mlflow.log_metric('a', v, step=i)",
    "own list": "def f(): return [1.0]\nfor i, v in enumerate(f()): mlflow.log_metric('a', v, step=i)",
    "nest": "for i in range(n):\n    for k in keys:\n        mlflow.log_metric(k, h[k][i], step=i)",
    "series of a history": "for k, values in h.history.items():\n  for v in values:\n    mlflow.log_metric(k, v)",
    "series of a nested history": "for part, metrics in evals_result.items():\n  for k, values in metrics.items():\n"
    "    for v in values: mlflow.log_metric(part + k, v)",
    "step of a row": "for r in rows:\n    step = r['epoch']\n    mlflow.log_metric('a', r['loss'], step=step)",
    "step of a row, or none": "for r in rows:\n  at = r.get('epoch', 0)\n  mlflow.log_metric('a', r['loss'], step=at)",
    "columns that Prophet gives": "for day, y in zip(df['ds'], df['yhat']): mlflow.log_metric('a', y)",
    "while a run is open": "for i, v in enumerate(vs):\n  if mlflow.active_run(): mlflow.log_metric('a', v, step=i)",
    "keys of each step in a helper": "def log(metrics, step):\n  for k, v in metrics.items():\n"
    "    mlflow.log_metric(k, v, step=step)\nfor i, v in enumerate(losses): log({'a': v}, i)",
}

NO_REPLAYS = {
    "training": "for i in range(n):\n    v = train(i)\n    mlflow.log_metric('a', v, step=i)",
    "model": "for i, x in enumerate(rows): mlflow.log_metric('a', model(x), step=i)",
    "agent": "for i in range(n):\n    v = agent.update(batch)\n    mlflow.log_metric('a', v, step=i)",
    "queue": "for i in range(n):\n    v = results.get()\n    mlflow.log_metric('a', v, step=i)",
    "sleep": "for i, v in enumerate(losses):\n    mlflow.log_metric('a', v, step=i)\n    time.sleep(1)",
    "generator": "def g():\n    yield f()\nfor i, v in enumerate(g()): mlflow.log_metric('a', v, step=i)",
    "generator in a name": "def g():\n    yield f()\nvs = g()\nfor v in vs: mlflow.log_metric('a', v)",
    "generator expression": "for i, v in enumerate(f(x) for x in xs): mlflow.log_metric('a', v, step=i)",
    "pool": "for i, v in enumerate(pool.imap(f, xs)): mlflow.log_metric('a', v, step=i)",
    "object of a class": "run = Trainer(model)\nfor i, v in enumerate(run): mlflow.log_metric('a', v, step=i)",
    "loader": "for i, x in enumerate(loader): mlflow.log_metric('a', x, step=i)",
    "batches of a data set": "for i, batch in enumerate(data): mlflow.log_metric('a', batch['n'], step=i)",
    "annotated": "def f(vs: Iterator[float]):\n    for i, v in enumerate(vs): mlflow.log_metric('a', v, step=i)",
    "stub": "def f(i): raise NotImplementedError\nfor i in range(n): mlflow.log_metric('a', f(i), step=i)",
    "other runs": "for run in runs: client.log_metric(run.info.run_id, 'a', run.x)",
    "own runs": "for v in losses:\n    with mlflow.start_run(): mlflow.log_metric('a', v)",
    "last only": "for i, v in enumerate(losses):\n    if i == n - 1: mlflow.log_metric('a', v, step=i)",
    "keys": "for k, v in metrics.items(): mlflow.log_metric(k, v)",
    "another model's value": "for name in models: mlflow.log_metric('a', scores[name])",
    "value of no turn": "for epoch in range(n): mlflow.log_metric('a', loss, step=epoch)",
    "members of one result": "for k, values in metrics.items():\n  for v in values:\n    mlflow.log_metric(k, v)",
    "a counter for each key": "for k, v in ms.items():\n    step = counts[k]\n    mlflow.log_metric(k, v, step=step)",
    "a helper that walks a series": "def log(key, values, n_steps):\n  for i in steps(n_steps):\n"
    "    mlflow.log_metric(key, values[i], step=i)\nfor k, values in history.items(): log(k, values, len(values))",
    "asynchronous": "async def f():\n    async for v in values: mlflow.log_metric('a', v)",
}


@pytest.mark.parametrize("name", REPLAYS)
def test_replay(name: str, tmp_path: Path) -> None:
    assert found(REPLAYS[name], "MLF207", tmp_path)


@pytest.mark.parametrize("name", NO_REPLAYS)
def test_no_replay(name: str, tmp_path: Path) -> None:
    assert not found(NO_REPLAYS[name], "MLF207", tmp_path)


PER_KEY = {
    "scores of folds": "for f in folds:\n    mlflow.log_metric(f'auc_{f[0]}', f[1])\n    aucs.append(f[1])",
    "results by seed": "for seed in seeds: mlflow.log_metric(f'score_{seed}', scores[seed])",
}
NOT_PER_KEY = {
    "training folds": "for i, (a, b) in enumerate(kf.split(x)): mlflow.log_metric(f'fold_{i}', fit(a, b))",
    "unknown work by seed": "for seed in seeds: mlflow.log_metric(f'score_{seed}', score(seed))",
    "runs by seed": "for seed in seeds:\n    with mlflow.start_run(): mlflow.log_metric(f's_{seed}', scores[seed])",
}


@pytest.mark.parametrize("name", PER_KEY)
def test_trials_that_are_over_are_keys(name: str, tmp_path: Path) -> None:
    assert found(PER_KEY[name], "MLF204", tmp_path)


@pytest.mark.parametrize("name", NOT_PER_KEY)
def test_trials_are_no_keys(name: str, tmp_path: Path) -> None:
    assert not found(NOT_PER_KEY[name], "MLF204", tmp_path)


@pytest.mark.parametrize("code", ["MLF101", "MLF201", "MLF204"])
def test_a_replay_is_that_alone(code: str, tmp_path: Path) -> None:
    body = """
    for epoch in range(n):
        for batch_idx in range(num_batches):
            mlflow.log_metric("a", a[epoch][batch_idx], step=batch_idx)
            mlflow.log_metric("b", b[epoch][batch_idx], step=batch_idx)
    for step in range(n):
        for name in names:
            mlflow.log_metric(name, history[name][step], step=step)
    """
    assert found(body, "MLF207", tmp_path)
    assert not found(body, code, tmp_path)


def test_one_finding_for_a_nest(tmp_path: Path) -> None:
    body = """
    for name, values in history.items():
        for step, value in enumerate(values):
            mlflow.log_metric(name, value, step=step)
        for step, value in enumerate(smooth[name]):
            mlflow.log_metric("smooth_" + name, value, step=step)
    """
    assert len(lines(check(HEAD + textwrap.dedent(body), tmp_path, "MLF207"), "MLF207")) == 1


SEARCHED = "runs = mlflow.search_runs(['1'])\n"
READS = {
    "column": "for i in runs['run_id']: mlflow.get_run(i)",
    "list of a column": "ids = runs.run_id.tolist()\nfor i in ids: client.get_run(i)",
    "rows": "for _, row in runs.iterrows(): client.get_run(row.run_id)",
    "positions": "for n in range(len(runs)): client.get_run(runs.iloc[n]['run_id'])",
    "through a function": "def top(): return client.search_runs(['1'])\nfor r in top(): client.get_run(r.info.run_id)",
    "the same each turn": "for name in names: print(client.get_run(run_id).data.params[name])",
    "what a run was made with": "for x in xs:\n    mlflow.log_artifact(client.get_run(r).info.artifact_uri)",
    "twice in a turn": "def f(i):\n  for x in i:\n    a = mlflow.get_run(x).data.tags\n    b = mlflow.get_run(x).info",
    "by experiment": "for e in experiments: mlflow.search_runs([e.experiment_id], max_results=1)",
    "by experiment, no list": "for e in client.search_experiments(): client.search_runs(e.experiment_id)",
}
NO_READS = {
    "parents": "for r in runs: client.get_run(r.data.tags['mlflow.parentRunId'])",
    "inputs": "for _, r in runs.iterrows(): print(mlflow.get_run(r.run_id).inputs.dataset_inputs)",
    "given ids": "def f(ids):\n    for i in ids: mlflow.get_run(i)",
    "own lists": "for ids in chunks: mlflow.search_runs(ids)",
    "own filter": "for e in es: mlflow.search_runs([e.experiment_id], filter_string=e.name)",
    "deleting": "for e in es:\n    for r in client.search_runs([e.experiment_id]): client.delete_run(r.info.run_id)\n"
    "    client.delete_experiment(e.experiment_id)",
    "after a write": "for x in xs:\n    mlflow.log_metric('a', x)\n    print(client.get_run(run_id).data.metrics)",
    "after training": "for x in xs:\n    model.fit(x)\n    client.list_artifacts(run_id)",
    "looking again": "while pending:\n    for r in runs: client.get_run(r.info.run_id).info.status\n    time.sleep(9)",
    "looking at a write": "for r in runs:\n  client.set_tag(r.info.run_id, 'a', 'b')\n  client.get_run(r.info.run_id)",
    "tagged in between": "for x in ids:\n    m = mlflow.get_run(x)\n    mlflow.set_tag('a', m)\n    mlflow.get_run(x)",
    "worked in between": "def f(i):\n  for x in i:\n    a = mlflow.get_run(x)\n    work(a)\n    b = mlflow.get_run(x)",
    "other clients": "for c in clients: c.search_experiments()",
    "too many arguments": "for e in es: client.search_runs([e.id], 1, 2, 3, 4, 5, 6, 7, 8)",
    "short": "for s in ('a', 'b'): client.get_run(run_id)",
    "changed attribute": "for x in xs:\n    self.run = x\n    client.get_run(self.run)",
}


@pytest.mark.parametrize("name", READS)
def test_read(name: str, tmp_path: Path) -> None:
    assert found(SEARCHED + READS[name], "MLF106", tmp_path)


@pytest.mark.parametrize("name", NO_READS)
def test_no_read(name: str, tmp_path: Path) -> None:
    assert not found(SEARCHED + NO_READS[name], "MLF106", tmp_path)


UNCHOSEN = [
    "args.save_all",
    "rank == 0",
    "dist.get_rank() == 0",
    "epoch % 1 == 0",
    "loss is not None",
    "phase == 'val'",
]
CHOSEN = [
    "loss < best",
    "epoch % 5 == 0",
    "epoch in (3, 9)",
    "epoch == epochs - 1",
    "is_best",
    "stopper.improved",
    "not stopper.step(loss)",
    "best is None or loss < best",
    "self.checkpoint_interval and epoch % self.checkpoint_interval == 0",
]


@pytest.mark.parametrize("test", UNCHOSEN + CHOSEN)
def test_what_chooses_a_model(test: str, tmp_path: Path) -> None:
    body = f"""
    for epoch in range(epochs):
        loss = train_one_epoch(model)
        if {test}:
            mlflow.pytorch.log_model(model, name="model")
    """
    assert found(body, "MLF105", tmp_path) is (test in UNCHOSEN)


def test_an_early_continue_chooses_and_an_end_does_not(tmp_path: Path) -> None:
    for leave in ("continue", "break"):
        body = f"""
        for epoch in range(epochs):
            loss = train_one_epoch(model)
            if loss > best:
                {leave}
            mlflow.pytorch.log_model(model, name="model")
        """
        assert found(body, "MLF105", tmp_path) is (leave == "break")


OPENED = {
    "per batch": "for batch in train_loader:\n    with mlflow.start_run(): f(batch)",
    "through a function": "def f(b):\n    with mlflow.start_run(): g(b)\nfor batch in train_loader: f(batch)",
    "per environment step": "while not done:\n    env.step(a)\n    mlflow.start_run(nested=True)\n    mlflow.end_run()",
    "back to it per epoch": "for epoch in range(n):\n    fit()\n    with mlflow.start_run(run_id): f(epoch)",
}
NOT_OPENED = {
    "per epoch": "for epoch in range(n):\n    with mlflow.start_run(nested=True): train(epoch)",
    "only if none is active": "for batch in train_loader:\n    if mlflow.active_run() is None: mlflow.start_run()",
    "a helper that makes sure": "def f():\n    if not mlflow.active_run(): mlflow.start_run()\n"
    "for batch in train_loader: f()",
    "a run that is made once": "class A:\n  def run(self):\n    if self.r is None:\n      self.r = mlflow.start_run()\n"
    "  def fit(self):\n    for batch in train_loader: self.run()",
    "every hundredth step": "for i, b in enumerate(train_loader):\n    if i % 100 == 0: mlflow.start_run(nested=True)",
    "around the loop": "with mlflow.start_run():\n    for batch in train_loader: f(batch)",
}


@pytest.mark.parametrize("name", OPENED)
def test_opened(name: str, tmp_path: Path) -> None:
    assert found(OPENED[name], "MLF108", tmp_path)


@pytest.mark.parametrize("name", NOT_OPENED)
def test_not_opened(name: str, tmp_path: Path) -> None:
    assert not found(NOT_OPENED[name], "MLF108", tmp_path)


SETUPS = {
    "per epoch": "for epoch in range(n): mlflow.set_experiment('a')",
    "through a function": "def f(): return mlflow.get_experiment_by_name('a')\nfor x in train_loader: f()",
    "of a flavor": "for epoch in range(n): mlflow.pytorch.autolog(log_models=False)",
}
NO_SETUPS = {
    "another each time": "for epoch in range(n): mlflow.set_experiment(names[epoch])",
    "kept": "class A:\n  def e(self):\n    if self.k is None:\n      self.k = mlflow.get_experiment_by_name('a')\n"
    "  def fit(self):\n    for x in train_loader: self.e()",
    "for each seed": "for seed in seeds: mlflow.set_experiment('a')",
    "first epoch": "for epoch in range(n):\n    if epoch == 0: mlflow.set_experiment('a')",
    "for a run": "def f():\n    mlflow.set_experiment('a')\n    mlflow.start_run()\nfor epoch in range(n): f()",
}


@pytest.mark.parametrize("name", SETUPS)
def test_setup(name: str, tmp_path: Path) -> None:
    assert found(SETUPS[name], "MLF107", tmp_path)


@pytest.mark.parametrize("name", NO_SETUPS)
def test_no_setup(name: str, tmp_path: Path) -> None:
    assert not found(NO_SETUPS[name], "MLF107", tmp_path)
