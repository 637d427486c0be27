"""A command whose texts are taken as they are typed.

Newer versions of typer hand every value to pydantic, texts and options that were not given included, for which that
changes nothing. Importing it takes longer than a run over most projects. Invariant: a value becomes what typer would
make of it; a version of typer that converts in another way is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typer.core import TyperCommand

_TEXTS = (str, list[str])


class VerbatimCommand(TyperCommand):
    """For `cls` of typer's `command`."""

    def get_params(self, ctx: Any) -> Any:
        """The parameters of the command; `--help`, which is made on the way, is one of them."""
        params: list[Any] = super().get_params(ctx)
        for param in params:
            conversion = getattr(param, "get_runtime_param", None)
            if conversion is not None and not isinstance(conversion, _Conversion):
                param.get_runtime_param = _Conversion(conversion)
        return params


class _Conversion:
    """Stands before typer's, which is made and thereby imported on first use."""

    def __init__(self, of_typer: Callable[[], Any]) -> None:
        self._of_typer = of_typer

    def __call__(self) -> _Conversion:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """What becomes of a value from the command line, or of `None` in the place of one."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if param.type_descriptor.annotation in _TEXTS and _is_text(value):
            return value
        return self._of_typer().coerce(value, param=param, ctx=ctx)


def _is_text(value: object) -> bool:
    return all(isinstance(item, str) for item in (value if isinstance(value, list | tuple) else (value,)))
