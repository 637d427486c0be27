"""A pattern that is compiled late is the pattern that it would have been."""

from __future__ import annotations

import re

import pytest

from mlflow_lint.regex import regex


def test_it_finds_what_the_pattern_finds() -> None:
    late = regex(r"(?P<word>[a-z]+)=", re.IGNORECASE)
    compiled = re.compile(r"(?P<word>[a-z]+)=", re.IGNORECASE)
    text = "Run=1, STEP=2"
    assert late.findall(text) == compiled.findall(text) == ["Run", "STEP"]
    for _ in range(2):
        match = late.search(text, 3)
        assert match is not None
        assert match["word"] == "STEP"
    assert late.sub("", text) == "1, 2"
    assert (late.pattern, late.flags) == (compiled.pattern, compiled.flags)
    assert regex(rb"\w+").findall(b"a b") == [b"a", b"b"]


def test_it_is_compiled_when_it_is_asked() -> None:
    broken = regex("(")
    with pytest.raises(re.error):
        broken.search("")


def test_what_patterns_do_not_know() -> None:
    with pytest.raises(AttributeError, match="serach"):
        _ = regex("a").serach  # type: ignore[attr-defined]
