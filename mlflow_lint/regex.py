"""Regular expressions that are compiled when they are first asked.

The analysis knows libraries by the names of their calls, in long patterns. Compiling all of them would take a tenth of
a start, and most files need few. Invariant: what is asked of one is answered as by the pattern that `re.compile` makes.
"""

from __future__ import annotations

import re
from typing import AnyStr, Generic, cast


def regex(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What stands for a compiled pattern, except as an argument of the functions of `re`."""
    return cast("re.Pattern[AnyStr]", _Regex(text, flags))


class _Regex(Generic[AnyStr]):
    def __init__(self, text: AnyStr, flags: int) -> None:
        self._text: AnyStr = text
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        # Is not asked again for the same name, which from now on is an attribute of the instance.
        value: object = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, value)
        return value
