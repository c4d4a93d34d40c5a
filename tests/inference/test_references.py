import numpy as np
import pytest
from inference.references import NAMES, Reference, numbers, reference

from softmax_regression import SoftmaxRegression

PRIOR = "hsbdemo_l2_0.01"
STANDARD_ERRORS = 1e-8
COVARIANCE = 1e-8
KINDS = {
    "hsbdemo": "observed",
    "housing": "observed",
    "alligators": "observed",
    "nhanes_age": "cluster",
}


def fitted(given: Reference) -> SoftmaxRegression:
    l2 = float(given.expected["design"]["l2"])
    return SoftmaxRegression(l2=l2).fit(given.X, given.y, given.weight)


def inferred(name: str, covariance: str | None = None):
    given = reference(name)
    groups = given.clusters if covariance == "cluster" else None
    return given, fitted(given).inference(
        given.X, given.y, given.weight, weights=given.weights, covariance=covariance, groups=groups
    )


def used(name: str):
    if name == PRIOR:
        with pytest.warns(UserWarning, match=r"moves 1 : 0, x1 by 0\.5\d standard errors"):
            return inferred(name)
    return inferred(name, KINDS[name])


def free_covariance(inference, n_classes: int) -> np.ndarray:
    """The covariance of all contrasts with class 0, by polarisation of those of pairs."""
    own = {k: inference.covariance(k, 0) for k in range(1, n_classes)}
    size = len(own[1])
    whole = np.empty((n_classes - 1, size, n_classes - 1, size))
    for a, of_a in own.items():
        for b, of_b in own.items():
            # Pairs tell Cov(a, b) + its transpose only.
            pair = of_a + of_b - inference.covariance(a, b) if a != b else 2 * of_a
            whole[a - 1, :, b - 1] = pair / 2
    return whole.reshape((n_classes - 1) * size, -1)


def symmetric_part(matrix: np.ndarray, n_classes: int) -> np.ndarray:
    blocks = matrix.reshape(n_classes - 1, -1, n_classes - 1, len(matrix) // (n_classes - 1))
    return ((blocks + blocks.transpose(0, 3, 2, 1)) / 2).reshape(matrix.shape)


@pytest.mark.parametrize("name", [*NAMES, PRIOR])
def test_coefficients_are_right_to_a_small_part_of_their_errors(name):
    given, inference = used(name)
    for of, against, expected in pairs(given):
        columns = inference.contrast(of, against).columns
        off = np.abs(columns["estimate"] - numbers([row["coef"] for row in expected]))
        assert (off < STANDARD_ERRORS * columns["standard_error"]).all()


@pytest.mark.parametrize(
    ("name", "kind", "stored"),
    [
        *((name, "observed", "observed") for name in NAMES[:3]),
        *((name, "robust", "robust_no_factor") for name in NAMES),
        ("nhanes_age", "cluster", "cluster_no_factor"),
        (PRIOR, None, "laplace"),
    ],
)
def test_covariances(name, kind, stored):
    given, inference = used(name) if kind is None else inferred(name, kind)
    factor = float(given.expected.get(f"{kind}_factor", 1.0))
    n_classes = len(given.classes)
    expected = factor * symmetric_part(given.array("covariance", stored), n_classes)
    found = free_covariance(inference, n_classes)
    size = np.sqrt(np.outer(np.diagonal(expected), np.diagonal(expected)))
    assert (np.abs(found - expected) <= COVARIANCE * size).all()


@pytest.mark.parametrize("name", [*NAMES, PRIOR])
def test_contrasts_of_every_pair(name):
    given, inference = used(name)
    for of, against, expected in pairs(given):
        columns = inference.contrast(of, against).columns
        assert columns["feature"].tolist() == [
            *(f"x{j}" for j in range(given.X.shape[1])),
            "(intercept)",
        ]
        for key, stored in (
            ("standard_error", "se"),
            ("z", "z"),
            ("p_value", "p"),
            ("lower", "ci_low"),
            ("upper", "ci_high"),
        ):
            if key in columns:
                values = numbers([row[stored] for row in expected])
                np.testing.assert_allclose(columns[key], values, rtol=2e-8, atol=1e-10)
        ratios = expected[:-1]
        for key, stored in (
            ("odds_ratio", "rrr"),
            ("odds_ratio_lower", "rrr_low"),
            ("odds_ratio_upper", "rrr_high"),
        ):
            values = numbers([row[stored] for row in ratios])
            np.testing.assert_allclose(columns[key][:-1], values, rtol=1e-8)
            assert np.isnan(columns[key][-1])
    assert ("z" in columns) == (name != PRIOR)


@pytest.mark.parametrize("name", [*NAMES, PRIOR])
def test_every_reference_class_from_one_fit(name):
    given, inference = used(name)
    for against in range(len(given.classes)):
        summary = inference.summary(reference=against).columns
        for of in range(len(given.classes)):
            if of != against:
                contrast = inference.contrast(of, against).columns
                rows = summary["of"] == of
                assert all((summary[key][rows] == contrast[key])[:-1].all() for key in contrast)
        assert set(summary["against"]) == {against}


@pytest.mark.parametrize("name", [*NAMES, PRIOR])
def test_effects_and_their_errors(name):
    given, inference = used(name)
    for stored in given.expected["marginal_effects"]:
        if stored["kind"] == "average derivative":
            table = inference.marginal_effect(given.names.index(stored["term"]))
        else:
            before, after = (changed(given, stored[key]) for key in ("set_from", "set_to"))
            table = inference.average_difference(before, after)
        check_effects(table.columns, stored["classes"])


def changed(given: Reference, values: dict[str, str]) -> np.ndarray:
    X = given.X.copy()
    for name, value in values.items():
        X[:, given.names.index(name)] = float(value)
    return X


def check_effects(columns, stored) -> None:
    error = numbers([each["se"] for each in stored])
    for key, theirs in (("estimate", "effect"), ("lower", "ci_low"), ("upper", "ci_high")):
        off = np.abs(columns[key] - numbers([each[theirs] for each in stored]))
        assert (off < 1e-8 * error).all()
    np.testing.assert_allclose(columns["standard_error"], error, rtol=1e-8)
    if "p_value" in columns:
        np.testing.assert_allclose(
            columns["p_value"], numbers([each["p"] for each in stored]), rtol=1e-7
        )


@pytest.mark.parametrize("name", [*NAMES, PRIOR])
def test_probabilities_and_logit_intervals(name):
    given, inference = used(name)
    stored = given.expected["predictions"]
    X = numbers([each["x"] for each in stored])
    found = inference.predict_interval(X)
    for key, theirs in (("probability", "p"), ("lower", "low"), ("upper", "high")):
        expected = numbers([[each[theirs] for each in row["classes"]] for row in stored])
        np.testing.assert_allclose(getattr(found, key), expected, rtol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_group_tests(name):
    given, inference = used(name)
    for stored in given.expected["tests"]:
        terms = [given.names.index(term) for term in stored["terms"]]
        for kind, key in (("wald", "wald"), ("likelihood-ratio", "lr"), ("score", "score")):
            if key in stored and (key == "wald" or KINDS[name] == "observed"):
                check_test(inference.test(terms, statistic=kind), stored[key], stored["df"], kind)


@pytest.mark.parametrize("name", NAMES)
def test_robust_group_tests(name):
    given = reference(name)
    kind = "cluster" if given.clusters is not None else "robust"
    _, inference = inferred(name, kind)
    factor = float(given.expected[f"{kind}_factor"])
    for stored in given.expected["tests"]:
        if "wald_robust_no_factor" in stored:
            found = inference.test([given.names.index(term) for term in stored["terms"]])
            expected = float(stored["wald_robust_no_factor"]["stat"]) / factor
            assert found.kind == "wald"
            assert found.statistic == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("name", NAMES[:3])
def test_merged_classes(name):
    given, inference = used(name)
    for stored in given.expected["combine"]:
        pair = tuple(given.classes.index(each) for each in stored["classes"])
        for kind, key in (("wald", "wald"), ("likelihood-ratio", "lr")):
            df = int(stored[key].get("df", stored["wald"]["df"]))
            check_test(inference.test(classes=pair, statistic=kind), stored[key], df, kind)


def check_test(found, stored, df: int, kind: str) -> None:
    assert (found.kind, found.df) == (kind, df)
    assert found.statistic == pytest.approx(float(stored["stat"]), rel=1e-8)
    assert found.p_value == pytest.approx(float(stored["p"]), rel=1e-6)


@pytest.mark.parametrize("name", [*NAMES, PRIOR])
def test_figures(name):
    given, inference = used(name)
    stored = given.expected["fit"]
    for key, theirs in (
        ("log_likelihood", "loglik"),
        ("null_log_likelihood", "loglik_null"),
        ("mcfadden_r2", "mcfadden"),
        ("n_parameters", "n_parameters"),
    ):
        assert getattr(inference, key) == pytest.approx(float(stored[theirs]), rel=1e-12)
    if given.weights != "sampling":
        assert inference.n_observations == float(stored["n_obs"])
    if name != PRIOR and given.weights != "sampling":
        assert inference.aic == pytest.approx(float(stored["aic"]), rel=1e-12)
        assert inference.bic == pytest.approx(float(stored["bic"]), rel=1e-12)


def test_the_overall_test_is_against_the_closed_form():
    given, inference = used("hsbdemo")
    found = inference.test(range(given.X.shape[1]))
    stored = given.expected["fit"]
    assert found.statistic == pytest.approx(float(stored["lr"]), rel=1e-12)
    assert found.df == int(stored["lr_df"])
    assert found.p_value == pytest.approx(float(stored["lr_p"]), rel=1e-10)


def pairs(given: Reference):
    """Every pair of classes with its stored rows."""
    for stored in given.expected["contrasts"]:
        of, against = (given.classes.index(stored[key]) for key in ("of", "against"))
        yield of, against, stored["rows"]
