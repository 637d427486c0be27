"""Whether a test lets only some turns of a loop through.

`step % 100 == 0` does, and so do its many spellings: an early `continue`, a stored flag, a helper predicate, a time
interval, a counter that is reset, membership in a list of checkpoints, the end of an episode. A rank check, a
switch or a test for an active run does not. Invariant: a test throttles a loop only if it can change between two
turns of that loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlflow_lint.analysis.flow.sites import Frame, Guard, Loop, Rescue
from mlflow_lint.analysis.names.classes import Setting
from mlflow_lint.analysis.names.meaning import FunctionRef, Instance, Place
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.names.scopes import Item, Scope, Unknown, Value
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import inner_blocks, returned_values
from mlflow_lint.facts.traverse import bound_names, descend, last_name, names_in, shown
from mlflow_lint.regex import regex

_COUNTER = regex(
    r"(^|_)(steps?|global_?step|iters?|iterations?|it|itr|i|j|n|k|t|idx|index|batch(_?(idx|i|id|no|num|nb|index))?|ibatch"
    r"|counts?|counter|epochs?|calls|timesteps?|frames?|episodes?|ep|rounds?|updates?|ticks?|num_\w+|total_\w+)$",
    re.I,
)
_NOT_COUNTER = regex(r"rank|process|worker|device|gpu|node|mode|phase|split|stage|size|type", re.I)
_EVENT = regex(
    r"(^|_)(dones?|terminated|terminations?|truncated|truncations?|terminal|finished|converged|sync_gradients|is_last\w*|last_(batch|step|iter\w*)"
    r"|episode_(end|over|done|start)|is_(log|logging|eval|checkpoint)_?\w*step|should_\w*(log|report|eval|save|write|flush)\w*"
    r"|(do|will|need|time_to|must)_?(log|report|flush|eval)\w*|(log|eval|report|flush)_(now|due|this\w*|step)|due|log_flag)$",
    re.I,
)
_EPISODE_KEYS = ("episode", "_episode", "final_info", "_final_info", "final_obs", "final_observation")
_TAKING = regex(r"^_?(pop|drain|poll)_\w+$|^(get_nowait|poll|drain)$")
"""Names of functions that give what has come in since they were last asked, and nothing most of the time."""
_CLOCK = regex(r"(^|_)(time|monotonic|perf_counter|now|clock|elapsed)(_|$|\w*time)", re.I)
_PAST = regex(r"last|prev|previous|since|next", re.I)
_RANDOM = regex(r"(^|_)(rand|random|uniform|bernoulli)$", re.I)


class Throttles:
    """Judges guards; needs a resolver to look into stored flags and helper predicates."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._changed: dict[int, frozenset[str]] = {}

    def between(self, frames: Sequence[Frame], loop: Loop | None) -> str | None:
        """The first thing among `frames` that lets only some turns through, in words; None if there is none.

        `frames` stand inside the loop. Without a loop (a function called from somewhere, a hook) every name may
        change between two calls.
        """
        for frame in frames:
            if isinstance(frame, Rescue):
                return "an except clause"
            if isinstance(frame, Guard) and self.throttles(frame, loop):
                return f"if {shown(frame.test)}"
        return None

    def throttles(self, guard: Guard, loop: Loop | None) -> bool:
        """Whether a guard lets only some turns of the loop through."""
        if _ends_for_good(guard.body) and guard.holds:
            return True
        return self._few(guard.test, guard.holds, guard.place, loop, guard.body, 0)

    # --------------------------------------------------------------------------------------------------- tests
    def _few(
        self,
        test: facts.Expression,
        holds: bool,
        place: Place,
        loop: Loop | None,
        body: facts.Block,
        depth: int,
    ) -> bool:
        if depth > 6:
            return False

        def few(expression: facts.Expression, outcome: bool) -> bool:
            return self._few(expression, outcome, place, loop, body, depth + 1)

        match test:
            case facts.Constant(value):
                return bool(value) is not holds
            case facts.Operation("not", (operand,)):
                return few(operand, not holds)
            case facts.Operation("and", operands):
                return (any if holds else all)(few(operand, holds) for operand in operands)
            case facts.Operation("or", operands):
                return (all if holds else any)(few(operand, holds) for operand in operands)
            case facts.Operation("%" | "&", (counted, divisor)):
                return not holds and self._divides(divisor, place) and self._changes(counted, loop)
            case facts.Comparison((operator,), (left, right)):
                return self._compared(operator, left, right, holds, place, loop, body)
            case facts.Comparison(operators, operands) if holds:
                pairs = zip(operators, operands, operands[1:], strict=False)
                return any(self._compared(o, a, b, True, place, loop, body) for o, a, b in pairs)
            case facts.Assigned(_, value):
                return few(value, holds)
            case facts.Name(name):
                return holds and (
                    self._stored(name, place, loop, depth) or self._event(test, loop) or self._taken(test, place)
                )
            case facts.Attribute(owner, name):
                return holds and (self._kept(owner, name, place, loop, depth) or self._event(test, loop))
            case facts.Call():
                return self._called(test, holds, place, loop, depth)
        return False

    def _event(self, test: facts.Expression, loop: Loop | None) -> bool:
        return bool(_EVENT.search(last_name(test))) and self._changes(test, loop)

    def _compared(
        self,
        operator: str,
        left: facts.Expression,
        right: facts.Expression,
        holds: bool,
        place: Place,
        loop: Loop | None,
        body: facts.Block,
    ) -> bool:
        if not holds:
            operator = _OPPOSITE[operator]
        if not (self._changes(left, loop) or self._changes(right, loop)):
            return False
        if operator in ("==", "<", "<=") and isinstance(left, facts.Operation) and left.operator in ("%", "&"):
            return self._divides(left.operands[-1], place) and self._changes(left.operands[0], loop)
        if operator == "==" and isinstance(right, facts.Operation) and right.operator == "%":
            return self._divides(right.operands[-1], place)
        if operator == "in":
            # Environments report a finished episode by a key: `if "episode" in info` (`gymnasium/wrappers`).
            return self._counts(left, place) or (isinstance(left, facts.Constant) and left.value in _EPISODE_KEYS)
        if operator == "==":
            return self._counts(left, place) or self._counts(right, place) or _is_reset(left, body)
        if operator in (">", ">="):
            return _is_interval(left, right) or _is_reset(left, body) or self._taken(left, place)
        if operator in ("!=", "is not"):
            return self._taken(left, place)
        if operator in ("<", "<="):
            return _is_interval(right, left) or _is_random(left) or _is_reset(right, body)
        return False

    def _taken(self, expression: facts.Expression, place: Place) -> bool:
        """Whether an expression asks if something was there: `usage = env.pop_usage()` … `if usage:`."""
        for name in names_in(expression):
            holder = place.scope.holder(name)
            values = [b.expression if isinstance(b, Value) else None for b in (holder.bindings[name] if holder else ())]
            if values and all(isinstance(v, facts.Call) and _TAKING.search(last_name(v.function)) for v in values):
                return True
        return False

    def _divides(self, divisor: facts.Expression, place: Place) -> bool:
        """Whether dividing by this leaves some turns out: not when it is plainly 1."""
        return self.constant(divisor, place) not in (1, True)

    def constant(self, expression: facts.Expression, place: Place, depth: int = 0) -> object:
        """The one literal that a name or attribute is bound to, or the literal itself; `...` where there is none."""
        if isinstance(expression, facts.Constant):
            return expression.value
        if depth > 4:
            return ...
        if isinstance(expression, facts.Name):
            holder = place.scope.holder(expression.id)
            bindings = holder.bindings[expression.id] if holder else []
            if holder is not None and len(bindings) == 1:
                (binding,) = bindings
                if isinstance(binding, Value) and not binding.unpacked:
                    return self.constant(binding.expression, Place(holder, place.receiver), depth + 1)
                if isinstance(binding, facts.Parameter):
                    return self._only_value(binding, holder)
        if isinstance(expression, facts.Attribute):
            found = {
                self.constant(value, where, depth + 1) if value is not None else ...
                for value, _, where in self._assignments(expression.value, expression.name, place)
            }
            return found.pop() if len(found) == 1 else ...
        return ...

    def _only_value(self, parameter: facts.Parameter, scope: Scope) -> object:
        """The literal that a parameter is given in every call of its file, its default among them."""
        given = self._resolver.callers.arguments(scope, parameter.name)
        if not given and not self._resolver.callers.is_called(scope):
            return ...
        values = {value.value if isinstance(value, facts.Constant) else ... for value, _ in given or ()}
        if isinstance(parameter.default, facts.Constant):
            values.add(parameter.default.value)
        return values.pop() if given is not None and len(values) == 1 else ...

    def _assignments(self, owner: facts.Expression, name: str, place: Place) -> list[Setting]:
        of = self._resolver.resolve(owner, place)
        return self._resolver.classes.assignments(of.type, name) if isinstance(of, Instance) else []

    def _counts(self, expression: facts.Expression, place: Place) -> bool:
        """Whether an expression is a counter of turns: an index, a step number, something that is counted up."""
        for node in descend(expression):
            if isinstance(node, facts.Name) and self._is_index(node.id, place):
                return True
            if isinstance(node, (facts.Name, facts.Attribute)):
                word = last_name(node)
                if _COUNTER.search(word) and not _NOT_COUNTER.search(word):
                    return True
            if isinstance(node, (facts.Call, facts.Subscript)):
                return False
        return False

    def _is_index(self, name: str, place: Place) -> bool:
        holder = place.scope.holder(name)
        if holder is None or _NOT_COUNTER.search(name):
            return False
        for binding in holder.bindings[name]:
            if isinstance(binding, Item) and isinstance(binding.iterable, facts.Call):
                word = last_name(binding.iterable.function)
                if (word == "enumerate" and binding.path[:1] == (0,)) or word in ("range", "trange", "count"):
                    return True
        return any(isinstance(binding, Unknown) for binding in holder.bindings[name]) and any(
            isinstance(binding, Value) and isinstance(binding.expression, facts.Constant)
            for binding in holder.bindings[name]
        )

    def _stored(self, name: str, place: Place, loop: Loop | None, depth: int) -> bool:
        """`log_now = step % n == 0` … `if log_now:`."""
        holder = place.scope.holder(name)
        if holder is None:
            return False
        values = [
            binding.expression
            for binding in holder.bindings[name]
            if isinstance(binding, Value) and not isinstance(binding.expression, facts.Constant)
        ]
        return bool(values) and all(self._few(value, True, place, loop, (), depth + 1) for value in values)

    def _kept(self, owner: facts.Expression, name: str, place: Place, loop: Loop | None, depth: int) -> bool:
        """`self.log_now = step % n == 0` … `if self.log_now:`."""
        set_to = [(value, where) for value, _, where in self._assignments(owner, name, place) if value is not None]
        values = [(value, where) for value, where in set_to if not isinstance(value, facts.Constant)]
        return bool(values) and all(self._few(value, True, where, None, (), depth + 1) for value, where in values)

    def _called(self, call: facts.Call, holds: bool, place: Place, loop: Loop | None, depth: int) -> bool:
        word = last_name(call.function)
        if word in ("bool", "any", "all") and call.arguments:
            return self._few(call.arguments[0].value, holds, place, loop, (), depth + 1)
        meaning = self._resolver.resolve(call.function, place)
        if isinstance(meaning, FunctionRef):
            inner = Place(meaning.scope, meaning.receiver)
            values = returned_values(meaning.definition.body)
            few = [value for value in values if self._few(value, holds, inner, None, (), depth + 1)]
            # `should_log` may answer by how it is set up: `step % self.every == 0` in one of several cases.
            enough = bool(few) if holds and _EVENT.search(word) else len(few) == len(values)
            return enough and any(not isinstance(value, facts.Constant) for value in few)
        return holds and bool(_EVENT.search(word))

    # -------------------------------------------------------------------------------------------- what changes
    def _changes(self, expression: facts.Expression, loop: Loop | None) -> bool:
        """Whether an expression can differ between two turns of the loop."""
        if loop is None:
            return True
        changed = self._changed_in(loop)
        for node in descend(expression):
            if isinstance(node, facts.Attribute):
                return True
            if isinstance(node, facts.Call) and last_name(node.function) not in (
                "len",
                "int",
                "float",
                "range",
            ):
                return True
        return bool(names_in(expression) & changed)

    def _changed_in(self, loop: Loop) -> frozenset[str]:
        key = id(loop.node)
        if key not in self._changed:
            if isinstance(loop.node, facts.Clause):
                names = set(bound_names(loop.node.target))
            else:
                names = set(assigned_names(loop.node.body)) | set(_mutated_names(loop.node.body))
                if isinstance(loop.node, facts.For):
                    names |= set(bound_names(loop.node.target))
                else:
                    names |= {n.name for n in descend(loop.node.test) if isinstance(n, facts.Assigned)}
            self._changed[key] = frozenset(names)
        return self._changed[key]


_OPPOSITE = {
    "==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in",
    "is": "is not", "is not": "is",
}  # fmt: skip


def assigned_names(block: facts.Block) -> frozenset[str]:
    """Names that a block binds, its nested blocks included, functions and classes left out."""
    names: set[str] = set()
    for statement in block:
        match statement:
            case facts.Assign(targets):
                for target in targets:
                    names.update(bound_names(target))
            case facts.Update(target):
                names.update(bound_names(target))
            case facts.For(target):
                names.update(bound_names(target))
            case facts.With(items):
                for _, entered in items:
                    if entered is not None:
                        names.update(bound_names(entered))
        for inner in inner_blocks(statement):
            names |= assigned_names(inner)
    return frozenset(names)


def _mutated_names(block: facts.Block) -> Iterator[str]:
    """Names on which a block calls a method as a statement: `rows.append(x)`."""
    for statement in block:
        if isinstance(statement, facts.Evaluate) and isinstance(statement.value, facts.Call):
            function = statement.value.function
            if isinstance(function, facts.Attribute) and isinstance(function.value, facts.Name):
                yield function.value.id
        for inner in inner_blocks(statement):
            yield from _mutated_names(inner)


def _ends_for_good(block: facts.Block) -> bool:
    """Whether a block ends its loop or function: it runs once at most."""
    return bool(block) and isinstance(block[-1], facts.Leave) and block[-1].kind in ("break", "return", "raise")


def _is_interval(later: facts.Expression, earlier: facts.Expression) -> bool:
    """`time.time() - last > 10`, `step - last_logged >= n`, `now > next_log`."""
    words = [last_name(node) for node in descend(later) if isinstance(node, (facts.Name, facts.Attribute))]
    if isinstance(later, facts.Operation) and later.operator == "-":
        return any(_PAST.search(word) or _CLOCK.search(word) for word in words)
    other = [last_name(node) for node in descend(earlier) if isinstance(node, (facts.Name, facts.Attribute))]
    return any(_CLOCK.search(word) for word in words) or any(_PAST.search(word) for word in other)


def _is_random(expression: facts.Expression) -> bool:
    return isinstance(expression, facts.Call) and bool(_RANDOM.search(last_name(expression.function)))


def _is_reset(counted: facts.Expression, body: facts.Block) -> bool:
    """Whether the guarded body sets what was counted back: `if n >= 100: …; n = 0`, `buffer.clear()`."""
    subject = counted.arguments[0].value if isinstance(counted, facts.Call) and counted.arguments else counted
    if not isinstance(subject, (facts.Name, facts.Attribute)):
        return False
    for statement in body:
        if isinstance(statement, facts.Assign) and subject in statement.targets:
            return True
        if isinstance(statement, facts.Evaluate) and isinstance(statement.value, facts.Call):
            function = statement.value.function
            if isinstance(function, facts.Attribute) and function.name == "clear" and function.value == subject:
                return True
    return False
