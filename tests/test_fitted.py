"""Models whose parameters are set by hand: they predict, are saved, and are fitted further."""

import pickle

import numpy as np
import pytest
from strategies import Csr

from softmax_regression import NotFittedError, SoftmaxRegression

W = [[1.0, -1.0], [0.5, 2.0], [-1.5, -1.0]]
B = [0.1, 0.2, -0.3]
CLASSES = ["a", "b", "c"]
X = np.array([[1.0, 0.0], [0.0, 1.0], [-2.0, -1.0], [0.5, 0.25]])
Y = ["a", "b", "c", "b"]
METHODS = ["decision_function", "predict_log_proba", "predict_proba", "predict"]


def by_hand(**attributes):
    model = SoftmaxRegression()
    for name, value in ({"coef_": W, "intercept_": B, "classes_": CLASSES} | attributes).items():
        setattr(model, name, value)
    return model


def test_three_attributes_make_a_model_that_predicts():
    """Lists, integers and arrays alike."""
    model = by_hand()
    logits = X @ np.array(W).T + B
    np.testing.assert_allclose(model.decision_function(X), logits, rtol=1e-15)
    assert model.predict(X).tolist() == np.array(CLASSES)[logits.argmax(axis=1)].tolist()
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), probabilities, rtol=1e-14)
    assert model.score(X, Y) == np.mean(model.predict(X) == Y)
    loss = -np.log(probabilities[np.arange(4), [0, 1, 2, 1]]).mean()
    assert model.loss(X, Y) == pytest.approx(loss, rel=1e-14)
    assert model.gradient(X, Y)[0].shape == (3, 2)
    assert vars(model).keys() - SoftmaxRegression().get_params() == {
        "coef_",
        "intercept_",
        "classes_",
    }
    assert "set by hand" in model._repr_html_()


@pytest.mark.parametrize("method", METHODS)
def test_it_predicts_as_the_model_it_was_taken_from(method):
    fitted = SoftmaxRegression(tol=1e-2).fit(X, Y)
    model = by_hand(coef_=fitted.coef_, intercept_=fitted.intercept_, classes_=fitted.classes_)
    assert (getattr(model, method)(X) == getattr(fitted, method)(X)).all()


def test_classes_may_stand_in_any_order():
    model = by_hand(classes_=[7, 0, 3])
    y = np.array([7, 0, 3, 0])
    assert set(model.predict(X)) <= {7, 0, 3}
    assert model.loss(X, y) == by_hand().loss(X, Y)
    assert model.score(X, y) == by_hand().score(X, Y)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_dtype_is_kept(dtype):
    model = by_hand(coef_=np.array(W, dtype), intercept_=np.array(B, dtype))
    assert model.predict_proba(X.astype(dtype)).dtype == np.dtype(dtype)
    assert (
        by_hand(coef_=[[1, 2], [3, 4], [5, 6]], intercept_=[0, 1, 2]).predict_proba(X).dtype
        == float
    )


@pytest.mark.parametrize(("attributes", "message"), [
    ((), r"not fitted yet\. Call 'fit' .*, or set coef_, intercept_ and classes_$"),
    (("coef_",), "it has coef_, but intercept_ and classes_ must be set too"),
    (("coef_", "classes_"), "it has coef_ and classes_, but intercept_ must be set too"),
    (("intercept_",), "it has intercept_, but coef_ and classes_ must be set too"),
], ids=["none", "coef", "no intercept", "intercept"])  # fmt: skip
def test_the_error_of_an_unfitted_model_names_what_is_missing(attributes, message, tmp_path):
    model = by_hand()
    for name in {"coef_", "intercept_", "classes_"} - set(attributes):
        delattr(model, name)
    for ask in (
        *(getattr(model, name) for name in METHODS),
        lambda rows: model.score(rows, Y),
        lambda rows: model.loss(rows, Y),
        lambda _: model.save(tmp_path / "model"),
        lambda _: model.to_sklearn(),
    ):
        with pytest.raises(NotFittedError, match=message):
            ask(X)
    assert model._repr_html_()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_fit_from_half_a_model_names_what_is_missing(method):
    model = by_hand().set_params(warm_start=True)
    del model.intercept_
    with pytest.raises(NotFittedError, match="intercept_ must be set too"):
        getattr(model, method)(X, Y)
    assert model.set_params(warm_start=False).fit(X, Y).predict(X).shape == (4,)


@pytest.mark.parametrize(("attributes", "error", "message"), [
    ({"coef_": [[1.0, 2.0]]}, ValueError, r"coef_ must have shape .*got \(1, 2\); of one row w .*-w / 2 and w / 2"),
    ({"coef_": [1.0, 2.0]}, ValueError, r"coef_ must have shape .*got \(2,\)"),
    ({"coef_": np.zeros((3, 0))}, ValueError, r"coef_ must have shape .*got \(3, 0\)"),
    ({"coef_": [["a", "b"]] * 3}, TypeError, "coef_ must hold numbers, got dtype <U1"),
    ({"coef_": [[1.0, {}]] * 3}, TypeError, r"coef_ must hold numbers: coef_\[0, 1\] is {}"),
    ({"coef_": Csr(np.eye(3))}, TypeError, r"coef_ is sparse; pass coef_\.toarray\(\)"),
    ({"coef_": [[1.0, 2.0], [1.0, np.nan], [0.0, 0.0]]}, ValueError, r"coef_ must be finite: coef_\[1, 1\] is nan"),
    ({"intercept_": [1.0, 2.0]}, ValueError, r"intercept_ of shape \(2,\) does not fit coef_ of shape \(3, 2\)"),
    ({"intercept_": 0.0}, ValueError, r"intercept_ of shape \(\) does not fit"),
    ({"intercept_": [1.0, 2.0, np.inf]}, ValueError, r"intercept_ must be finite: intercept_\[2\] is inf"),
    ({"classes_": ["a", "b"]}, ValueError, "classes_ must hold a label for each of the 3 rows of coef_, got 2"),
    ({"classes_": ["a", "b", "a"]}, ValueError, r"classes_ must be distinct.*classes_\[2\] are both 'a'"),
    ({"classes_": ["a", "b", None]}, ValueError, r"classes_\[2\] is None"),
    ({"n_features_in_": 4}, ValueError, "coef_ has 2 columns, but n_features_in_ is 4"),
    ({"feature_names_in_": ["x"]}, ValueError, r"coef_ has 2 columns, but feature_names_in_ has shape \(1,\)"),
], ids=range(15))  # fmt: skip
def test_attributes_that_do_not_fit_are_refused_by_name(attributes, error, message):
    with pytest.raises(error, match=message):
        by_hand(**attributes).predict(X)


def test_feature_names_set_by_hand_are_checked():
    class Frame:
        columns = ("length", "width")

        def __array__(self, dtype=None, copy=None):
            return X

    assert by_hand(feature_names_in_=["length", "width"]).predict(Frame()).shape == (4,)
    with pytest.raises(ValueError, match="same order"):
        by_hand(feature_names_in_=["width", "length"]).predict(Frame())


def test_attributes_changed_after_a_fit_are_taken():
    model = SoftmaxRegression(tol=1e-2).fit(X, Y)
    model.coef_, model.intercept_ = W, B
    np.testing.assert_array_equal(model.predict_proba(X), by_hand().predict_proba(X))


def test_classes_of_another_number_are_refused_after_a_fit_too():
    model = SoftmaxRegression(tol=1e-2).fit(X, Y)
    model.classes_ = np.array(["a", "b", "c", "d"])
    with pytest.raises(ValueError, match="a label for each of the 3 rows of coef_, got 4"):
        model.predict(X)


def test_a_warm_start_begins_at_parameters_set_by_hand():
    model = by_hand().set_params(warm_start=True, max_iter=0)
    assert model.fit(X, Y).coef_.tolist() == W
    assert (model.n_iter_, model.intercept_.tolist()) == (0, B)
    rate = {"learning_rate": 0.1, "tol": 0, "max_iter": 1, "batch_size": 4, "l2": 0.0}
    stepped = by_hand().set_params(warm_start=True, **rate).fit(X, Y)
    expected = np.array(W) - 0.1 * by_hand().gradient(X, Y)[0]
    np.testing.assert_allclose(stepped.coef_, expected, rtol=1e-14)


def test_partial_fit_goes_on_from_parameters_set_by_hand():
    model = by_hand().set_params(learning_rate=0.1, l2=0.0)
    expected = np.array(W) - 0.1 * by_hand().gradient(X, Y)[0]
    np.testing.assert_allclose(model.partial_fit(X, Y).coef_, expected, rtol=1e-14)
    assert by_hand().partial_fit(X, Y).partial_fit(X, Y, classes=CLASSES).n_iter_ == 2


def test_another_number_of_features_set_by_hand_forgets_the_last_step():
    model = SoftmaxRegression(learning_rate=0.1, tol=0, max_iter=2, momentum=0.9).fit(X, Y)
    model.coef_ = np.zeros((3, 5))
    model.n_features_in_ = 5
    assert model.partial_fit(np.ones((4, 5)), Y).coef_.shape == (3, 5)


def test_it_survives_a_file_and_a_pickle(tmp_path):
    model = by_hand(feature_names_in_=["length", "width"])
    model.save(tmp_path / "model")
    loaded = SoftmaxRegression.load(tmp_path / "model")
    assert loaded.feature_names_in_.tolist() == ["length", "width"]
    assert not hasattr(loaded, "n_iter_")
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()
    for twin in (loaded, pickle.loads(pickle.dumps(model))):
        del twin.feature_names_in_
        assert (twin.predict_proba(X) == by_hand().predict_proba(X)).all()
