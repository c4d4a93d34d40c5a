"""Every example in a docstring and in the README runs and shows what it claims."""

import ast
import contextlib
import doctest
import importlib
import io
import re
from operator import attrgetter
from pathlib import Path

import pytest
from strategies import unless_fast

import softmax_regression

README = Path(__file__).parents[1] / "README.md"
PACKAGE = Path(softmax_regression.__file__).parent
SHOWING = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>>" in path.read_text("utf-8")]
MODULES = [
    ".".join([PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(
        ".__init__"
    )
    for path in SHOWING
]


def run(test):
    """Fail with the doctest's own report."""
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(test, out=report.write)
    assert runner.failures == 0, report.getvalue()
    return runner.tries


@pytest.mark.parametrize("module", MODULES)
def test_docstrings(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module)):
        run(test)


@pytest.mark.parametrize("name", [
    "SoftmaxRegression", "SoftmaxRegression.gradient", "SoftmaxRegression.loss",
    "SoftmaxRegression.partial_fit", "SoftmaxRegression.predict_proba", "SoftmaxRegression.save",
    "SoftmaxRegression.score", "Progress", "binary_cross_entropy", "cross_entropy",
    "cross_entropy_gradient", "log_softmax", "softmax",
])  # fmt: skip
def test_what_computes_has_a_running_example(name):
    described = attrgetter(name)(softmax_regression)
    tests = doctest.DocTestFinder(recurse=False).find(described, name)
    assert any(test.examples for test in tests)


@pytest.mark.parametrize("name", ["decision_function", "fit", "gradient", "loss", "partial_fit", "predict",
                                  "predict_log_proba", "predict_proba", "score"])  # fmt: skip
def test_what_takes_rows_documents_what_it_raises(name):
    """A masked X is a TypeError everywhere, an infinite one a ValueError."""
    text = getattr(softmax_regression.SoftmaxRegression, name).__doc__
    raises = text.partition("Raises\n")[2]
    assert "TypeError" in raises
    assert "ValueError" in raises


def blocks():
    """The README's Python, block by block, with the line on which each begins."""
    text = README.read_text(encoding="utf-8")
    for match in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield text[: match.start()].count("\n") + 2, match[1]


def test_the_readme_s_examples_run_from_top_to_bottom(tmp_path, monkeypatch):
    """Sessions with >>> as doctests, the rest as scripts, all in one namespace."""
    monkeypatch.chdir(tmp_path)
    if not unless_fast(True):  # a hundred fits on each of five folds are most of what it takes
        defaults = softmax_regression.regularization_path.__kwdefaults__
        monkeypatch.setitem(defaults, "n_penalties", 10)
    namespace, tried = {"__name__": "__main__"}, 0
    for line, block in blocks():
        if ">>>" in block:
            parsed = doctest.DocTestParser().get_doctest(
                block, namespace, f"README line {line}", str(README), line
            )
            parsed.globs = namespace
            report = io.StringIO()
            runner = doctest.DocTestRunner(
                optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
            )
            runner.run(parsed, out=report.write, clear_globs=False)
            assert runner.failures == 0, report.getvalue()
        else:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile("\n" * (line - 1) + block, str(README), "exec"), namespace)  # noqa: S102
        tried += 1
    assert tried > 0


@pytest.mark.parametrize("page", [README, README.parent / "tests" / "benchmarks" / "README.md"])
def test_links_into_the_repository_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
    assert targets
    for target in targets:
        assert (page.parent / target).exists(), target


def test_the_table_of_equations_leads_to_the_lines_that_say_their_number():
    """The last column names a file and a function or class; within it stands the number."""
    rows = re.findall(
        r"^\| \(?(5\.\d+)\)? .*\| `(\w+\.py)`, `(\w+)` \|$",
        README.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert [number for number, _, _ in rows] == [
        "5.44",
        "5.45",
        "5.46",
        "5.47",
        "5.48",
        "5.6",
        "5.7",
    ]
    for number, file, name in rows:
        (path,) = PACKAGE.rglob(file)
        text = path.read_text(encoding="utf-8")
        (found,) = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
        ]
        lines = text.splitlines()[found.lineno - 1 : found.end_lineno]
        assert re.search(rf"\b{re.escape(number)}\b", "\n".join(lines)), (number, name)


def test_every_example_is_named_in_the_readme():
    text = README.read_text(encoding="utf-8")
    for example in (README.parent / "examples").iterdir():
        if example.suffix in {".py", ".ipynb"}:
            assert f"](examples/{example.name})" in text
