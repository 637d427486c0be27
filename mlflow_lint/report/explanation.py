"""How the analysis sees a line, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlflow_lint.analysis.explain import Around, Called, Explanation
from mlflow_lint.analysis.writes.summary import Effect
from mlflow_lint.explaining import Explained, Noted
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.findings import Finding, Step
from mlflow_lint.report.model import Options
from mlflow_lint.report.paint import Line, painted
from mlflow_lint.report.visible import visible, visible_at_start

_HOT = "bold yellow"
_DIM = "blue"
_GAP = "  "


def render(explained: Explained, options: Options) -> str:
    """Return the explanation; without colour it is the same text."""
    return painted(_lines(explained, options.width), options.color)


def _lines(explained: Explained, width: int) -> Iterator[Line]:
    place = visible_at_start(explained.place)
    yield [(place, "bold"), *_source(explained.text, width - len(place) - len(_GAP))]
    explanation = explained.explanation
    if explanation is None:
        yield []
        yield [("The file is not looked into: it does not name MLflow, and of what it imports it names", "")]
        yield [("nothing that writes to MLflow.", "")]
        return
    if explained.statement:
        yield [(f"part of the statement on lines {explained.statement}", _DIM)]
    yield []
    yield from _home(explanation)
    yield []
    yield from _calls(explanation)
    yield []
    yield from _conclusions(explanation)
    yield from _findings(explained)


def _source(text: str, width: int) -> Line:
    if not text:
        return []
    # Here and not above: it needs Rich's table of character widths.
    from mlflow_lint.report.excerpt import beginning

    return [(_GAP, ""), (beginning(text, width), "")]


def _home(explanation: Explanation) -> Iterator[Line]:
    home = explanation.home
    yield [(f"In {visible(home.words)}, {home.where}: {visible(home.runs)}.", "")]
    yield from _table(explanation.around, "  ")


def _table(rows: Sequence[Around], margin: str) -> Iterator[Line]:
    places = [_aligned(row.where, rows) for row in rows]
    words = [visible(row.words) for row in rows]
    width = max(map(len, words), default=0)
    for row, place, text in zip(rows, places, words, strict=True):
        hot = row.frequency is Frequency.PER_STEP
        evidence = f": {visible(row.evidence)}" if row.evidence else ""
        yield [
            (f"{margin}{place}  ", _DIM),
            (f"{text:<{width}}  ", ""),
            (visible(row.judgement), _HOT if hot else ""),
            (evidence, ""),
        ]


def _aligned(where: str, rows: Sequence[Around]) -> str:
    """A place with its line number set right, as long as the longest of the rows."""
    words, _, number = where.rpartition(" ")
    return f"{words} {number:>{max(len(row.where) for row in rows) - len(words) - 1}}"


def _calls(explanation: Explanation) -> Iterator[Line]:
    if explanation.defined is not None:
        what = "; each call of it does this:" if explanation.defined.is_function else ""
        yield [("Here begins ", ""), (visible(explanation.defined.target), "bold"), (what, "")]
        yield from _does(explanation.defined)
    for called in explanation.calls:
        cost = f": {called.api.cost} a call" if called.api is not None else ""
        yield [(visible(called.words), "bold"), (f" is {visible(called.target)}{cost}", "")]
        yield from _table(called.inside, "  in ")
        yield from _does(called)
    if not explanation.calls and explanation.defined is None:
        yield [("Nothing is called on this line.", "")]


def _does(called: Called) -> Iterator[Line]:
    """The chain of lines to each write of a function."""
    for effect in called.effects:
        width = max(len(_place(step)) for step in effect.chain)
        for step in effect.chain[:-1]:
            yield [(f"  {_place(step):<{width}}  ", _DIM), (visible(step.text), "")]
        yield [
            (f"  {_place(effect.chain[-1]):<{width}}  ", _DIM),
            (f"{effect.api.label}: {effect.api.cost}; {visible(_notes(effect))}", ""),
        ]
    if called.is_function and not called.effects:
        yield [("  nothing that MLflow would store", "")]


def _place(step: Step) -> str:
    return visible(step.place)


def _notes(effect: Effect) -> str:
    """What is special about a write of a function."""
    notes = [f"throttled by `{effect.throttled}`" if effect.throttled else "unthrottled"]
    if effect.repeated:
        notes.append("in a loop")
    if effect.own_run:
        notes.append("to a run of its own")
    if effect.key.constant:
        notes.append("always the same keys" if effect.api.plural else "always the same key")
    elif effect.key.origins:
        notes.append(f"its key made of {' and '.join(sorted({name for _, name in effect.key.origins}))}")
    return ", ".join(notes)


def _conclusions(explanation: Explanation) -> Iterator[Line]:
    for each in dict.fromkeys(explanation.conclusions):
        verdict = ("hot", _HOT) if each.hot else ("not hot", "bold")
        yield [(f"{each.write} is ", ""), verdict, (f": {visible(each.why)}", "")]


def _findings(explained: Explained) -> Iterator[Line]:
    for noted in explained.findings:
        yield _finding(noted, "")
    if not explained.findings:
        yield [("No finding stands here.", "")]
    for noted in explained.named_by:
        yield _finding(noted, ", which gives this line as a reason")


def _finding(noted: Noted, role: str) -> Line:
    finding = noted.finding
    withheld = f", not reported: {noted.withheld}" if noted.withheld else ""
    return [(f"{finding.code} {finding.name}", "bold"), (f" on {_where(finding)}{role}{withheld}", "")]


def _where(finding: Finding) -> str:
    region = finding.region
    return f"line {region.line}" if region.cell is None else f"cell {region.cell} line {region.line}"
