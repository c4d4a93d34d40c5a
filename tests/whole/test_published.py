"""Published multinomial logit tables come out of `fit` as they were printed.

Data, figures and sources: data/published/README.md. The tolerance is half a unit of the last digit
that stands in tables.json: what rounding to it can change, and no more.
"""

import csv
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from softmax_regression import SoftmaxRegression

DATA = Path(__file__).parents[1] / "data" / "published"
TABLES = json.loads((DATA / "tables.json").read_text(), parse_float=Decimal)

# In nats of the mean loss. The fit ends with a Newton step, which squares the error: without that,
# TOL would leave coefficients uncertain by the order of its square root.
TOL = 1e-12


def is_as_printed(computed, printed):
    unit = 10.0 ** printed.as_tuple().exponent
    return abs(computed - float(printed)) <= unit / 2


def read_columns(table):
    """Return the columns of the rows in the table's classes, as text, and the rows' counts."""
    lines = (DATA / table["data"]).read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    kept = [row for row in rows if row[table["target"]] in table["classes"]]
    columns = {name: np.array([row[name] for row in kept]) for name in kept[0]}
    return columns, columns.pop("count", np.ones(len(kept))).astype(int)


def feature(columns, term):
    """Return a numeric column, or for `name=level` the indicator of the level."""
    name, _, level = term.partition("=")
    return columns[name] == level if level else columns[name].astype(float)


def features(table):
    return [term for term in table["terms"] if term != "intercept"]


def with_weights(X, labels, counts, _):
    return X, labels, counts


def with_repeated_rows(X, labels, counts, _):
    return X.repeat(counts, axis=0), labels.repeat(counts), None


def with_probability_rows(X, labels, counts, classes):
    """One row for each distinct x: the shares of the classes, weighted by how often it occurs."""
    distinct, index = np.unique(X, axis=0, return_inverse=True)
    table = np.zeros((len(distinct), len(classes)))
    np.add.at(table, (index, [classes.index(label) for label in labels]), counts)
    totals = table.sum(axis=1)
    return distinct, table / totals[:, None], totals


def fit(table, arrange):
    """Return the fitted parameters {class: {term: value}} and the log-likelihood."""
    columns, counts = read_columns(table)
    X = np.column_stack([feature(columns, term) for term in features(table)]).astype(float)
    X, y, weights = arrange(X, columns[table["target"]], counts, table["classes"])
    model = SoftmaxRegression(l2=float(table.get("l2", 0)), tol=TOL).fit(X, y, weights)
    classes = model.classes_.tolist() if y.ndim == 1 else table["classes"]
    rows = np.column_stack([model.intercept_, model.coef_])
    rows -= rows[classes.index(table["reference"])] if table["reference"] else rows.mean(axis=0)
    terms = ["intercept", *features(table)]
    parameters = {
        k: dict(zip(terms, row, strict=True)) for k, row in zip(classes, rows, strict=True)
    }
    return parameters, -counts.sum() * model.loss(X, y, weights)


def saturated_log_likelihood(table):
    """Σ n log(n / N): every combination of the columns predicts the shares observed in it."""
    columns, counts = read_columns(table)
    del columns[table["target"]]
    combinations = list(zip(*columns.values(), strict=True))
    totals = Counter()
    for combination, count in zip(combinations, counts, strict=True):
        totals[combination] += count
    shares = counts / [totals[combination] for combination in combinations]
    return counts @ np.log(shares)


@pytest.fixture(
    scope="module",
    params=[with_weights, with_repeated_rows, with_probability_rows],
    ids=lambda arrange: arrange.__name__,
)
def arrange(request):
    return request.param


@pytest.fixture(scope="module", params=TABLES, ids=lambda table: table["id"])
def table(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(table, arrange):
    return fit(table, arrange)


def test_coefficients_are_as_printed(table, fitted):
    parameters, _ = fitted
    for k, figures in table["coefficients"].items():
        for term, printed in zip(table["terms"], figures, strict=True):
            computed = parameters[k][term]
            assert is_as_printed(computed, printed), f"{k}, {term}: {computed}, not {printed}"


def test_log_likelihood_and_deviance_are_as_printed(table, fitted):
    _, log_likelihood = fitted
    if "log_likelihood" in table:
        assert is_as_printed(log_likelihood, table["log_likelihood"])
    if "deviance" in table:
        assert is_as_printed(-2 * log_likelihood, table["deviance"])
    if "deviance_from_saturated" in table:
        lack_of_fit = 2 * (saturated_log_likelihood(table) - log_likelihood)
        assert is_as_printed(lack_of_fit, table["deviance_from_saturated"])


def test_the_next_digit_would_be_noticed():
    assert is_as_printed(2.8521864, Decimal("2.852186"))
    assert not is_as_printed(2.8521866, Decimal("2.852186"))
    assert not is_as_printed(5.2182006, Decimal("5.218200"))
