"""How the analysis sees one line: what stands around it, what it calls, and whether its writes are hot.

Invariant: it decides nothing. Every answer is one that the rules use too, so that an explanation cannot differ from
the findings; only the words for why something is not hot are made here.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.flow.lines import Standing, enclosing, frames_in_sight, on_line, own_lines, standing
from mlflow_lint.analysis.flow.repetition import loop_start
from mlflow_lint.analysis.flow.sites import Attempt, Frame, Guard, Loop, Rescue, Run, Site
from mlflow_lint.analysis.frequency.hot import counted_writes, hot_around
from mlflow_lint.analysis.names.meaning import (
    ClassRef,
    External,
    FunctionRef,
    Instance,
    Meaning,
    Place,
    Result,
    Several,
)
from mlflow_lint.analysis.names.scopes import Binding, Imported, Item, Value
from mlflow_lint.analysis.writes.summary import Body, Effect
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, Api
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.traverse import shown
from mlflow_lint.record import record

_LONGEST = 60


@record
class Around:
    """One thing around a line: a loop, a test, a run, a `try`."""

    where: str
    """`line 12`, `cell 3 line 5`."""
    words: str
    """As in the source: `for x, y in train_loader`."""
    judgement: str
    """`once per batch`, `lets every turn through`."""
    evidence: str = ""
    frequency: Frequency | None = None
    """How often a loop turns; None for what is no loop."""


@record
class Home:
    """What the line is part of."""

    words: str
    """`function fit`; `the module`."""
    where: str
    runs: str
    """When it runs."""


@record
class Called:
    """One call, or the definition of a function, with what each call of it does."""

    words: str
    """As in the source, without arguments."""
    target: str
    """What it is, or why that is not known."""
    api: Api | None
    is_function: bool
    """Whether it is a function of the project that is looked into."""
    effects: tuple[Effect, ...]
    """What each call of that function writes."""
    inside: tuple[Around, ...] = ()
    """What stands around this call alone: the loop of a comprehension, say."""


@record
class Conclusion:
    """Whether something that a line writes is hot, and why."""

    write: str
    hot: bool
    why: str


@record
class Explanation:
    """How the analysis sees one line."""

    lines: tuple[int, int]
    """Of the statement that the line is part of."""
    home: Home
    around: tuple[Around, ...]
    """Outermost first."""
    calls: tuple[Called, ...]
    defined: Called | None
    """What one call does of the function that begins here."""
    conclusions: tuple[Conclusion, ...]


def explain(context: Context, line: int) -> Explanation:
    """Tell how the analysis sees a line of the file."""
    unit = context.unit
    for body in context.bodies:
        here = on_line(body.block, line, unit)
        if here:
            return _Explaining(context, body, line).of(here)
    around = [(body, found) for body in context.bodies if (found := enclosing(body.block, line, unit)) is not None]
    if not around:
        return Explanation((line, line), _Explaining(context, context.bodies[0], line).home(), (), (), None, ())
    body, found = max(around, key=lambda pair: pair[1].statement.span[0])
    return _Explaining(context, body, line).of_blank(found)


class _Explaining:
    """Explains lines of one body."""

    def __init__(self, context: Context, body: Body, line: int) -> None:
        self.context = context
        self.line = line
        """In the whole text, all cells of a notebook counted."""
        self.here = context.unit.where(context.unit.places.offset(line))
        self.effects = context.effects
        self.body = body
        self.unit = body.unit

    def of(self, here: Sequence[Standing]) -> Explanation:
        statement = here[-1].statement
        sites = [
            site for site in self.effects.sites(self.body) if any(each.statement is site.statement for each in here)
        ]
        common = _common([site.frames for site in sites]) if sites else frames_in_sight(here[-1], self.body.place)
        frames = common
        if isinstance(statement, (facts.For, facts.While)) and not _holds(frames, statement):
            frames = (*frames, Loop(statement, self.body.place, frames))
        defined = next((body for body in self.context.bodies if _defines(body, statement)), None)
        bounds = [own_lines(each.statement, self.unit) for each in here]
        return Explanation(
            (min(first for first, _ in bounds), max(last for _, last in bounds)),
            self.home(),
            self.around(frames),
            tuple(self.called(site, len(common)) for site in sites),
            self.definition(defined) if defined is not None else None,
            tuple(conclusion for site in sites for conclusion in self.conclusions(site)),
        )

    def of_blank(self, found: Standing) -> Explanation:
        """A line without a statement of its own: blank, a comment, `else:`."""
        frames = frames_in_sight(found, self.body.place)
        statement = found.statement
        if isinstance(statement, (facts.For, facts.While)):
            frames = (*frames, Loop(statement, self.body.place, frames))
        return Explanation((self.line, self.line), self.home(), self.around(frames), (), None, ())

    # ---------------------------------------------------------------------------------------------- around it
    def home(self) -> Home:
        function = self.body.function
        if function is None:
            return Home("the module", self.unit.where(self.unit.places.start), "it runs once")
        definition = function.definition
        where = self.unit.where(definition.span[0])
        is_method = function.receiver is not None and function.scope.parent is function.receiver.scope
        name = definition.name
        owner = function.receiver.definition.name if is_method and function.receiver else ""
        words = f"method {owner}.{name}" if owner else f"function {name}"
        hooked = self.effects.hook(self.body)
        if hooked is not None:
            return Home(words, where, f"{hooked[0]} calls it {hooked[1].value}")
        return Home(words, where, "it runs where it is called, and counts there")

    def around(self, frames: tuple[Frame, ...], begin: int = 0) -> tuple[Around, ...]:
        return tuple(self._around(frame, frames[: begin + index]) for index, frame in enumerate(frames[begin:]))

    def _around(self, frame: Frame, outer: tuple[Frame, ...]) -> Around:
        match frame:
            case Loop():
                verdict = self.effects.loops.verdict(frame)
                line = self.unit.where(loop_start(frame))
                return Around(line, self.loop(frame), verdict.unit, verdict.evidence, verdict.frequency)
            case Guard():
                return Around(*self.guard(frame), self.lets_through(frame, outer))
            case Run(call):
                line = self.unit.where(call.span[0])
                opens = self.effects.opens_run(call, self.effects.target(call, self.body.place))
                what = "opens a run: only what turns inside it counts"
                return Around(line, f"{self.function(call)}(…)", what if opens else "ends the run of each turn")
            case Attempt(node):
                return Around(self.unit.where(node.span[0]), _keyword(node), "errors may be caught")
            case Rescue(node):
                return Around(self.unit.where(node.span[0]), "except clause of try", "runs only after a failure")

    def loop(self, loop: Loop) -> str:
        node = loop.node
        if isinstance(node, facts.While):
            return f"while {self.source(node.test_span)}"
        if isinstance(node, facts.For):
            return f"for {self.source((node.target_span[0], node.iterable_span[1]))}"
        return f"for {shown(node.target)} in {shown(node.iterable)}"

    def guard(self, guard: Guard) -> tuple[str, str]:
        """Place and words of a test."""
        for each in (other.statement for other in standing(self.body.block)):
            if isinstance(each, facts.If) and each.test is guard.test:
                words = f"if {self.source(each.test_span)}"
                line = self.unit.where(each.test_span[0])
                if guard.body is each.body:
                    return line, words
                if guard.body is each.orelse:
                    return line, f"else of {words}"
                left = each.body if not guard.holds else each.orelse
                kind = left[-1].kind if isinstance(left[-1], facts.Leave) else "leave"
                return line, f"past {words}: {kind}" if not guard.holds else f"past else of {words}: {kind}"
        if isinstance(guard.test, facts.Opaque) and guard.body:
            return self.unit.where(guard.body[0].span[0]), "case"
        return self.here, f"{'if' if guard.holds else 'unless'} {shown(guard.test)}"

    def lets_through(self, guard: Guard, outer: tuple[Frame, ...]) -> str:
        """What a test does to the loops around it."""
        loops = [frame for frame in outer if isinstance(frame, Loop)]
        throttles = self.effects.throttles.throttles
        held = [loop for loop in loops if throttles(guard, loop)]
        if held:
            lines = " and ".join(self.unit.where(loop_start(loop)) for loop in held)
            return f"lets only some turns through, of {lines}"
        if loops:
            return "lets every turn through"
        return "lets only some calls through" if throttles(guard, None) else "lets every call through"

    def source(self, span: facts.Span) -> str:
        """A stretch of the file on one line, shortened."""
        text = " ".join(self.unit.text[span[0] : span[1]].split())
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

    # ---------------------------------------------------------------------------------------------- the calls
    def called(self, site: Site, common: int) -> Called:
        """What one call of the line is and does."""
        words = f"{self.function(site.call)}(…)"
        meaning = site.target
        api = site.api
        reached = self.effects.reached(site.call, site.place)
        target = self.target(meaning) if meaning is not None else self.unknown(site.call.function, site.place)
        effects = tuple(effect for one in reached for effect in one.effects)
        return Called(words, target, api, bool(reached), effects, self.around(site.frames, common))

    def function(self, call: facts.Call) -> str:
        """What stands before the parentheses of a call."""
        start, end = call.span
        before = call.arguments[0].span[0] if call.arguments else end
        return self.source((start, max(self.unit.text.rfind("(", start, before), start)))

    def definition(self, body: Body) -> Called:
        """What each call does of a function that is defined here."""
        function = body.function
        assert function is not None
        definition = function.definition
        effects = self.effects.summaries.of(function).effects
        return Called(f"{definition.name}(…)", self.target(function), None, True, effects)

    def target(self, meaning: Meaning) -> str:
        """What a call calls, in words."""
        match meaning:
            case FunctionRef(unit, definition):
                kind = "generator" if definition.is_generator else "function"
                return f"the {kind} {definition.name}, {unit.at(definition.span[0])}"
            case ClassRef(unit, definition):
                return f"the class {definition.name}, {unit.at(definition.span[0])}"
            case Instance(type=ClassRef(unit, definition)):
                return f"an object of {definition.name}, {unit.at(definition.span[0])}"
            case External(dotted) if dotted.partition(".")[0] == "mlflow":
                return f"MLflow's {dotted.removeprefix('mlflow.')}"
            case External(dotted) | Result(dotted):
                return f"{dotted}, which is no MLflow call"
            case Several(options):
                return "one of several: " + "; ".join(map(self.target, options))
        return "a module or class"

    def unknown(self, expression: facts.Expression, place: Place) -> str:
        """Why it is not known what an expression stands for."""
        match expression:
            case facts.Attribute(value, name) if self.effects.resolver.resolve(value, place) is not None:
                return f"not known: nothing says what `{shown(expression)}` is"
            case facts.Attribute(value) | facts.Subscript(value):
                return self.unknown(value, place)
            case facts.Call(function):
                why = self.unknown(function, place) if self.effects.resolver.resolve(function, place) is None else ""
                return why if why.startswith("not") else f"not known: nothing says what `{shown(function)}(…)` gives"
            case facts.Name(name):
                holder = place.scope.holder(name)
                if holder is None:
                    return "Python's own" if hasattr(builtins, name) else f"not known: `{name}` is bound nowhere"
                return f"not known: `{name}` is {_origin(holder.bindings[name])}"
            case facts.Constant() | facts.Text() | facts.Collection() | facts.Mapping():
                return "Python's own"
        return "not known: only names, attributes and calls are followed"

    # ----------------------------------------------------------------------------------------- the conclusion
    def conclusions(self, site: Site) -> Iterator[Conclusion]:
        """Whether what a call writes is hot, and why or why not."""
        hot = hot_around(self.effects, site, self.body, self.context.walks)
        writes = list(counted_writes(self.effects, site, self.body))
        for written, _ in writes:
            why = f"{hot.unit}, by the {hot.where}, unthrottled" if hot is not None else self.cold(site)
            yield Conclusion(written.label, hot is not None, why)
        if writes:
            return
        api = site.api
        if api is not None and api.kind in WRITES:
            yield Conclusion(api.label, False, "it is queued and sent in batches: asynchronous logging with buffering")
            return
        reached = self.effects.reached(site.call, site.place)
        for effect in (effect for one in reached for effect in one.effects):
            if effect.api.kind in WRITES:
                why = (
                    f"`{effect.throttled}` on the way throttles it"
                    if effect.throttled
                    else "it goes to a run of its own"
                )
                yield Conclusion(effect.api.label, False, why)

    def cold(self, site: Site) -> str:
        """Why a write that counts is not hot where it stands."""
        frames = site.frames
        loops = [frame for frame in frames if isinstance(frame, Loop)]
        for index in range(len(frames) - 1, -1, -1):
            frame = frames[index]
            if isinstance(frame, Loop) and self.effects.loops.verdict(frame).frequency is Frequency.PER_STEP:
                line = self.unit.where(loop_start(frame))
                run = next((inner for inner in frames[index:] if isinstance(inner, Run)), None)
                if run is not None:
                    return f"each turn of {line} has a run of its own, by {self.unit.where(run.call.span[0])}"
                return f"{self.throttling(frames[index + 1 :], frame)} lets only some turns of {line} through"
        hooked = self.effects.hook(self.body)
        if hooked is not None and hooked[1] is Frequency.PER_STEP:
            return f"{self.throttling(frames, None)} lets only some of {hooked[0]}'s calls through"
        unknown = [f for f in loops if self.effects.loops.verdict(f).frequency is Frequency.UNKNOWN]
        if unknown:
            return f"nothing says how often {self.unit.where(loop_start(unknown[-1]))} turns, and unknown is never hot"
        if loops or hooked is not None:
            return "nothing around it runs once per step"
        return "no loop is around it" + (" in this function" if self.body.function is not None else "")

    def throttling(self, frames: tuple[Frame, ...], loop: Loop | None) -> str:
        """Place of the first thing that lets only some turns through, where there is one."""
        for frame in frames:
            if self.effects.throttles.between((frame,), loop):
                return self._around(frame, ()).where
        return self.here


def _defines(body: Body, statement: facts.Statement) -> bool:
    return body.function is not None and body.function.definition is statement


def _holds(frames: tuple[Frame, ...], statement: facts.Statement) -> bool:
    return any(isinstance(frame, Loop) and frame.node is statement for frame in frames)


def _common(all_frames: Sequence[tuple[Frame, ...]]) -> tuple[Frame, ...]:
    """The frames that several calls share."""
    first = all_frames[0]
    for index, frame in enumerate(first):
        if any(len(other) <= index or other[index] is not frame for other in all_frames):
            return first[:index]
    return first


def _keyword(node: facts.Try | facts.With) -> str:
    return "try" if isinstance(node, facts.Try) else f"with {shown(node.items[0][0])}"


def _origin(bindings: Sequence[Binding]) -> str:
    """What a name is bound to that nothing is known of."""
    if len(bindings) > 1:
        return "bound in more than one way"
    match bindings[0]:
        case facts.Parameter():
            return "a parameter, and nothing says what is passed"
        case Item(iterable):
            return f"an item of `{shown(iterable)}`"
        case Value(expression) if not shown(expression).startswith("…"):
            return f"bound to `{shown(expression)}`, which is not followed"
        case Imported(name):
            return f"imported from `{'.' * name.level}{name.module}`, where it is not found"
    return "bound to something that is not followed"
