"""Lines are indented only where that changes no string."""

import pytest

from mlflow_lint.fixes.indenting import indented


@pytest.mark.parametrize(
    "lines",
    [
        "log(\"a\", 'it''s')\n",
        "log(f\"{name}/loss\", f'{values['a']}')  # it's done\n",
        'log("#", "{", "\\"")\n',
        'log("""one line""")\n',
        "total = one + \\\n    two\n",
    ],
)
def test_strings_that_end_on_their_line_are_indented(lines: str) -> None:
    assert indented(lines, "    ") == "".join(f"    {line}" for line in lines.splitlines(keepends=True))


@pytest.mark.parametrize("lines", ['log("""a\nb""")\n', "log('a\\\nb')\n", 'x = """a" b\n"""\n', "log(''''\n''')\n"])
def test_a_string_over_the_end_of_a_line_is_not_touched(lines: str) -> None:
    assert indented(lines, "    ") is None
