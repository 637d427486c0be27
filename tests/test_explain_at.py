"""`--explain-at`: what it says of a line, and that this is what the findings rest on."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from doors import FIXTURES, ROOT, mlflow_lint
from example_cases import parse

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.explain import explain
from mlflow_lint.config import default_settings
from mlflow_lint.engine import Project, check_files
from mlflow_lint.explaining import Asked, Explained, NotExplained, explained, place
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.report.explanation import render
from mlflow_lint.report.model import Options
from mlflow_lint.request import Outcome, Request, Terminal
from mlflow_lint.rules.base import Rule
from mlflow_lint.rules.registry import all_rules
from mlflow_lint.run import run
from mlflow_lint.source.file import decode
from mlflow_lint.syntax.stack import with_deep_stack

PAGE = ROOT / "docs" / "explain-at.md"
HOT = ("MLF101", "MLF103", "MLF104")
"""Rules that find what is hot, and nothing else."""
PLAIN = Options(color=False, width=120, unsafe_fixes=False, docs_url="")


def look(code: str, folder: Path, at: str, **files: str) -> Explained:
    """Explain the line of `code` that holds the text `at`, first of all."""
    text = textwrap.dedent(code)
    (folder / "code.py").write_text(text, encoding="utf-8")
    for name, other in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(other), encoding="utf-8")
    line = next(number for number, line in enumerate(text.splitlines(), 1) if at in line)
    return explained(Project(folder, folder), Asked(folder / "code.py", None, line), default_settings(folder))


def said(found: Explained) -> str:
    return render(found, PLAIN)


PROGRAM = """\
import mlflow
from lightning import LightningModule

def every(step):
    return step % 50 == 0

def record(x):
    mlflow.log_metric("x", x, 1)

class Model(LightningModule):
    def training_step(self, batch, i):
        mlflow.log_metric("hooked", 1)
        if every(i):
            mlflow.set_tag("rare", 1)

def fit(tracker, epochs):
    for epoch in range(epochs):
        for step, x in enumerate(train_loader):
            if rank == 0:
                mlflow.log_metric(
                    "long",
                    x, step,
                )
            tracker.log(x)
            if not every(step):
                continue
            record(x)
            # a remark
            try:
                work()
            except ValueError:
                mlflow.set_tag("failed", 1)
    with mlflow.start_run():
        mlflow.log_params(config)
    for x in train_loader: record(x)
    for i in range(n):
        mlflow.log_metric("unknown", i)
    [mlflow.log_metric(k, v) for k, v in metrics.items()]
    for x in train_loader:
        with mlflow.start_run(nested=True):
            mlflow.log_metric("nested", x)
"""


def test_a_call_in_a_hot_loop(tmp_path: Path) -> None:
    found = look(PROGRAM, tmp_path, '"long"')
    explanation = found.explanation
    assert explanation is not None
    assert explanation.lines == (20, 23)
    assert (explanation.home.words, explanation.home.where) == ("function fit", "line 16")
    assert [(a.where, a.words, a.judgement) for a in explanation.around] == [
        ("line 17", "for epoch in range(epochs)", "once per epoch"),
        ("line 18", "for step, x in enumerate(train_loader)", "once per batch"),
        ("line 19", "if rank == 0", "lets every turn through"),
    ]
    assert [a.frequency for a in explanation.around] == [Frequency.PER_EPOCH, Frequency.PER_STEP, None]
    (called,) = explanation.calls
    assert called.api is not None
    assert called.api.cost == "1 request and 5 SQL statements"
    (conclusion,) = explanation.conclusions
    assert conclusion.hot
    assert [(noted.finding.code, noted.withheld) for noted in found.findings] == [("MLF101", "")]


def test_each_line_of_a_statement_is_the_statement(tmp_path: Path) -> None:
    lines = [look(PROGRAM, tmp_path, at) for at in ('"long"', "                    x,")]
    assert lines[0].explanation == lines[1].explanation
    assert "part of the statement on lines 20 to 23\n" in said(lines[0])


NOT_HOT = {
    "throttled by an early continue": ("            record(x)", "line 25 lets only some turns of line 18 through"),
    "throttled in a hook": ('"rare"', "line 13 lets only some of Lightning's calls through"),
    "after a failure": ('"failed"', "line 25 lets only some turns of line 18 through"),
    "no loop": ("log_params", "no loop is around it in this function"),
    "unknown loop": ('"unknown"', "nothing says how often line 36 turns, and unknown is never hot"),
    "keys": ("metrics.items()", "nothing around it runs once per step"),
    "a run each turn": ('"nested"', "each turn of line 39 has a run of its own, by line 40"),
    "in the helper": ('log_metric("x", x, 1)', "no loop is around it in this function"),
}


@pytest.mark.parametrize(("at", "why"), NOT_HOT.values(), ids=NOT_HOT.keys())
def test_why_a_call_is_not_hot(at: str, why: str, tmp_path: Path) -> None:
    found = look(PROGRAM, tmp_path, at)
    assert found.explanation is not None
    assert {(c.hot, c.why) for c in found.explanation.conclusions} == {(False, why)}
    assert not {noted.finding.code for noted in found.findings} & set(HOT)


def test_a_hook(tmp_path: Path) -> None:
    text = said(look(PROGRAM, tmp_path, '"hooked"'))
    assert "In method Model.training_step, line 11: Lightning calls it once per step.\n" in text
    assert "log_metric is hot: once per step, by the Lightning hook training_step, line 11, unthrottled\n" in text


def test_a_call_that_is_not_known(tmp_path: Path) -> None:
    text = said(look(PROGRAM, tmp_path, "tracker.log(x)"))
    assert "tracker.log(…) is not known: `tracker` is a parameter, and nothing says what is passed\n" in text
    assert text.endswith("\nNo finding stands here.\n")


UNKNOWN = {
    "parameter": ("def f(it):\n    it.log()  # here", "`it` is a parameter, and nothing says what is passed"),
    "item": ("for it in things:\n    it.log()  # here", "`it` is an item of `things`"),
    "value": ("it = make[0]\nit.log()  # here", "`it` is bound to `make[0]`, which is not followed"),
    "several": ("it = MlflowClient()\nit = 2\nit.log()  # here", "`it` is bound in more than one way"),
    "nowhere": ("it.log()  # here", "`it` is bound nowhere"),
    "attribute": ("class A:\n    def f(self):\n        self.it.log()  # here", "nothing says what `self.it` is"),
    "result": ("def f(): return 1\nf().log()  # here", "nothing says what `f(…)` gives"),
    "import": ("from helper import it\nit()  # here", "`it` is imported from `helper`, where it is not found"),
}


@pytest.mark.parametrize(("code", "why"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_why_a_call_is_not_known(code: str, why: str, tmp_path: Path) -> None:
    found = look(f"import mlflow\n{code}\n", tmp_path, "# here", helper="import mlflow\n")
    assert found.explanation is not None
    assert found.explanation.calls[-1].target == f"not known: {why}"


def test_a_loop(tmp_path: Path) -> None:
    found = look(PROGRAM, tmp_path, "for step, x in")
    assert found.explanation is not None
    assert [a.where for a in found.explanation.around] == ["line 17", "line 18"]
    assert [called.target for called in found.explanation.calls] == ["Python's own"]
    assert said(found).endswith("MLF101 metric-in-hot-loop on line 20, which gives this line as a reason\n")


def test_a_loop_and_its_body_on_one_line(tmp_path: Path) -> None:
    found = look(PROGRAM, tmp_path, "for x in train_loader: record(x)")
    assert found.explanation is not None
    assert [a.judgement for a in found.explanation.around] == ["once per batch"]
    assert [(c.write, c.hot) for c in found.explanation.conclusions] == [("log_metric", True)]


def test_a_definition_says_what_each_call_does(tmp_path: Path) -> None:
    found = look(PROGRAM, tmp_path, "def fit")
    assert found.explanation is not None
    assert found.explanation.home.words == "the module"
    assert found.explanation.defined is not None
    effects = found.explanation.defined.effects
    through = [effect for effect in effects if len(effect.chain) > 1]
    assert [(step.line, step.text) for step in through[0].chain] == [(27, "record"), (8, "log_metric")]
    assert through[0].throttled
    assert "code.py:8   log_metric: 1 request and 5 SQL statements; throttled by" in said(found)


def test_a_generator_is_called_one(tmp_path: Path) -> None:
    text = said(look("import mlflow\ndef rows():\n    yield mlflow.log_metric('a', 1)\n", tmp_path, "def rows"))
    assert "Here begins the generator rows, code.py:2; each call of it does this:\n" in text


@pytest.mark.parametrize("at", ["# a remark", "try:", "except ValueError"])
def test_a_line_that_calls_nothing(at: str, tmp_path: Path) -> None:
    found = look(PROGRAM, tmp_path, at)
    assert found.explanation is not None
    assert [a.where for a in found.explanation.around][:2] == ["line 17", "line 18"]
    assert "\nNothing is called on this line.\n" in said(found)


def test_what_encloses_a_line_that_calls_nothing(tmp_path: Path) -> None:
    code = """
    import mlflow
    for epoch in range(3):
        if verbose:
            a = 1
        else:
            b = 1
        match epoch:
            case 1:
                c = 1
        try:
            d = 1
        except ValueError:
            e = 1
        class K:
            while epochs:
                f = 1
    """
    around = {}
    for name in "abcdef":
        explanation = look(code, tmp_path, f"{name} = 1").explanation
        assert explanation is not None
        around[name] = [a.words for a in explanation.around[1:]]
    assert around == {
        "a": ["if verbose"],
        "b": ["else of if verbose"],
        "c": ["case"],
        "d": ["try"],
        "e": ["except clause of try"],
        "f": ["while epochs"],
    }


def test_what_stands_around_one_call_alone(tmp_path: Path) -> None:
    found = look("import mlflow\nrecord(mlflow.log_metric(k, v) for k, v in metrics.items())\n", tmp_path, "record")
    assert found.explanation is not None
    assert found.explanation.around == ()
    assert [len(called.inside) for called in found.explanation.calls] == [0, 1, 0]


def test_a_chain_through_files() -> None:
    train = FIXTURES / "tracking_package" / "train.py"
    line = 1 + next(i for i, text in enumerate(train.read_text().splitlines()) if "evaluate(model" in text)
    text = said(explained(Project(ROOT, ROOT), Asked(train, None, line), default_settings(ROOT)))
    chain = text.partition("is the function evaluate, ")[2].splitlines()[1:3]
    assert re.fullmatch(r"  fixtures/tracking_package/train.py:\d+ +log_eval_batch", chain[0])
    assert re.fullmatch(r"  fixtures/tracking_package/tracking.py:\d+ +log_metric: .*in a loop.*", chain[1])


def test_findings_that_are_not_reported(tmp_path: Path) -> None:
    code = "import mlflow\nfor x in train_loader:\n    mlflow.log_metric('a', x, 1)  # noqa: MLF101\n"
    assert [noted.withheld for noted in look(code, tmp_path, "noqa").findings] == ["a comment silences it"]
    code = code.replace("  # noqa: MLF101", "")
    settings = default_settings(tmp_path)
    (tmp_path / "code.py").write_text(code)

    def withheld(**changes: object) -> list[str]:
        project = Project(tmp_path, tmp_path)
        asked = Asked(tmp_path / "code.py", None, 3)
        found = explained(project, asked, replace(settings, **changes))  # type: ignore[arg-type]
        return [noted.withheld for noted in found.findings]

    assert withheld() == [""]
    assert withheld(select=("MLF2",)) == ["the rule is not selected"]
    assert withheld(per_file_ignores=(("code.py", ("MLF1",)),)) == ["the settings ignore it for this file"]


def test_a_file_that_cannot_reach_mlflow(tmp_path: Path) -> None:
    found = look("import os\nprint(os)\n", tmp_path, "print")
    assert found.explanation is None
    assert "does not name MLflow" in said(found)


ERRORS = {
    "no line": ("code.py", "--explain-at takes FILE:LINE, such as train.py:41, not `code.py`"),
    "not a number": ("code.py:x", "not `code.py:x`"),
    "no such file": ("absent.py:1", "absent.py: No such file or directory"),
    "a folder": (".:1", "is a directory"),
    "line 0": ("code.py:0", "code.py has no line 0, its last is 1"),
    "behind the end": ("code.py:2", "code.py has no line 2, its last is 1"),
    "not python": ("broken.py:1", "broken.py:2:11: the file cannot be read as Python"),
    "not text": ("bytes.py:1", "bytes.py:2: byte 0xff is not utf-8 text"),
}


@pytest.mark.parametrize(("asked", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_errors(asked: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text("import mlflow\n")
    (tmp_path / "broken.py").write_text("import mlflow\nmlflow.log(\n")
    (tmp_path / "bytes.py").write_bytes(b"import mlflow\n\xff\n")
    outcome = run(Request(explain_at=asked), Terminal(), bytes)
    assert (outcome.exit_code, outcome.output) == (2, "")
    assert outcome.aside.startswith("mlflow-lint: error: ")
    assert message in outcome.aside
    assert outcome.aside.count("\n") == 1


def test_the_option(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("import mlflow\nfor x in train_loader:\n    mlflow.log_metric('a', x)\n")
    ran = mlflow_lint("--explain-at", "code.py:3", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("code.py:3  mlflow.log_metric('a', x)\n\nIn the module, line 1: it runs once.\n")
    assert mlflow_lint("--explain-at", "code.py:9", cwd=tmp_path).code == 2


def test_the_column_of_a_report_may_follow() -> None:
    assert place("a/b.py:41:5:") == place("a/b.py:41") == Asked(Path("a/b.py"), None, 41)
    assert place("C:/b.py:41") == Asked(Path("C:/b.py"), None, 41)
    assert place("a.ipynb:3:5") == place("a.ipynb:cell 3:5:9") == Asked(Path("a.ipynb"), 3, 5)
    for asked in ("a.py:", "a.ipynb:5"):
        with pytest.raises(NotExplained):
            place(asked)


def test_a_line_of_a_notebook() -> None:
    notebook = FIXTURES / "notebook.ipynb"
    asked = place("fixtures/notebook.ipynb:cell 4:15")
    text = said(explained(Project(ROOT, ROOT), replace(asked, path=notebook), default_settings(ROOT)))
    assert text.startswith("fixtures/notebook.ipynb:cell 4:15  mlflow.log_metric(")
    assert "In the module, cell 1 line 1: it runs once." in text
    assert "  cell 4 line 8  for step" in text
    assert "MLF101 metric-in-hot-loop on cell 4 line 15" in text
    for cell, line in ((99, 1), (4, 999)):
        with pytest.raises(NotExplained, match="has no"):
            explained(Project(ROOT, ROOT), Asked(notebook, cell, line), default_settings(ROOT))


def test_hostile_text_is_printed_as_escapes(tmp_path: Path) -> None:
    code = "import mlflow\nfor x in loaders['\x1b[31m\u202e']:\n    mlflow.log_metric('a', x)  # \x1b[2J\n"
    text = said(look(code, tmp_path, "log_metric"))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_colour_changes_no_character(tmp_path: Path) -> None:
    found = look(PROGRAM, tmp_path, '"long"')
    colored = render(found, replace(PLAIN, color=True))
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == said(found)


@pytest.mark.parametrize("rule", [rule for rule in all_rules() if rule.code in HOT], ids=lambda rule: rule.code)
def test_every_hot_finding_of_the_examples_is_explained_as_hot(rule: Rule, tmp_path: Path) -> None:
    for number, example in enumerate(rule.examples):
        folder = tmp_path / str(number)
        folder.mkdir()
        code, expected = parse(example.code)
        for name, text in example.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "code.py").write_text(code)
        settings = default_settings(folder)
        for line in range(1, len(code.splitlines()) + 1):
            explanation = explained(
                Project(folder, folder), Asked(folder / "code.py", None, line), settings
            ).explanation
            hot = explanation is not None and any(conclusion.hot for conclusion in explanation.conclusions)
            if (line, rule.code) in expected:
                assert hot, example.title
            elif not expected:
                assert not hot, example.title


@pytest.mark.parametrize("file", sorted(FIXTURES.rglob("*.py")), ids=lambda file: file.stem)
def test_every_line_of_the_fixtures_can_be_explained(file: Path) -> None:
    project = Project(ROOT, ROOT)
    findings = check_files(project, [(file, default_settings(ROOT))])[0].findings
    reported = {finding.region.line for finding in findings if finding.code in HOT}
    hot = set()
    if project.matters(str(file), file.read_bytes()):
        unit = with_deep_stack(lambda: project.unit(str(file), decode("", file.read_bytes())))
        context = Context(unit, project.effects)
        for line in range(1, len(unit.text.splitlines()) + 1):
            explanation = explain(context, line)
            assert explanation.lines[0] <= line <= explanation.lines[1]
            if any(conclusion.hot for conclusion in explanation.conclusions):
                hot.add(line)
    assert reported <= hot


def test_the_page_shows_what_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = PAGE.read_text(encoding="utf-8")
    shown = re.findall(r"^\$ mlflow-lint --explain-at (\S+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) >= 3
    for asked, expected in shown:
        assert run(Request(explain_at=asked), Terminal(), bytes) == Outcome(expected, "", 0), asked
