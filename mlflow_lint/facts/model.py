"""The facts of one file: its statements and expressions, reduced to what an analysis of logging needs.

A LibCST tree keeps every blank and is expensive to hold, to send to another process and to store. This picture keeps
what runs, in which order, under which loop and which test, and where in the text it stands; it drops layout, comments
and annotations nobody asks for. Invariant: records are frozen, built only of one another and of `str`, `int`,
`float`, `bool`, `None` and tuples, so they can be compared, hashed, pickled between processes and written as JSON.

Offsets are code points into the decoded text; a span is `(start, end)` with an exclusive end. Two expressions are
equal when they say the same, wherever they stand.
"""

from __future__ import annotations

from dataclasses import field
from typing import TypeAlias

from mlflow_lint.record import record

Span: TypeAlias = tuple[int, int]


# ------------------------------------------------------------------------------------------------ expressions
@record
class Constant:
    """A literal string, number, boolean or None."""

    value: str | int | float | bool | None
    span: Span = field(default=(0, 0), compare=False)
    """Where a string stands."""


@record
class Name:
    """A name that is read or bound."""

    id: str


@record
class Attribute:
    """`value.name`."""

    value: Expression
    name: str


@record
class Subscript:
    """`value[index]`; a slice is an `Opaque` index."""

    value: Expression
    index: Expression


@record
class Argument:
    """One argument of a call: positional, `keyword=value`, `*value` or `**value`."""

    value: Expression
    keyword: str | None
    star: str
    """`""`, `"*"` or `"**"`."""
    span: Span = field(compare=False)
    """Where the value stands, its parentheses included."""


@record
class Call:
    """`function(arguments)`."""

    function: Expression
    arguments: tuple[Argument, ...]
    span: Span = field(compare=False)

    def keyword(self, name: str) -> Argument | None:
        """The argument given as `name=`, if any."""
        for argument in self.arguments:
            if argument.keyword == name:
                return argument
        return None

    @property
    def spread(self) -> bool:
        """Whether `*` or `**` hides some of the arguments."""
        return any(argument.star for argument in self.arguments)


@record
class Operation:
    """A unary, binary or boolean operation; `and`, `or` and `not` are operators too."""

    operator: str
    operands: tuple[Expression, ...]


@record
class Comparison:
    """`a < b <= c`: one operator fewer than operands."""

    operators: tuple[str, ...]
    operands: tuple[Expression, ...]


@record
class Conditional:
    """`body if test else otherwise`."""

    test: Expression
    body: Expression
    otherwise: Expression


@record
class Collection:
    """A tuple, list or set display."""

    kind: str
    """`"tuple"`, `"list"` or `"set"`."""
    items: tuple[Expression, ...]


@record
class Mapping:
    """A dict display; a `None` key stands for `**value`."""

    items: tuple[tuple[Expression | None, Expression], ...]


@record
class Interpolation:
    """`{value!r:spec}` of an f-string; `format` is the text of conversion and specification."""

    value: Expression
    format: str


@record
class Text:
    """An f-string: literal stretches and interpolations in order."""

    parts: tuple[str | Interpolation, ...]
    span: Span = field(default=(0, 0), compare=False)


@record
class Clause:
    """One `for target in iterable if condition …` of a comprehension."""

    target: Expression
    iterable: Expression
    conditions: tuple[Expression, ...]


@record
class Comprehension:
    """A list, set, dict or generator comprehension; the element of a dict one is a `Mapping` of one item."""

    kind: str
    """`"list"`, `"set"`, `"dict"` or `"generator"`."""
    element: Expression
    clauses: tuple[Clause, ...]
    span: Span = field(compare=False)
    element_span: Span = field(compare=False)
    clauses_span: Span = field(compare=False)
    """From the first `for` (or `async`) to the end of the last condition."""


@record
class Lambda:
    """`lambda parameters: body`; the body runs where the lambda is called."""

    parameters: tuple[Parameter, ...]
    body: Expression
    span: Span = field(compare=False)


@record
class Starred:
    """`*value` in a display or target."""

    value: Expression


@record
class Assigned:
    """`name := value`."""

    name: str
    value: Expression


@record
class Await:
    """`await value`."""

    value: Expression


@record
class Yield:
    """`yield value` or `yield from value`: makes the function around it a generator."""

    value: Expression


@record
class Opaque:
    """An expression whose form does not matter, only what is evaluated inside it."""

    parts: tuple[Expression, ...] = ()


Expression: TypeAlias = (
    Constant
    | Name
    | Attribute
    | Subscript
    | Call
    | Operation
    | Comparison
    | Conditional
    | Collection
    | Mapping
    | Text
    | Comprehension
    | Lambda
    | Starred
    | Assigned
    | Await
    | Yield
    | Opaque
)


# ------------------------------------------------------------------------------------------------- statements
@record
class Evaluate:
    """An expression statement, or a statement of which only the evaluated parts matter: `del`, `assert`, `pass`."""

    value: Expression
    span: Span
    alone: bool = True
    """Whether no other statement shares its line."""


@record
class Assign:
    """`a = b = value`, or `a: annotation = value`; without a value it only declares."""

    targets: tuple[Expression, ...]
    value: Expression | None
    annotation: Expression | None
    span: Span
    alone: bool = True


@record
class Update:
    """`target += value` and its kin."""

    target: Expression
    operator: str
    value: Expression
    span: Span
    alone: bool = True


@record
class Leave:
    """`return`, `raise`, `break` or `continue`."""

    kind: str
    value: Expression | None
    span: Span


@record
class ImportedName:
    """One name bound by an import.

    `import a.b` binds `a` to `a`; `import a.b as c` binds `c` to `a.b`; `from ..a import b as c` binds `c` to
    attribute `b` of module `a`, two levels up. `local` is `"*"` for a star import.
    """

    local: str
    module: str
    level: int
    attribute: str | None


@record
class Import:
    """An import statement."""

    names: tuple[ImportedName, ...]
    span: Span
    alone: bool = True


@record
class Declare:
    """`global` or `nonlocal`."""

    kind: str
    names: tuple[str, ...]
    span: Span


@record
class If:
    """`if test: body else: orelse`; `elif` is an `If` alone in `orelse`."""

    test: Expression
    body: Block
    orelse: Block
    span: Span
    test_span: Span


@record
class For:
    """`for target in iterable: body else: orelse`."""

    target: Expression
    iterable: Expression
    body: Block
    orelse: Block
    is_async: bool
    span: Span
    target_span: Span
    iterable_span: Span


@record
class While:
    """`while test: body else: orelse`."""

    test: Expression
    body: Block
    orelse: Block
    span: Span
    test_span: Span


@record
class Handler:
    """One `except` clause."""

    type: Expression | None
    name: str | None
    body: Block


@record
class Try:
    """`try: body except …: … else: orelse finally: final`."""

    body: Block
    handlers: tuple[Handler, ...]
    orelse: Block
    final: Block
    span: Span


@record
class With:
    """`with value as target, …: body`."""

    items: tuple[tuple[Expression, Expression | None], ...]
    body: Block
    span: Span


@record
class Case:
    """One `case` of a `match`: the names its pattern binds, its guard and its body."""

    names: tuple[str, ...]
    guard: Expression | None
    body: Block


@record
class Match:
    """`match subject: cases`."""

    subject: Expression
    cases: tuple[Case, ...]
    span: Span


@record
class Parameter:
    """A parameter of a function; `star` is `""`, `"*"` or `"**"`."""

    name: str
    annotation: Expression | None
    default: Expression | None
    star: str
    keyword_only: bool = False


@record
class Function:
    """A function or method definition."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Block
    decorators: tuple[Expression, ...]
    returns: Expression | None
    is_async: bool
    is_generator: bool
    span: Span


@record
class Class:
    """A class definition."""

    name: str
    bases: tuple[Argument, ...]
    body: Block
    decorators: tuple[Expression, ...]
    span: Span


Statement: TypeAlias = (
    Evaluate | Assign | Update | Leave | Import | Declare | If | For | While | Try | With | Match | Function | Class
)
Block: TypeAlias = tuple[Statement, ...]


@record
class Module:
    """A file: its top-level block."""

    body: Block
    included: tuple[str, ...] = ()
    """Paths of the notebooks that it runs in its own namespace, with slashes."""
