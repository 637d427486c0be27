"""How often a line runs: loops by what they walk over and do, and what throttles them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from linting import check, lines

HOT = {
    "named like a loader": "for x in train_loader:",
    "attribute": "for x in self.train_dl:",
    "enumerate": "for i, x in enumerate(val_dataloader):",
    "tqdm and enumerate": "for i, x in enumerate(tqdm(loader, total=3)):",
    "assigned bar": "pbar = tqdm(loader)\nfor x in pbar:",
    "DataLoader in a variable": "from torch.utils.data import DataLoader\nit = DataLoader(d)\nfor x in it:",
    "own loader class": "class PairLoader: ...\nclass BatchLoader: ...\ndata = BatchLoader()\nfor x in data:",
    "zip": "for x, y in zip(source_loader, target_loader):",
    "islice": "for x in itertools.islice(loader, 100):",
    "dict of loaders": "for x in dataloaders[phase]:",
    "tf.data": "for x in dataset.shuffle(10).batch(32):",
    "steps of a batch size": "for i in range(0, len(data), batch_size):",
    "number of batches": "for i in range(len(data) // batch_size):",
    "length of a loader": "for i in range(len(train_loader)):",
    "optimizer step": "for step in range(n):\n    optimizer.step()",
    "backward on fetched batches": "for i in range(n):\n    batch = next(it)\n    loss.backward()",
    "environment step in while": "while not done:\n    s, r, done, _ = env.step(a)",
    "environment step in for": "for t in range(1000):\n    out = self.env.step(a)",
    "train_on_batch": "while i < n:\n    model.train_on_batch(x, y)\n    i += 1",
    "steps counted in the body": "while True:\n    x = next(it)\n    step += 1",
    "an optimizer step in a function": "while step < n:\n    optimizer_step(model)\n    step += 1",
    "an agent that updates": "for step in range(n):\n    agent.update(x)",
    "a stream": "for x in consumer.consume():",
    "a step of the optimizer after a rollout": (
        "for step in range(args.steps):\n    loss = rollout(env, policy)\n    loss.backward()\n    opt.step()"
    ),
    "an evaluation that generates": "for x in test_loader:\n    texts = model.generate_responses(x)",
    "one of several loaders": "for x in loaders['train']:",
    "a progress bar from a factory": "bar = ProgressFactory.create(train_loader, 'train')\nfor x in bar:",
    "inside an epoch loop": "for epoch in range(9):\n  for x in batches:",
    "prepared": (
        "from torch.utils.data import DataLoader\ndata = DataLoader(d)\n"
        "model, ready, scheduler = accelerator.prepare(model, data, scheduler)\nfor x in ready:"
    ),
    "parameter of a function that is called here": (
        "from torch.utils.data import DataLoader\n"
        "def fit(data):\n  for x in data:\n    mlflow.log_metric('a', x)\n"
        "fit(DataLoader(d))"
    ),
    "attribute set from a loader": (
        "from torch.utils.data import DataLoader\n"
        "class T:\n  def __init__(self):\n    self.data = tqdm(DataLoader(d))\n"
        "  def fit(self):\n    for x in self.data:\n      mlflow.log_metric('a', x)"
    ),
    "generator of the project": (
        "def portions(rows):\n  for i in range(0, len(rows), batch_size):\n    yield rows[i:i + batch_size]\n"
        "for x in portions(rows):"
    ),
    "function that returns a loader": (
        "from torch.utils.data import DataLoader\ndef make(rows):\n  return DataLoader(rows)\nfor x in make(rows):"
    ),
    "comprehension source": "for x in (y for y in z) if z else train_loader:",
}

COLD = {
    "epochs by name": "for epoch in range(n):",
    "epochs by bound": "for i in range(args.epochs):",
    "epochs that train on everything": "for epoch in range(5000):\n    loss.backward()\n    optimizer.step()",
    "full-batch loop": "for i in range(5000):\n    loss.backward()\n    optimizer.step()",
    "folds": "for train, test in kfold.split(X):",
    "grid": "for params in ParameterGrid(grid):",
    "unknown": "for i in range(n):",
    "keys": "for k, v in metrics.items():",
    "files": "for path in out.glob('*.png'):",
    "polling": "while True:\n    time.sleep(5)",
    "loop over loaders": "for loader in loaders:",
    "holds a batch loop": "for r in range(rounds):\n    for x in train_loader:\n        optimizer.step()",
    "rounds over prompts": "for prompts in prompt_loader:\n    for x in rows:\n        optimizer.step()",
    "first batch only": "for x in train_loader:\n    show(x)\n    break",
    "episodes": "for episode in range(n):",
    "another thing that is prepared": (
        "from torch.utils.data import DataLoader\ndata = DataLoader(d)\n"
        "model, ready, scheduler = accelerator.prepare(model, data, scheduler)\nfor x in scheduler:"
    ),
    "rounds of rollouts": "for prompts in prompt_loader:\n    batch = run_multi_turn_rollout(policy, prompts)",
    "rounds that generate, then learn": (
        "for prompts in train_loader:\n    batch = workers.generate_sequences(prompts)\n    workers.update_actor(batch)"
    ),
    "a dict that is updated": "for step in range(n):\n    metrics.update(x)",
    "part of the settings of a loader": "for x in config['data_loader']['channels']:",
    "retries": "for attempt in range(max_retries):\n    x = next(it)",
    "text": "for word in text.split(','):",
}


def _program(head: str) -> str:
    if "log_metric" in head:
        return head
    *before, last = head.splitlines()
    if last.rstrip().endswith(":"):
        indent = " " * (len(last) - len(last.lstrip()) + 4)
        return "\n".join([*before, last, f"{indent}mlflow.log_metric('a', x)"])
    # The head has a body of its own: the call comes first in its outermost loop.
    position = next(i for i, line in enumerate(head.splitlines()) if line.startswith(("for", "while")))
    rows = head.splitlines()
    rows.insert(position + 1, "    mlflow.log_metric('a', x)")
    return "\n".join(rows)


@pytest.mark.parametrize("head", HOT.values(), ids=HOT.keys())
def test_hot_loops(head: str, tmp_path: Path) -> None:
    code = "import mlflow\n" + _program(head) + "\n"
    call = next(i for i, line in enumerate(code.splitlines(), 1) if "log_metric" in line)
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == [call]


@pytest.mark.parametrize("head", COLD.values(), ids=COLD.keys())
def test_other_loops(head: str, tmp_path: Path) -> None:
    assert lines(check("import mlflow\n" + _program(head) + "\n", tmp_path, "MLF101"), "MLF101") == []


THROTTLED = {
    "modulo": "if step % 100 == 0:\n    CALL",
    "not modulo": "if not step % n:\n    CALL",
    "offset and last": "if (step + 1) % n == 0 or step == len(train_loader) - 1:\n    CALL",
    "with a rank check": "if rank == 0 and step % n == 0:\n    CALL",
    "early continue": "if step % n:\n    continue\nCALL",
    "early continue, unequal": "if step % n != 0:\n    continue\nCALL",
    "else branch": "if step % n:\n    pass\nelse:\n    CALL",
    "checkpoints": "if step in checkpoints:\n    CALL",
    "first": "if step == 0:\n    CALL",
    "last": "if step == len(train_loader) - 1:\n    CALL",
    "stored": "log_now = step % n == 0\nif log_now:\n    CALL",
    "predicate of the file": "if every(step):\n    CALL",
    "predicate by name": "if self.should_log(step):\n    CALL",
    "time": "if time.time() - last > 10:\n    CALL\n    last = time.time()",
    "counter difference": "if step - last_logged >= n:\n    CALL\n    last_logged = step",
    "counter reset": "seen += 1\nif seen >= n:\n    CALL\n    seen = 0",
    "buffer": "rows.append(x)\nif len(rows) == n:\n    CALL\n    rows.clear()",
    "end of an episode": "s, terminated, truncated = x\nif terminated or truncated:\n    CALL",
    "then break": "if bad(x):\n    CALL\n    break",
    "sampled": "if random.random() < 0.01:\n    CALL",
    "short circuit": "step % n == 0 and CALL",
    "conditional": "CALL if step % n == 0 else None",
    "failure": "try:\n    work()\nexcept ValueError:\n    CALL",
    "walrus": "if (due := step % n == 0):\n    CALL",
    "in a function that returns early": "report(step, x)",
    "in the caller": "if step % n == 0:\n    always(x)",
    "what has come in": "usage = env.pop_usage()\nif usage:\n    CALL",
    "how much has come in": "stats = self.queue.poll()\nif stats is not None and stats['count'] > 0:\n    CALL",
    "bit mask": "if step & 127 == 0:\n    CALL",
}

NOT_THROTTLED = {
    "rank": "if rank == 0:\n    CALL",
    "process index": "if accelerator.process_index == 0:\n    CALL",
    "switch": "if self.use_mlflow:\n    CALL",
    "active run": "if mlflow.active_run():\n    CALL",
    "availability": "if mlflow is not None:\n    CALL",
    "divisor one": "if step % 1 == 0:\n    CALL",
    "divisor is a constant one": "ONE = 1\nif step % ONE == 0:\n    CALL",
    "all but each nth": "if step % n != 0:\n    CALL",
    "all but each nth, truthy": "if step % n:\n    CALL",
    "warm-up": "if step >= start:\n    CALL",
    "mode": "if mode == 'train':\n    CALL",
    "epoch of the outer loop": "if epoch % 10 == 0:\n    CALL",
    "membership of a key": "if name in names:\n    CALL",
    "an entry of a dict": "loss = logs.pop('loss', None)\nif loss is not None:\n    CALL",
    "either": "if step % n == 0 or rank == 0:\n    CALL",
    "try": "try:\n    CALL\nexcept Exception:\n    pass",
    "finally": "try:\n    work()\nfinally:\n    CALL",
    "with": "with lock:\n    CALL",
}


def _in_loop(body: str) -> str:
    call = "mlflow.log_metric('a', x)"
    head = textwrap.dedent(
        """
        import mlflow
        def every(step):
            return step % 50 == 0
        def report(step, x):
            if step % 50:
                return
            mlflow.log_metric('a', x)
        def always(x):
            mlflow.log_metric('a', x)
        for epoch in range(epochs):
            for step, x in enumerate(train_loader):
        """
    )
    return head + textwrap.indent(body.replace("CALL", call), " " * 8) + "\n"


@pytest.mark.parametrize("body", THROTTLED.values(), ids=THROTTLED.keys())
def test_throttled(body: str, tmp_path: Path) -> None:
    assert lines(check(_in_loop(body), tmp_path, "MLF101"), "MLF101") == []


@pytest.mark.parametrize("body", NOT_THROTTLED.values(), ids=NOT_THROTTLED.keys())
def test_not_throttled(body: str, tmp_path: Path) -> None:
    assert len(lines(check(_in_loop(body), tmp_path, "MLF101"), "MLF101")) == 1


@pytest.mark.parametrize(
    ("flag", "hot"),
    [("step % self.every == 0", False), ("step % self.one == 0", True), ("step % one == 0", True), ("rank == 0", True)],
)
def test_flags_and_divisors_that_an_object_or_a_parameter_holds(flag: str, hot: bool, tmp_path: Path) -> None:
    code = f"""
    import mlflow
    class Trainer:
        def __init__(self, every=10):
            self.every = every
            self.one = 1
        def fit(self, loader, one=1):
            for step, x in enumerate(loader):
                self.flag = {flag}
                if self.flag:
                    mlflow.log_metric("a", x)
    Trainer().fit(data)
    """
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == ([11] if hot else [])


def test_a_run_of_its_own_ends_the_count(tmp_path: Path) -> None:
    code = """
    import mlflow
    for x in train_loader:
        with mlflow.start_run():
            mlflow.log_metric("a", x)
    for x in train_loader:
        run = mlflow.start_run(nested=True)
        mlflow.log_metric("a", x)
        mlflow.end_run()
    with mlflow.start_run():
        for x in train_loader:
            mlflow.log_metric("a", x)
    """
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == [12]


def test_what_stands_in_a_loop_but_does_not_repeat(tmp_path: Path) -> None:
    code = """
    import mlflow
    for x in loader(mlflow.log_metric("once", 1)):
        callback = lambda: mlflow.log_metric("deferred", x)
        def later():
            mlflow.log_metric("deferred", x)
    else:
        mlflow.log_metric("once", 2)
    """
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == []


def test_buffered_asynchronous_writes_are_not_hot(tmp_path: Path) -> None:
    loop = "for x in train_loader:\n    mlflow.log_metric('a', x, synchronous=False)\n"
    plain = check(f"import mlflow\n{loop}", tmp_path, "MLF101")
    variable = "import os, mlflow\nos.environ['MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS'] = '2'\n"
    assert lines(plain, "MLF101") == [3]
    assert lines(check(variable + loop, tmp_path, "MLF101"), "MLF101") == []


POINTS = "[Metric('a', p, 0, 0) for p in piece]"


@pytest.mark.parametrize(
    ("over", "sent", "hot"),
    [
        ("i in range(0, n, batch_size)", "client.log_batch(run_id, metrics=x[i : i + batch_size])", False),
        ("i in range(0, n, batch_size)", "client.log_batch(run_id, metrics=piece)", False),
        ("i in range(0, n, batch_size)", f"client.log_batch(run_id, {POINTS})", False),
        ("i in range(0, n, batch_size)", "mlflow.log_metrics(dict(piece))", False),
        ("i, batch in enumerate(batches)", "client.log_batch(run_id, params=list(batch))", False),
        ("i in range(0, n, batch_size)", "client.log_batch(run_id, metrics=other)", True),
        ("i in range(0, n, batch_size)", "client.log_batch(run_id, [Metric('a', model(piece), 0, 0)])", True),
        ("i in range(0, n, batch_size)", "mlflow.log_metrics(model(piece), step=i)", True),
        ("i, metrics in enumerate(batches)", "mlflow.log_metrics(metrics, step=i)", True),
    ],
)
def test_a_request_for_each_piece_of_what_is_at_hand(over: str, sent: str, hot: bool, tmp_path: Path) -> None:
    code = (
        "import mlflow\nfrom mlflow.entities import Metric\nclient = mlflow.MlflowClient()\n"
        f"for {over}:\n    piece = x[i : i + batch_size]\n    {sent}\n"
    )
    assert bool(lines(check(code, tmp_path, "MLF101"), "MLF101")) is hot


def test_several_writes_in_one_block_are_one_finding(tmp_path: Path) -> None:
    code = """
    import mlflow
    for x in train_loader:
        mlflow.log_metric("a", x)
        mlflow.log_metric("b", x)
        mlflow.set_tag("t", x)
        if rank == 0:
            mlflow.log_metric("c", x)
    """
    checked = check(code, tmp_path, "MLF1")
    assert lines(checked, "MLF101") == [4, 8]
    assert lines(checked, "MLF103") == [6]


@pytest.mark.parametrize(
    ("head", "hot"),
    [
        ("for x in range(0xHUGE):", False),
        ("for x in range(1 << 99, 0xHUGE):", False),
        ("for x in range(0, 9, 0):", False),
        ("for x in range(1, 2, 3, 4):", False),
        ("for x in [0xHUGE, 1]:", False),
        ("for x in loaders[0xHUGE]:", True),
        ("for x in train_loader:\n  if x == 0xHUGE:", True),
    ],
)
def test_numbers_that_python_can_hold_but_not_write_or_count(head: str, hot: bool, tmp_path: Path) -> None:
    code = "import mlflow\n" + _program(head).replace("HUGE", "f" * 5000) + "\n"
    checked = check(code, tmp_path)
    assert bool(lines(checked, "MLF101")) is hot
    assert all(len(finding.message) < 400 for finding in checked.findings)


HOOKS = {
    "Lightning module": ("lightning.pytorch", "LightningModule", "training_step", True),
    "Lightning old package": ("pytorch_lightning", "Callback", "on_train_batch_end", True),
    "Lightning epoch": ("pytorch_lightning", "Callback", "on_train_epoch_end", False),
    "Keras": ("tensorflow.keras.callbacks", "Callback", "on_train_batch_end", True),
    "Keras epoch": ("tensorflow.keras.callbacks", "Callback", "on_epoch_end", False),
    "Trainer callback": ("transformers", "TrainerCallback", "on_step_end", True),
    "Trainer log": ("transformers", "TrainerCallback", "on_log", False),
    "Stable-Baselines3": ("stable_baselines3.common.callbacks", "BaseCallback", "_on_step", True),
    "Catalyst": ("catalyst.dl", "Callback", "on_batch_end", True),
    "no framework": ("somewhere", "Callback", "on_batch_end", False),
    "XGBoost round": ("xgboost.callback", "TrainingCallback", "after_iteration", False),
}


@pytest.mark.parametrize(("module", "base", "method", "hot"), HOOKS.values(), ids=HOOKS.keys())
def test_hooks(module: str, base: str, method: str, hot: bool, tmp_path: Path) -> None:
    code = f"""
    import mlflow
    from {module} import {base}
    class Mine({base}):
        def {method}(self, *args):
            mlflow.log_metric("a", 1)
    """
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == ([6] if hot else [])


LOG = "def log(*args, **kwargs):\n    mlflow.log_metric('a', 1)\n"
IGNITE = "from ignite.engine import Engine, Events\ntrainer = make()\n"
REGISTERED = {
    "by name": (LOG + "model.add_callback('on_train_batch_end', log)", True),
    "by name, each epoch": (LOG + "model.add_callback('on_train_epoch_end', log)", False),
    "by another name": (LOG + "model.add_callback('finished', log)", False),
    "Ignite handler": (IGNITE + LOG + "trainer.add_event_handler(Events.ITERATION_COMPLETED, log)", True),
    "Ignite handler, each epoch": (IGNITE + LOG + "trainer.add_event_handler(Events.EPOCH_COMPLETED, log)", False),
    "Ignite handler, sometimes": (
        IGNITE + LOG + "trainer.add_event_handler(Events.ITERATION_COMPLETED(every=100), log)",
        False,
    ),
    "Ignite handler, every one": (
        IGNITE + LOG + "trainer.add_event_handler(Events.ITERATION_COMPLETED(every=1), log)",
        True,
    ),
    "Ignite decorator": (IGNITE + "@trainer.on(Events.ITERATION_COMPLETED)\n" + LOG, True),
    "Ignite decorator, two events": (
        IGNITE + "@trainer.on(Events.EPOCH_COMPLETED | Events.ITERATION_COMPLETED)\n" + LOG,
        True,
    ),
    "Ignite decorator, sometimes": (IGNITE + "@trainer.on(Events.ITERATION_COMPLETED(every=n))\n" + LOG, False),
    "Ignite step function": (IGNITE + LOG + "engine = Engine(log)", True),
    "PyTorch module hook": ("import torch\n" + LOG + "layer.register_forward_hook(log)", True),
    "lambda callback of Keras": (
        "from keras.callbacks import LambdaCallback\n" + LOG + "LambdaCallback(on_batch_end=log)",
        True,
    ),
    "lambda callback of Keras, each epoch": (
        "from keras.callbacks import LambdaCallback\n" + LOG + "LambdaCallback(on_epoch_end=log)",
        False,
    ),
    "LightGBM": ("import lightgbm as lgb\n" + LOG + "lgb.train(p, d, callbacks=[log])", False),
    "Optuna": ("import optuna\n" + LOG + "study.optimize(log, callbacks=[log])", False),
    "spaCy": ("import spacy\n@spacy.registry.loggers('x')\ndef setup():\n" + textwrap.indent(LOG, "  "), False),
}


@pytest.mark.parametrize(("code", "hot"), REGISTERED.values(), ids=REGISTERED.keys())
def test_registered_hooks(code: str, hot: bool, tmp_path: Path) -> None:
    found = check("import mlflow\n" + code + "\n", tmp_path, "MLF101")
    assert len(lines(found, "MLF101")) == (1 if hot else 0)


def test_hook_of_a_base_class_in_a_module_without_mlflow(tmp_path: Path) -> None:
    code = """
    import mlflow
    from base import Base
    class Mine(Base):
        def training_step(self, batch, i):
            mlflow.log_metric("a", 1)
    """
    base = "import lightning as L\nclass Base(L.LightningModule):\n    pass\n"
    assert lines(check(code, tmp_path, "MLF101", base=base), "MLF101") == [6]


def test_a_loop_that_ends_its_run_each_turn(tmp_path: Path) -> None:
    code = """
    import mlflow
    for x in train_loader:
        mlflow.log_param("optimizer", "adam")
        mlflow.log_metric("a", x)
        mlflow.end_run()
    """
    assert check(code, tmp_path, "MLF1").findings == ()


def test_cells_of_a_notebook_in_a_python_file_are_not_merged(tmp_path: Path) -> None:
    code = """
    # Databricks notebook source
    import mlflow
    mlflow.log_param("a", 1)

    # COMMAND ----------

    mlflow.log_param("b", 2)
    mlflow.log_param("c", 3)
    """
    assert lines(check(code, tmp_path, "MLF202"), "MLF202") == [8]
