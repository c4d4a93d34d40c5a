"""Data frames and columns of pandas, polars, PyArrow and xarray, with their feature names."""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xarray as xr

from softmax_regression import SoftmaxRegression

NAMES = ["sepal length", "sepal width", "petal length", "petal width"]

FRAMES = {
    "pandas": lambda X: pd.DataFrame(X, columns=NAMES),
    "pandas, nullable": lambda X: pd.DataFrame(X, columns=NAMES).convert_dtypes(),
    "pandas, arrow": lambda X: pd.DataFrame(X, columns=NAMES).astype("double[pyarrow]"),
    "pandas, sparse": lambda X: pd.DataFrame(X, columns=NAMES).astype(pd.SparseDtype("float64", 0)),
    "pandas, categorical": lambda X: pd.DataFrame(X, columns=NAMES).astype("category"),
    "pandas, objects": lambda X: pd.DataFrame(X, columns=NAMES).astype(object),
    "polars": lambda X: pl.DataFrame(X, schema=NAMES),
    "pyarrow table": lambda X: pa.table(dict(zip(NAMES, X.T, strict=True))),
    "pyarrow batch": lambda X: pa.RecordBatch.from_pydict(dict(zip(NAMES, X.T, strict=True))),
}

LABELS = {
    "pandas str": pd.Series,
    "pandas object": lambda y: pd.Series(y, dtype=object),
    "pandas category": lambda y: pd.Series(y, dtype="category"),
    "pandas arrow": lambda y: pd.Series(y, dtype="string[pyarrow]"),
    "pandas index": pd.Index,
    "polars": lambda y: pl.Series(y.tolist()),
    "polars categorical": lambda y: pl.Series(y.tolist(), dtype=pl.Categorical),
    "polars enum": lambda y: pl.Series(y.tolist(), dtype=pl.Enum(sorted(set(y.tolist())))),
    "pyarrow": lambda y: pa.array(y.tolist()),
    "pyarrow chunks": lambda y: pa.chunked_array([y[:70].tolist(), y[70:].tolist()]),
    "xarray": lambda y: xr.DataArray(y, dims="row"),
    "list": lambda y: y.tolist(),
    "StringDType": lambda y: y.astype(np.dtypes.StringDType()),
}


def textbook():
    return SoftmaxRegression(learning_rate=0.5, max_iter=20, tol=0, random_state=0)


def assert_same_fit(model, X, y):
    """Check against the fit on a plain array; another memory layout may round sums differently."""
    plain = textbook().fit(X, y)
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-10)
    assert model.classes_.tolist() == plain.classes_.tolist()


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_and_their_names(iris, kind):
    X, y = iris
    frame = FRAMES[kind](X)

    model = textbook().fit(frame, y)

    assert_same_fit(model, X, y)
    assert model.feature_names_in_.dtype == object
    assert model.feature_names_in_.tolist() == NAMES
    np.testing.assert_array_equal(model.predict(frame), model.predict(FRAMES["polars"](X)))


@pytest.mark.parametrize("kind", LABELS)
def test_labels(iris, kind):
    X, y = iris
    labels = LABELS[kind](y)

    model = textbook().fit(X, labels)

    assert_same_fit(model, X, y)
    assert model.predict(X).tolist() == textbook().fit(X, y).predict(X).tolist()
    assert model.score(X, labels) == np.mean(model.predict(X).astype(object) == y)


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "boolean", "category"])
def test_labels_of_nullable_types_are_plain_numbers_again(iris, dtype):
    X, y = iris
    codes = pd.Series((y == "setosa").astype(int)).astype(dtype)

    model = textbook().fit(X, codes)

    assert model.classes_.dtype.kind in "ib"
    assert model.classes_.tolist() == [0, 1]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow table"])
def test_sample_weight_columns(iris, kind):
    X, y = iris
    weight = np.linspace(1.0, 2.0, 150)
    column = {"pandas": pd.Series, "polars": pl.Series, "pyarrow table": pa.array}[kind](weight)

    model = textbook().fit(X, y, sample_weight=column)

    np.testing.assert_array_equal(model.coef_, textbook().fit(X, y, weight).coef_)


def test_xarray(iris):
    X, y = iris
    array = xr.DataArray(X, dims=("row", "feature"))

    model = textbook().fit(array, y)

    assert_same_fit(model, X, y)
    assert not hasattr(model, "feature_names_in_")


def test_xarray_dataset_is_refused_with_xarrays_own_advice(iris):
    dataset = xr.Dataset({"a": ("row", iris[0][:, 0])})

    with pytest.raises(TypeError, match="DataArray"):
        textbook().fit(dataset, iris[1])


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.0, None], "b": [1.0, 2.0]}),
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [1.0, 2.0]}),
        pd.DataFrame({"a": pd.array([1, None], dtype="int64[pyarrow]"), "b": [1.0, 2.0]}),
        pl.DataFrame({"a": [1.0, None], "b": [1.0, 2.0]}),
        pa.table({"a": [1.0, None], "b": [1.0, 2.0]}),
    ],
    ids=["nan", "nullable", "arrow", "polars null", "pyarrow null"],
)
def test_missing_values_are_named_by_place(frame):
    with pytest.raises(ValueError, match=r"NaN.*X\[1, 0\]"):
        textbook().fit(frame, ["a", "b"])


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series(["a", None]),
        pd.Series(pd.array([1, None], dtype="Int64")),
        pl.Series(["a", None]),
        pa.array(["a", None]),
    ],
    ids=["pandas", "nullable", "polars", "pyarrow"],
)
def test_missing_labels_are_named_by_place(labels):
    with pytest.raises(ValueError, match=r"y\[1\]"):
        textbook().fit([[0.0], [1.0]], labels)


@pytest.mark.parametrize(
    "frame", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "pyarrow"]
)
@pytest.mark.parametrize(("columns", "error", "message"), [
    ({"age": [1.0, 2.0], "region": ["N", "S"]}, ValueError, r"column 'region' holds 'N' at X\[0, 1\]"),
    ({"region": ["N", "S"]}, ValueError, r"column 'region' holds 'N' at X\[0, 0\]"),
    ({"age": [1.0, None, 2.0], "height": [None, None, 1.0], "mass": [1.0, 2.0, 3.0]}, ValueError,
     r"column 'height' holds nan at X\[0, 1\]; 3 NaN, 1 in column 'age', 2 in column 'height'"),
    ({"age": [1.0, 2.0], "height": [1.0, float("inf")]}, ValueError,
     r"column 'height' holds inf at X\[1, 1\]; 1 infinite in column 'height'"),
    ({"age": [1.0, 2.0], "day": [date(2026, 1, 1)] * 2}, TypeError, "(column 'day' is of type|X.0, 1. is of type date .column 'day')"),
    ({"day": [datetime(2026, 1, 1)] * 2}, TypeError, "column 'day' is of type"),
    ({"age": [1.0, 2.0], "span": [timedelta(3)] * 2}, TypeError, "column 'span' is of type"),
], ids=["text", "only text", "missing", "infinite", "date", "time", "duration"])  # fmt: skip
def test_the_column_at_fault_is_named(frame, columns, error, message):
    with pytest.raises(error, match=message):
        textbook().fit(frame(columns), ["a", "b", "a"])


def test_text_columns_are_refused_with_advice():
    with pytest.raises(ValueError, match="encode the text"):
        textbook().fit(pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), ["a", "b"])


def test_dates_are_refused(iris):
    days = pd.DataFrame({"day": pd.date_range("2026-01-01", periods=150)})

    with pytest.raises(TypeError, match="numbers"):
        textbook().fit(days, iris[1])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_other_order_of_columns_is_refused(iris, method):
    frame = FRAMES["pandas"](iris[0])
    model = textbook().fit(frame, iris[1])

    with pytest.raises(ValueError, match="same order"):
        getattr(model, method)(frame[NAMES[::-1]])


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow table"])
def test_unseen_and_missing_names_are_listed(iris, kind):
    X, y = iris
    model = textbook().fit(FRAMES["pandas"](X), y)
    renamed = pd.DataFrame(X, columns=["height", *NAMES[1:]])
    other = {"pandas": lambda f: f, "polars": pl.from_pandas, "pyarrow table": pa.Table.from_pandas}

    with pytest.raises(ValueError, match=r"(?s)height.*sepal length"):
        model.score(other[kind](renamed), y)


def test_names_missing_on_one_side_warn(iris):
    X, y = iris
    frame = FRAMES["pandas"](X)

    with pytest.warns(UserWarning, match="does not have valid feature names"):
        textbook().fit(frame, y).predict(X)
    with pytest.warns(UserWarning, match="fitted without feature names"):
        textbook().fit(X, y).predict(frame)


def test_refit_without_names_forgets_them(iris):
    X, y = iris
    model = textbook().fit(FRAMES["pandas"](X), y)

    assert not hasattr(model.fit(X, y), "feature_names_in_")


def test_numbered_columns_are_no_names(iris):
    assert not hasattr(textbook().fit(pd.DataFrame(iris[0]), iris[1]), "feature_names_in_")


def test_mixed_column_names_are_refused(iris):
    frame = pd.DataFrame(iris[0], columns=["a", "b", "c", 3])

    with pytest.raises(TypeError, match=r"astype\(str\)"):
        textbook().fit(frame, iris[1])


def test_partial_fit_keeps_and_checks_names(iris):
    X, y = iris
    frame = FRAMES["polars"](X)
    model = textbook().partial_fit(frame, y, classes=np.unique(y))

    assert model.partial_fit(frame, y).feature_names_in_.tolist() == NAMES
    with pytest.raises(ValueError, match="same order"):
        model.partial_fit(frame.select(NAMES[::-1]), y)


def test_validation_data_may_be_frames(iris):
    X, y = iris
    frame = FRAMES["polars"](X)

    model = textbook().fit(frame, y, validation_data=(frame, pl.Series(y.tolist())))

    np.testing.assert_allclose(model.validation_curve_[-1], model.loss(frame, y), rtol=1e-12)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "score"])
def test_a_lazy_frame_is_refused_with_what_to_call(iris, method):
    X, y = iris
    lazy = FRAMES["polars"](X).lazy()
    model = textbook() if "fit" in method else textbook().fit(X, y)
    targets = () if method == "predict" else (y,)

    with pytest.raises(TypeError, match=r"X\.collect\(\)"):
        getattr(model, method)(lazy, *targets)


def test_lazy_labels_are_refused_with_what_to_call(iris):
    with pytest.raises(TypeError, match=r"y\.collect\(\)"):
        textbook().fit(iris[0], pl.LazyFrame({"y": iris[1].tolist()}))


ONE_HOT = {
    "pandas": lambda y: pd.get_dummies(pd.Series(y)),
    "pandas floats": lambda y: pd.get_dummies(pd.Series(y), dtype=np.float32),
    "polars": lambda y: pl.Series(y.tolist()).to_dummies().rename(lambda name: name.lstrip("_")),
    "pyarrow": lambda y: pa.Table.from_pandas(pd.get_dummies(pd.Series(y))),
}


@pytest.mark.parametrize("kind", ONE_HOT)
def test_one_hot_columns_name_the_classes(iris, kind):
    X, y = iris
    one_hot = ONE_HOT[kind](y)
    labels = textbook().fit(X, y)

    model = textbook().fit(X, one_hot)

    np.testing.assert_array_equal(model.coef_, labels.coef_)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert model.predict(X).tolist() == labels.predict(X).tolist()
    assert model.score(X, one_hot) == labels.score(X, y) == model.score(X, y)
    assert model.loss(X, one_hot) == labels.loss(X, y) == labels.loss(X, one_hot)
    weighted = textbook().set_params(class_weight={"setosa": 2.0}).fit(X, one_hot)
    assert weighted.loss_curve_[-1] != model.loss_curve_[-1]


def test_soft_columns_keep_their_order(iris):
    X, y = iris
    soft = (0.8 * pd.get_dummies(pd.Series(y)) + 0.2 / 3)[["virginica", "setosa", "versicolor"]]

    model = textbook().fit(X, soft, validation_data=(X, soft))

    assert model.classes_.tolist() == ["virginica", "setosa", "versicolor"]
    plain = textbook().fit(X, soft.to_numpy())
    np.testing.assert_array_equal(model.coef_, plain.coef_)
    assert model.predict(X).tolist() == model.classes_[plain.predict(X)].tolist()
    assert model.loss(X, soft) == plain.loss(X, soft.to_numpy())
    assert model.score(X, y) == np.mean(model.predict(X) == y)
    assert plain.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("call", ["loss", "gradient", "score", "partial_fit", "validation_data"])
def test_other_columns_than_the_classes_are_refused(iris, call):
    X, y = iris
    one_hot = pd.get_dummies(pd.Series(y))
    model = textbook().fit(X, one_hot)

    def ask(targets):
        if call == "validation_data":
            return textbook().fit(X, one_hot, validation_data=(X, targets))
        return getattr(model, call)(X, targets)

    argument = r"validation_data\[1\]" if call == "validation_data" else "y"
    with pytest.raises(
        ValueError, match=rf"the columns of {argument} are called \['virginica'.* put them in"
    ):
        ask(one_hot[["virginica", "setosa", "versicolor"]])
    with pytest.raises(ValueError, match=r"called \['a', 'b', 'c'\].* call them so"):
        ask(one_hot.set_axis(["a", "b", "c"], axis=1))
    assert ask(one_hot.set_axis([0, 1, 2], axis=1)) is not None
    assert ask(one_hot.to_numpy()) is not None


def test_partial_fit_takes_its_classes_from_the_columns(iris):
    X, y = iris
    one_hot = pl.from_pandas(pd.get_dummies(pd.Series(y)))[["virginica", "setosa", "versicolor"]]

    model = textbook().partial_fit(X, one_hot)

    assert model.classes_.tolist() == ["virginica", "setosa", "versicolor"]
    assert model.partial_fit(X, one_hot, classes=np.unique(y)).partial_fit(X, y).n_iter_ == 3
    with pytest.raises(ValueError, match="put them in that order"):
        textbook().partial_fit(X, one_hot, classes=np.unique(y))


def test_numbers_of_classes_are_read_from_the_columns(iris):
    X, y = iris
    codes = pd.Series(y).map({"setosa": 7, "versicolor": 0, "virginica": 3})

    model = textbook().fit(X, pd.get_dummies(codes)[[7, 0, 3]])

    assert model.classes_.tolist() == [7, 0, 3]
    assert model.score(X, codes) > 0.8
    assert model.loss(X, codes) == textbook().fit(X, codes.to_numpy()).loss(X, codes)
