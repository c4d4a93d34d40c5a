"""The layers of the package: every room knows only rooms below it, and none is too large to read."""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import softmax_regression

PACKAGE = Path(softmax_regression.__file__).parent
# From the ground up; a room is a module, or a folder with all its modules.
LAYERS = {
    "What all rooms share: kinds of arrays, W and b, errors and warnings.": [
        "_address", "_arrays", "_exceptions", "_parameters", "_types", "_version", "_warn",
    ],
    "One row: its losses, and what is made of its logits.": ["_losses", "_prediction"],
    "All rows: sums over blocks, which know nothing of penalties, solvers or users.": ["_likelihood"],
    "F: the mean over the rows and the penalty, at a point.": ["_objective", "_penalty"],
    "What is done with F: descend it, minimise and prove it, ask whether it has a minimum.": [
        "_batches", "_descent", "_optimum", "_separation",
    ],
    "What a user gives: every check and its message.": ["_input"],
    "One fit: what it begins with, tells on the way and leaves, and how it ended.": [
        "_blocks", "_ending", "_fit", "_learned", "_progress", "_proven", "_stream", "_textbook",
    ],
    "What a fitted model shows: to a reader, to a file, to a screen, to scikit-learn.": [
        "_archive", "_dask", "_display", "_fitted", "_inference", "_persistence", "_selection",
        "_sklearn",
    ],
    "The model: parameters in, learned state out, and the public names.": [
        "__init__", "_estimator", "_path", "_state",
    ],
}  # fmt: skip
LONGEST_BODY, LONGEST_FILE, LONGEST_ESTIMATOR = 30, 500, 300
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


@cache
def statements(path):
    """The module and all statements in it, however deep: imports and definitions are among them."""
    found = [ast.parse(path.read_text(encoding="utf-8"))]
    for node in found:
        for body in BODIES:
            inner = getattr(node, body, ())
            found += inner if isinstance(inner, list) else ()
    return found


def nodes(module):
    return statements(MODULES[module])


def room(module):
    return module.split(".")[0]


def imported(module):
    """The package's modules that a module imports, wherever in it, for types too."""
    here = [softmax_regression.__name__, *module.split(".")[:-1]]
    for node in nodes(module):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = here[: len(here) - node.level + 1] if node.level else []
            source = [*start, *(node.module or "").split(".")] if node.module else start
            names = [".".join([*source, alias.name]) for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == softmax_regression.__name__:
                yield found(parts[1:])


def found(parts):
    """The module that an import reaches: a submodule, or the module that has the name."""
    for inner in (parts, parts[:-1]):
        for name in (".".join(inner), ".".join([*inner, "__init__"])):
            if name in MODULES:
                return name
    return "__init__"


def cycle(graph):
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def layer(module):
    (number,) = (i for i, rooms in enumerate(LAYERS.values()) if room(module) in rooms)
    return number


def test_every_module_stands_in_one_layer():
    named = [each for rooms in LAYERS.values() for each in rooms]
    assert sorted(named) == sorted({room(module) for module in MODULES})


def test_no_module_imports_from_a_layer_above():
    above = [
        f"{module} imports {other}"
        for module in MODULES
        for other in imported(module)
        if layer(other) > layer(module)
    ]
    assert above == []


def test_no_imports_go_round():
    modules = {module: set(imported(module)) for module in MODULES}
    assert cycle(modules) is None
    rooms = {}
    for module, others in modules.items():
        rooms.setdefault(room(module), set()).update({*map(room, others)} - {room(module)})
    assert cycle(rooms) is None


def test_an_import_in_a_circle_or_from_above_would_be_seen(monkeypatch, tmp_path):
    """Also in a function, of a submodule, of a name in it, and by the package's full name."""
    for number, (line, reached) in enumerate(
        [
            ("def f():\n    from ._fit import learn", "_fit"),
            ("from . import _fit", "_fit"),
            ("from ._optimum.minimise import minimise", "_optimum.minimise"),
            ("from ._optimum import minimise, Limits", "_optimum.minimise"),
            ("import softmax_regression._fit", "_fit"),
            ("from softmax_regression import __version__", "__init__"),
        ]
    ):
        path = tmp_path / f"{number}.py"
        path.write_text(line, encoding="utf-8")
        monkeypatch.setitem(MODULES, "_losses", path)
        assert reached in set(imported("_losses"))
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) is not None


def without_docstring(node):
    return node.body if ast.get_docstring(node) is None else node.body[1:]


def test_no_function_is_longer_than_a_screen():
    lines = {
        f"{module}.{node.name}": body[-1].end_lineno - body[0].lineno + 1
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, FUNCTION) and (body := without_docstring(node))
    }
    assert {name for name, count in lines.items() if count > LONGEST_BODY} == set()


def test_no_file_is_longer_than_a_chapter():
    """But the estimator, most of which is what its users read."""
    lines = {name: path.read_text(encoding="utf-8").count("\n") for name, path in MODULES.items()}
    assert {name for name, count in lines.items() if count > LONGEST_FILE} <= {"_estimator"}


def test_the_estimator_s_code_is_short():
    described = set()
    for node in nodes("_estimator"):
        if isinstance(node, ast.Module | ast.ClassDef | FUNCTION) and ast.get_docstring(node):
            described.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = MODULES["_estimator"].read_text(encoding="utf-8").splitlines()
    code = [
        line
        for number, line in enumerate(lines, 1)
        if number not in described and line.strip() and not line.strip().startswith("#")
    ]
    assert len(code) < LONGEST_ESTIMATOR
