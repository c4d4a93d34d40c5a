"""The public names, and what importing them costs."""

import inspect
import pydoc
import re
import subprocess
import sys
import typing
from importlib import metadata, resources

import pytest

import softmax_regression
import softmax_regression._inference
import softmax_regression._selection
from softmax_regression import SoftmaxRegression

NAMES = {
    "ConvergenceWarning",
    "DataConversionWarning",
    "DivergenceError",
    "InconsistentVersionWarning",
    "ModelFileError",
    "NotFittedError",
    "Progress",
    "SeparationError",
    "SoftmaxRegression",
    "binary_cross_entropy",
    "cross_entropy",
    "cross_entropy_gradient",
    "log_softmax",
    "regularization_path",
    "softmax",
}
METHODS = {
    "fit", "partial_fit", "decision_function", "predict", "predict_proba", "predict_log_proba", "score",
    "leave_one_out", "loss", "gradient", "coefficients", "inference", "explain", "get_params", "set_params", "save", "load",
}  # fmt: skip


def run(code):
    """What a fresh interpreter prints for the code, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert result.stderr == ""
    return result.stdout


def test_all_lists_the_public_names_in_order():
    assert softmax_regression.__all__ == sorted(NAMES)
    assert all(hasattr(softmax_regression, name) for name in NAMES)


def test_no_other_name_is_public():
    public = {name for name in vars(softmax_regression) if not name.startswith("_")}
    assert public == NAMES


def test_the_estimator_has_every_method_of_the_design():
    assert set(dir(SoftmaxRegression)) >= METHODS


def test_errors_and_warnings_have_the_bases_others_expect():
    from softmax_regression import (
        ConvergenceWarning,
        DataConversionWarning,
        DivergenceError,
        NotFittedError,
    )

    assert issubclass(NotFittedError, ValueError)
    assert issubclass(NotFittedError, AttributeError)
    assert issubclass(DivergenceError, ValueError)
    assert issubclass(ConvergenceWarning, UserWarning)
    assert issubclass(DataConversionWarning, UserWarning)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_public_thing_has_a_docstring(name):
    thing = getattr(softmax_regression, name)
    assert thing.__doc__
    if name == "SoftmaxRegression":
        for method in METHODS:
            assert getattr(thing, method).__doc__, method


def pages():
    """What `help` shows of the package."""
    return pydoc.plain(pydoc.render_doc(softmax_regression))


def test_help_names_no_private_module_and_no_annotations():
    """But in the list of the files, which `help` makes of every package."""
    page = pages()
    assert "softmax_regression._" not in page
    assert "__annotations__" not in page


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_is_public_says_so(name):
    assert getattr(softmax_regression, name).__module__ == "softmax_regression"


def functions():
    """Every public function and method, by name."""
    found = {name: getattr(softmax_regression, name) for name in sorted(NAMES)}
    methods = {f"SoftmaxRegression.{name}": getattr(SoftmaxRegression, name) for name in METHODS}
    return {name: thing for name, thing in found.items() if inspect.isfunction(thing)} | methods


@pytest.mark.parametrize(("name", "function"), functions().items())
def test_signatures_are_short_and_their_types_real(name, function):
    text = str(inspect.signature(function))
    assert len(text) < (320 if name == "regularization_path" else 240), name
    assert not re.search(r"Union|_array_like|collections\.abc|numpy\.", text)
    # What reads a fit is loaded when it is asked for.
    rooms = vars(softmax_regression._inference) | vars(softmax_regression._selection)
    rooms |= vars(softmax_regression)
    assert typing.get_type_hints(function, localns=rooms)


def test_the_signature_of_fit_can_be_read():
    text = str(inspect.signature(SoftmaxRegression.fit)).replace("'", "")
    assert text == (
        "(self, X: ArrayLike | SparseMatrix, y: ArrayLike, sample_weight: ArrayLike | None = None, "
        "*, validation_data: tuple[Any, ...] | None = None, groups: ArrayLike | None = None) -> Self"
    )


def test_the_batch_size_is_an_integer_or_the_word_auto():
    hints = typing.get_type_hints(SoftmaxRegression.__init__)
    assert hints["batch_size"] == int | typing.Literal["auto"]


@pytest.mark.parametrize("method", sorted(METHODS - {"get_params", "set_params", "load"}))
def test_every_argument_is_in_its_docstring(method):
    function = getattr(SoftmaxRegression, method)
    for argument in list(inspect.signature(function).parameters)[1:]:
        assert re.search(rf"^{argument} :", inspect.getdoc(function), re.MULTILINE), argument


def test_every_argument_and_attribute_of_the_estimator_is_in_its_docstring():
    model = SoftmaxRegression(learning_rate=0.1, max_iter=1, tol=0).fit([[0.0], [1.0]], [0, 1])
    learned = [name for name in vars(model) if name.endswith("_")]
    for name in (*inspect.signature(SoftmaxRegression).parameters, *learned):
        assert re.search(rf"^{name} :", inspect.getdoc(SoftmaxRegression), re.MULTILINE), name


def test_the_version_is_that_of_the_installed_package():
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", softmax_regression.__version__)
    try:
        assert metadata.version("softmax-regression") == softmax_regression.__version__
    except metadata.PackageNotFoundError:
        assert "src" in softmax_regression.__file__  # run from the source tree


def test_type_hints_are_shipped():
    assert resources.files("softmax_regression").joinpath("py.typed").is_file()


@pytest.fixture(scope="module")
def loaded():
    """The modules after NumPy, after the library too, and after fits and predictions."""
    printed = run(
        "import sys, numpy; print(*sys.modules);"
        "from softmax_regression import SoftmaxRegression; print(*sys.modules);"
        "SoftmaxRegression().fit([[0.0], [1.0]], [0, 1]);"
        "model = SoftmaxRegression(learning_rate=0.1, tol=0, max_iter=3).fit([[0.0], [1.0]], ['a', 'b']);"
        "model.predict_proba([[0.5]]); model.score([[0.0]], ['a']); text = repr(model);"
        "print(*sys.modules)"
    )
    return [set(line.split()) for line in printed.splitlines()]


def test_importing_loads_numpy_and_nothing_else_from_outside(loaded):
    """Of NumPy not its random numbers either, which cost more than the rest of the import."""
    startup, loaded, _ = loaded
    assert "numpy.random" not in loaded
    foreign = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    # NumPy's own extension modules may register helper names that begin with an underscore.
    foreign = {
        name for name in foreign if not name.startswith("_") and "cython" not in name.lower()
    }
    assert foreign - {name.partition(".")[0] for name in startup} == {"softmax_regression"}


@pytest.mark.thorough
def test_importing_adds_little_time_to_numpy_s(tmp_path):
    """Processor time as a share of NumPy's own, once the bytecode is written: 0.3 as measured."""
    code = (
        "from time import process_time as now; a = now(); import numpy; b = now(); import sys;"
        f"sys.pycache_prefix = {str(tmp_path)!r}; sys.dont_write_bytecode = False;"
        "c = now(); import softmax_regression; d = now(); print((d - c) / (b - a))"
    )
    run(code)
    assert min(float(run(code)) for _ in range(2)) < 0.7


def test_fitting_and_predicting_load_nothing_else_either(loaded):
    """Nor what reads a fit, until it is asked for."""
    assert not {"sklearn", "scipy", "pandas", "torch", "matplotlib"} & loaded[-1]
    assert not any("_inference" in name for name in loaded[-1])
