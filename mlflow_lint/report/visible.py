r"""Make text from linted code harmless to print.

Names, paths and source lines are chosen by whoever wrote the code. Printed as they are, they could move the
cursor, colour or reorder the output, break a line in two, or give orders to the CI system that reads the log.
So whatever could do that is shown as an escape such as `\x1b`.
"""

from __future__ import annotations

from mlflow_lint.regex import regex

RISKY = regex(
    # C0 with tab and newlines, DEL, C1; format characters but for the joiners (U+200C, U+200D) that scripts
    # and emoji need: bidi controls, zero-width and tag characters; line separators; lone surrogates; and what is
    # no character at all, which XML cannot hold.
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
    # GitHub (`##[group]`) and Azure (`##vso[task]`) take these as commands anywhere in a line.
    r"|\#(?=\#\w*\[)"
)
"""One code point that must not be printed as it is."""

_SURROGATE = regex("[\ud800-\udfff]")
_COMMAND_AT_START = regex(r"^(\s*):(?=:)")


def is_harmless(text: str) -> bool:
    """Whether a text surely has no risky code point: they are not printable, but for commands."""
    return text.isprintable() and "##" not in text


def visible(text: str) -> str:
    """Return `text` with risky code points shown as escapes."""
    return text if is_harmless(text) else RISKY.sub(lambda match: _escape(match[0]), text)


def visible_at_start(text: str) -> str:
    """Return `visible(text)`, for a text that begins a line, where GitHub reads `::name::` as a command."""
    return _COMMAND_AT_START.sub(r"\1\\x3a", visible(text))


def visible_each(text: str) -> list[str]:
    """Return how each code point of `text` is shown; joined they are `visible(text)`."""
    shown = list(text)
    if is_harmless(text):
        return shown
    for match in RISKY.finditer(text):
        shown[match.start()] = _escape(match[0])
    return shown


def without_surrogates(text: str) -> str:
    """Return `text`, kept for programs to read, with escapes only for what strict readers of JSON refuse."""
    return _SURROGATE.sub(lambda match: _escape(match[0]), text)


def _escape(character: str) -> str:
    return r"\x23" if character == "#" else ascii(character)[1:-1]
