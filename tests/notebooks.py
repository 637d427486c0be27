"""Notebooks for tests, as Jupyter writes them."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import nbformat.v4

# Without types of its own.
_NBFORMAT: Any = nbformat
_V4: Any = nbformat.v4


def notebook(*cells: str | dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """A valid notebook of code cells, or of whatever else is given as dicts."""
    made: list[dict[str, Any]] = []
    for number, cell in enumerate(cells):
        made.append(_V4.new_code_cell(cell) if isinstance(cell, str) else _NBFORMAT.from_dict(cell))
        made[-1]["id"] = f"cell-{number}"
    if not metadata:
        metadata = {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "version": "3.11.0"},
        }
    made_notebook = _V4.new_notebook(cells=made, metadata=metadata)
    validate(made_notebook)
    return json.loads(_NBFORMAT.writes(made_notebook))  # type: ignore[no-any-return]


def validate(whole: dict[str, Any]) -> None:
    """Fail unless it is a notebook by Jupyter's own schema."""
    _NBFORMAT.validate(_NBFORMAT.from_dict(whole))


def markdown(text: str) -> dict[str, Any]:
    return dict(_V4.new_markdown_cell(text))


def written(*cells: str | dict[str, Any], **metadata: Any) -> bytes:
    """The bytes of a notebook as Jupyter lays them out."""
    return (json.dumps(notebook(*cells, **metadata), ensure_ascii=False, indent=1) + "\n").encode()
