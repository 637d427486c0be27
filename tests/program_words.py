"""The words that generated programs are made of: keys, values, loops, and what stands between writes.

Invariant: each text is a whole line, or an expression that runs in the world that `PRELUDE` sets up.
"""

from __future__ import annotations

SPELLINGS = {
    "mlflow.": ("import mlflow",),
    "m.": ("import mlflow as m",),
    "mlflow.tracking.fluent.": ("import mlflow.tracking.fluent",),
    "": (
        "from mlflow import (",
        "    log_metric,  # one",
        "    log_param, log_metrics,",
        "    set_tag, start_run, log_params, set_tags,",
        ")",
    ),
}

PRELUDE = """\
prefix, k1, k2 = "pre", "key1", "a"
n = 1
x, y = 1.0, 2.0
flag = True
numbers = [float(number) for number in range(400)]
scores = {"a": 0.5, "b": 0.25, "s": 3.0}
alias = scores
counter = itertools.count()
class Box:
    value = 4.0
    def log_metric(self, *args):
        print("not MLflow", args)
box = Box()
Box.tracking = Box.fluent = box
def bump():
    global x
    x += 1
    return x
history = {"loss": [3.0, 2.0, 1.0], "acc": [0.123, 0.5], "pairs": [(0, 1.0), (1, 2.0), (1, 1.0)]}
def tell(value):
    print("told", value)
    return value\
"""

METRIC_KEYS = (
    *('"a"', "'b'", '"c"', '("d")', 'f"{prefix}a"', 'f"{prefix}_b"', "k1", "k2", '"a" "x"', 'prefix + "a"', '"é/ü"'),
    *("f'{prefix!s}z'", 'f"{n:03d}"', 'r"raw"', '"""t"""', "str(n)", 'f"{k1}" "q"', '"x" + str(n)', "(k1 + k2)"),
)
METRIC_VALUES = (
    *("1.0", "x", "y", "x + 1", "float(n)", "numbers[0]", "numbers.pop()", "next(counter)", 'scores["a"]', "bump()"),
    *(
        "(x)",
        "x if flag else y",
        "min(x, y)",
        "box.value",
        "(z := 3.0)",
        "tell(x)",
        "len(numbers)",
        "-1e-3",
        "sum([x, y])",
    ),
    *("(lambda: y)()", '{"a": 1.0}["a"]', "[x, y][0]", "int(x) // 1", "not flag", 'scores.get("s")', "x  *  y"),
)
TAG_KEYS = ('"t1"', "'t2'", 'f"{prefix}.t"', "k1", "k2", '"t3"', "str(n)", '"a" "b"')
TAG_VALUES = (
    *('"v"', '"# no comment"', "'it\\'s'", "x", "str(x)", 'f"{x} # {y}"', "prefix", '"ünï"', "bump()", "next(counter)"),
    *("None", 'scores["a"]', "alias", "box.value", '"a,b;c"', '"{}"', 'f"{{}}{n}"', '"%d" % n', "list(scores)", "flag"),
)
STEPS = ("1", "n", "2", "n + 1", "None", "int(x)", "next(counter)")
FILLERS = (
    *("x = 3.0", "x += 1", "y = x", "x, y = y, x", "n = n + 1", "numbers.append(5.0)", 'scores["a"] = 9.0', "pass"),
    *('alias["a"] = 7.0', 'print("# x", x)', "tell(n)", "import os", '"a string"', "box.value = 6.0", "numbers[0] = x"),
    *('prefix = "other"', 'k1 = "key2"', "flag = not flag", "z = numbers.pop()", "assert numbers", "z = bump()"),
    *("x = y = 1.5", "w: float = x", "del scores['s']", 'scores["s"] = n', "scores = dict(scores)", 'k2 = "b"', "..."),
    *("print(x); x = 2.0", "x = (", "z = x; n += 1", "k1, k2 = k2, k1", "scores.update(a=1.25)", "box.value += x"),
)
GLOBALS = "global x, y, z, n, flag, prefix, k1, k2, scores"
LOOPS = (
    ("for key, value in scores.items():", "key", "value"),
    ("for key in scores:", "key", "scores[key]"),
    ("for key, value in sorted(scores.items()):", "key", "value"),
    ("for key in ('a', 'b', 'q'):", "key", "x"),
    ('for key in ["a", "a"]:', "key", "y"),
    ("for index, value in enumerate(numbers[:3]):", 'f"i{index}"', "value"),
    ("for key, value in zip(scores, numbers):", "key", "value"),
    ("for key, value in scores . items():", 'f"{prefix}_{key}"', "round(value, 3)"),
    ("for key, value in alias.items():  # header", '"l_" + key', "value * x"),
    ("for key, value in {'a': x, 'b': y}.items():", "key", "value"),
)
REPLAYS = (
    ("for step, value in enumerate(numbers[:3]):", "value", "step"),
    ("for i, value in enumerate(history['loss'], start=1):", "value", "i"),
    ("for i in range(len(history['loss'])):", "history['loss'][i]", "i"),
    ("for epoch, (a, b) in enumerate(zip(history['loss'], history['acc'])):", "a", "epoch"),
    ("for i in range(4):", "numbers[i] * x", "i"),
    ("for step, value in enumerate(history['acc']):", "round(value, 2)", "step"),
    ("for epoch, value in history['pairs']:", "value", "epoch"),
    ("for i, value in enumerate(numbers[:2]):", "next(counter)", "i"),
    ("for i, value in enumerate([0.5, 0.25]):", "value", "0"),
    ("for i, value in enumerate(map(float, range(2))):", "value", "10 * i"),
)
LEAVING = (
    ("if {value} == 3.0:", "break"),
    ("if {value} in (0.25, 2.0):", "continue"),
    ("if not flag:", "continue"),
    ("if {value} is None:", "raise ValueError({value})"),
)
READS = (
    "print(sorted(client.get_run(run_id).data.metrics.items()))",
    'z = len(client.get_run(run_id).data.tags.get("t1", ""))',
    "print(client.get_run(run_id).data.params.keys() & {'p1', 'p2'})",
    'print([point.value for point in client.get_metric_history(run_id, "a")])',
    'client.log_text(run_id, "text", "file.txt")',
    'client.delete_tag(run_id, "t1")',
    "client.log_batch(run_id, params=[])",
    'client.log_dict(run_id, {"n": n}, "dict.json")',
    "print(client.search_runs(['0'])[0].info.lifecycle_stage)",
)
TAME_KEYS = ('"a{}"', "'b{}'", '"c{}"', '("d{}")', 'f"{{prefix}}{}"', '"a" "x{}"', '"é/ü{}"', 'r"raw{}"')
TAME_VALUES = ("1.0", "x", "y", "x + 1", "float(n)", "(x)", "x if flag else y", "len(numbers)", "-1e-3", "not flag")
TAME_FILLERS = ('print("# x", x)', "pass", '"a string"', "z = x", "z = y  # z", "...", "w: float = 1.0", "z = (1, 2)")
"""Words that leave a fix nothing to fear: programs of these are there to be fixed, the others to be left alone."""
