"""Records that are frozen for whoever writes code, and cheap for the machine.

A file becomes thousands of them. `dataclass(frozen=True)` would make each take three times as long to create, and its
class nearly three times as long to define, which every start pays for. Invariant: mypy refuses to assign to a field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """Do nothing: it speaks to type checkers, and the `typing` of Python 3.10 lacks it."""
        return lambda decorator: decorator


Record = TypeVar("Record")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[Record]) -> type[Record]:
    """Make a class a dataclass with slots whose instances can be compared and hashed."""
    return dataclass(slots=True, unsafe_hash=True)(cls)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def entity(cls: type[Record]) -> type[Record]:
    """The same for what is told apart by being one thing or another, whatever its fields hold."""
    return dataclass(slots=True, eq=False)(cls)
