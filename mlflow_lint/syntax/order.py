"""In which order the parts of a node stand in the text, for nodes that have no form of their own in the facts.

Invariant: the widths and fields of a node, one after the other, are all of its text.
"""

from __future__ import annotations

from mlflow_lint.syntax.lean import nodes as cst

Step = int | str | tuple[str, int, int]
"""A width in characters, the name of a field, or a width that depends on whether there is something in a field."""

_SIGN: tuple[Step, ...] = ("whitespace_before", 1, "whitespace_after")
_OPENING: tuple[Step, ...] = (1, "whitespace_after")
_CLOSING: tuple[Step, ...] = ("whitespace_before", 1)
_REPLACEMENT: tuple[Step, ...] = (
    *(1, "whitespace_before_expression", "expression", "equal", "whitespace_after_expression"),
    *(("conversion", 1, 0), "conversion", ("format_spec", 1, 0), "format_spec", 1),
)

ORDER: dict[type, tuple[Step, ...]] = {
    # Statements
    cst.Pass: (len("pass"),),
    cst.Del: (len("del"), "whitespace_after_del", "target"),
    cst.Assert: (len("assert"), "whitespace_after_assert", "test", "comma", "msg"),
    cst.From: ("whitespace_before_from", len("from"), "whitespace_after_from", "item"),
    cst.TypeAlias: (
        *(len("type"), "whitespace_after_type", "name", "whitespace_after_name"),
        *("type_parameters", "whitespace_after_type_parameters", 1, "whitespace_after_equals", "value"),
    ),
    cst.TypeParameters: ("lbracket", "params", "rbracket"),
    cst.TypeParam: ("param", "equal", "star", "whitespace_after_star", "default", "comma"),
    cst.TypeVar: ("name", "colon", "bound"),
    cst.TypeVarTuple: (len("*"), "whitespace_after_star", "name"),
    cst.ParamSpec: (len("**"), "whitespace_after_star", "name"),
    cst.ParamStar: (len("*"), "comma"),
    cst.ParamSlash: (len("/"), "whitespace_after", "comma"),
    # Expressions
    cst.Ellipsis: ("lpar", len("..."), "rpar"),
    cst.Imaginary: ("lpar", "value", "rpar"),
    cst.Slice: ("lower", "first_colon", "upper", "second_colon", "step"),
    cst.StarredElement: ("lpar", len("*"), "whitespace_before_value", "value", "rpar", "comma"),
    cst.StarredDictComp: (
        *("lpar", "lbrace", len("**"), "whitespace_before_value", "value", "for_in", "rbrace", "rpar"),
    ),
    cst.CompFor: (
        *("whitespace_before", "asynchronous", len("for"), "whitespace_after_for", "target", "whitespace_before_in"),
        *(len("in"), "whitespace_after_in", "iter", "ifs", "inner_for_in"),
    ),
    cst.CompIf: ("whitespace_before", len("if"), "whitespace_before_test", "test"),
    cst.Asynchronous: (len("async"), "whitespace_after"),
    cst.FormattedStringText: ("value",),
    cst.FormattedStringExpression: _REPLACEMENT,
    cst.TemplatedString: ("lpar", "start", "parts", "end", "rpar"),
    cst.TemplatedStringText: ("value",),
    cst.TemplatedStringExpression: _REPLACEMENT,
    # Patterns
    cst.MatchValue: ("value",),
    cst.MatchSingleton: ("value",),
    cst.MatchAs: (
        *("lpar", "pattern", "whitespace_before_as", ("pattern", len("as"), 0), "whitespace_after_as", "name"),
        *(("name", 0, len("_")), "rpar"),
    ),
    cst.MatchOr: ("lpar", "patterns", "rpar"),
    cst.MatchOrElement: ("pattern", "separator"),
    cst.MatchTuple: ("lpar", "patterns", "rpar"),
    cst.MatchList: ("lpar", "lbracket", "patterns", "rbracket", "rpar"),
    cst.MatchSequenceElement: ("value", "comma"),
    cst.MatchStar: (len("*"), "whitespace_before_name", "name", ("name", 0, len("_")), "comma"),
    cst.MatchMapping: (
        *("lpar", "lbrace", "elements", ("rest", len("**"), 0), "whitespace_before_rest", "rest", "trailing_comma"),
        *("rbrace", "rpar"),
    ),
    cst.MatchMappingElement: ("key", "whitespace_before_colon", 1, "whitespace_after_colon", "pattern", "comma"),
    cst.MatchClass: (
        *("lpar", "cls", "whitespace_after_cls", 1, "whitespace_before_patterns", "patterns", "kwds"),
        *("whitespace_after_kwds", 1, "rpar"),
    ),
    cst.MatchKeywordElement: ("key", "whitespace_before_equal", 1, "whitespace_after_equal", "pattern", "comma"),
    # Signs
    **dict.fromkeys((cst.AssignEqual, cst.BitOr, cst.Colon, cst.Comma, cst.Semicolon), _SIGN),
    **dict.fromkeys((cst.LeftParen, cst.LeftSquareBracket, cst.LeftCurlyBrace), _OPENING),
    **dict.fromkeys((cst.RightParen, cst.RightSquareBracket, cst.RightCurlyBrace), _CLOSING),
}
