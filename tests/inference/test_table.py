"""Tables: 88 columns of text, HTML that shows what the user gave, and columns of numbers."""

import pickle
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from inference.references import reference

from softmax_regression import SoftmaxRegression
from softmax_regression._inference.table import (
    Fact,
    Shown,
    Table,
    number,
    probability,
    ratio,
    shortened,
    small_probability,
)

WIDTH = 88

HSBDEMO = """\
Multinomial logistic regression                maximum likelihood, observed information

observations               200    log-likelihood                              -179.9817
classes                      3    intercepts only                             -204.0967
parameters                   8    LR chi2(6)                        48.230, p = 1.1e-08
McFadden R2             0.1182    AIC, BIC                             375.963, 402.350

log-odds         estimate  std. err.       z        p         95 % interval  odds ratio
---------------------------------------------------------------------------------------
general : academic
  ses=middle      -0.5333     0.4437   -1.20   0.2294      [-1.403, 0.3364]      0.5867
  ses=high         -1.163     0.5142   -2.26   0.0237      [-2.171, -0.155]      0.3126
  write          -0.05793    0.02141   -2.71   0.0068  [-0.09989, -0.01596]      0.9437
  (intercept)       2.852      1.166    2.45   0.0145        [0.566, 5.138]
vocation : academic
  ses=middle       0.2914     0.4764    0.61   0.5407      [-0.6423, 1.225]       1.338
  ses=high        -0.9827     0.5956   -1.65   0.0989       [-2.15, 0.1846]      0.3743
  write           -0.1136    0.02222   -5.11  <0.0001   [-0.1572, -0.07005]      0.8926
  (intercept)       5.218      1.164    4.48  <0.0001        [2.938, 7.499]"""


class Frame:
    """As much of a data frame as the library asks for."""

    def __init__(self, values, names):
        self.values, self.columns = values, names

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


def hsbdemo(l2=0.0):
    given = reference("hsbdemo")
    X, y = Frame(given.X, given.names), np.array(given.classes)[given.y]
    return X, y, SoftmaxRegression(l2=l2).fit(X, y)


def test_the_summary_of_hsbdemo_as_it_prints():
    X, y, model = hsbdemo()
    inference = model.inference(X, y)
    assert str(inference.summary()) == HSBDEMO
    assert repr(inference.summary()) == HSBDEMO
    assert repr(inference) == (
        "<Inference: maximum likelihood, observed information; 200 observations, 3 classes, "
        "8 parameters>"
    )
    assert inference._repr_html_() == inference.summary()._repr_html_()
    assert str(inference.test(["ses=middle", "ses=high"])) == (
        "ses=middle, ses=high: likelihood ratio chi2(4) = 11.06, p = 0.026"
    )
    assert repr(inference.test(classes=("academic", "general"), statistic="wald")) == (
        "academic : general: Wald chi2(3) = 13.91, p = 0.003"
    )


def test_a_pickle_prints_the_same_and_is_small():
    X, y, model = hsbdemo()
    inference = model.inference(X, y)
    dumped = pickle.dumps(inference)
    loaded = pickle.loads(dumped)
    for ask in (
        lambda i: i.summary("general", level=0.9),
        lambda i: i.contrast("vocation", "general"),
        lambda i: i.test("write", statistic="wald"),
        lambda i: i.marginal_effect("write", X),
        repr,
    ):
        assert str(ask(loaded)) == str(ask(inference))
    assert len(dumped) < X.values.nbytes
    tables = [inference.summary(), model.coefficients(), model.explain(Frame(X.values, X.columns))]
    for table in tables:
        assert str(pickle.loads(pickle.dumps(table))) == str(table)


def test_intervals_of_probabilities_are_three_arrays_that_print_as_a_table():
    X, y, model = hsbdemo()
    inference = model.inference(X, y)
    found = inference.predict_interval(Frame(X.values[:2], X.columns), level=0.9)
    probability, lower, upper = found
    assert probability is found.probability
    assert lower is found.lower
    assert upper is found.upper
    np.testing.assert_allclose(
        probability, model.predict_proba(Frame(X.values[:2], X.columns)), rtol=1e-4
    )
    columns = found.columns
    assert list(columns) == ["row", "class", "probability", "lower", "upper"]
    assert columns["row"].tolist() == [0, 0, 0, 1, 1, 1]
    assert columns["class"].tolist() == 2 * model.classes_.tolist()
    for name in ("probability", "lower", "upper"):
        np.testing.assert_array_equal(columns[name].reshape(2, 3), getattr(found, name))
    lines = repr(found).splitlines()
    assert lines[0].split() == ["row,", "class", "probability", "90", "%", "interval"]
    assert [lines[2], lines[6], len(lines)] == ["0", "1", 10]
    for line, k in zip((*lines[3:6], *lines[7:]), 2 * [0, 1, 2], strict=True):
        assert line.split()[0] == str(model.classes_[k])
    assert lines[3].split()[1:] == [
        f"{probability[0, 0]:.4g}",
        f"[{lower[0, 0]:.4g},",
        f"{upper[0, 0]:.4g}]",
    ]
    assert ET.fromstring(found._repr_html_()).tag == "div"
    again = pickle.loads(pickle.dumps(found))
    assert str(again) == str(found)
    many = inference.predict_interval(X)
    assert str(many).endswith("580 more rows: .columns has them all.")
    assert max(map(len, str(many).splitlines())) <= 88


def test_intervals_under_a_prior_are_credible():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 2)), np.arange(60) % 3
    found = SoftmaxRegression(l2=0.01).fit(X, y).inference(X, y).predict_interval(X[:1])
    assert "95 % credible" in str(found)


def test_a_posterior_has_a_mode_and_no_p_values():
    X, y, model = hsbdemo(l2=1e-3)
    table = model.inference(X, y).summary()
    text = str(table)
    assert "Gaussian prior (l2 = 0.001), Laplace posterior" in text
    assert "95 % credible" in text
    assert text.endswith(
        "No p-values: l2 > 0 shrinks estimates. SoftmaxRegression(l2=0) has tests, intervals."
    )
    assert not {"z", "p_value"} & set(table.columns)
    assert "prior sd of a weight" in text


@pytest.mark.parametrize("size", [1e-200, 1e-5, 1.0, 1e6, 1e200])
@pytest.mark.parametrize("name", ["x", "a name of a column that is as long as names get" * 3])
def test_text_keeps_within_its_width(size, name):
    names = [f"{name} {j}" for j in range(3)]
    values = -size * np.array([1.23456789, 2.3456789, 3.456789])
    columns = {"class": np.array(["a" * 100] * 3), "feature": np.array(names), "estimate": values}
    shown = [
        Shown("estimate", number, ("estimate",), 10),
        Shown("std. err.", number, ("estimate",), 9),
        Shown("p", probability, ("estimate",), 7),
        Shown("odds ratio", ratio, ("estimate",), 10),
    ]
    table = Table(columns, shown, label="feature", groups=("class",), title=("t" * 60, "u" * 60))
    lines = str(table).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert [line for line in lines if f"{values[0]:.4g}" in line]


def test_long_tables_print_their_first_rows_and_say_so():
    n = 61
    columns = {"feature": np.arange(n).astype(str), "estimate": np.arange(n) / 7}
    table = Table(columns, [Shown("estimate", number, ("estimate",))], label="feature")
    lines = str(table).splitlines()
    assert lines[-1] == "41 more rows: .columns has them all."
    assert len(lines) == 1 + 1 + 20 + 1
    assert table._repr_html_().count("<tr>") == 1 + 20
    assert len(table) == n


def test_names_are_escaped_in_html_and_harmless_in_text():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    y = np.array(["<script>alert(1)</script>", "b\n& c"])[[0, 1, 0, 1]]
    model = SoftmaxRegression(l2=0.1).fit(Frame(X, ["<b>\u202e"]), y)
    html = model.coefficients()._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert "b?&amp; c" in html
    assert len(str(model.coefficients()).splitlines()) == 2 + 2 * 3
    with_fold = model._repr_html_()
    assert "<details><summary>Coefficients</summary>" in with_fold
    assert html in with_fold


def test_a_title_that_does_not_fit_takes_a_line_of_its_own():
    table = Table(
        {"feature": np.array(["x"])}, [], label="feature", title=("left" * 12, "right" * 12)
    )
    assert str(table).splitlines()[:2] == ["left" * 12, ("right" * 12).rjust(88)]


def cells_of(table):
    """The lines of a table's HTML, as a notebook shows them."""
    lines = ET.fromstring(table._repr_html_()).iter("tr")
    return [["".join(cell.itertext()) for cell in line] for line in lines]


def test_html_says_what_the_text_says():
    X, y, model = hsbdemo()
    table = model.inference(X, y).summary()
    shown = " ".join(cell for line in cells_of(table) for cell in line)
    for word in str(table).replace("-" * 86, "").split():
        assert word in shown or word in table._repr_html_()
    assert cells_of(table)[5] == ["general : academic"]
    line = " ".join(cells_of(table)[6])
    assert line == "\u2003ses=middle -0.5333 0.4437 -1.20 0.2294 [-1.403,\u00a00.3364] 0.5867"


def test_html_cuts_names_in_the_middle_from_60_characters_on():
    names = np.array(["a" * 60, "a" * 50 + "b" * 50])
    table = Table({"feature": names}, [], label="feature")
    assert cells_of(table)[1:] == [["a" * 60], ["a" * 30 + "…" + "b" * 29]]


def test_html_names_and_bars_begin_and_numbers_end_at_one_place():
    """Also in notebooks that align all cells at the right: a block begins at the left."""
    X, y, model = hsbdemo()
    two = Frame(X.values[:2], X.columns)
    for table, bars in ((model.inference(X, y).summary(), 0), (model.explain(two), 2 * 3)):
        cells = list(ET.fromstring(table._repr_html_()).iter())
        blocks = [cell for cell in cells if cell.find("div") is not None and cell.tag == "td"]
        assert len(blocks) == bars
        for cell in cells:
            if cell.tag == "th":
                assert (cell.find("div") is None) == (cell.get("align") == "right")


def test_facts_stand_in_two_columns_the_first_half_on_the_left():
    facts = [Fact("a", "1"), Fact("b", "2"), Fact("c", "3")]
    table = Table({"feature": np.array(["x"])}, [], label="feature", facts=facts)
    assert str(table).splitlines()[:2] == ["a" + "1".rjust(29) + "    c  3", "b" + "2".rjust(29)]
    assert cells_of(table) == [["a", "1", "c", "3"], ["b", "2"], [""], ["x"]]


def test_small_numbers_in_words():
    assert probability(0.00009) == "<0.0001"
    assert probability(0.0001) == "0.0001"
    assert small_probability(1e-301) == "< 1e-300"
    assert small_probability(0.0259) == "= 0.026"
    assert ratio(np.nan) == ""
    assert shortened("abcdefgh", 5) == "ab…gh"
    assert shortened("a\tb", 5) == "a?b"


def test_long_names_are_cut_in_the_middle():
    names = [f"a name of a column that is as long as names get {j}" for j in range(3)]
    columns = {"feature": np.array(names), "estimate": np.arange(3.0)}
    table = Table(columns, [Shown("e" * 74, number, ("estimate",))], label="feature")
    assert [line[:12] for line in str(table).splitlines()[-3:]] == [
        f"a name…get {j}" for j in range(3)
    ]


def test_long_notes_are_broken_into_lines():
    note = "word " * 40
    table = Table({"feature": np.array(["x"])}, [], label="feature", notes=[note])
    lines = str(table).splitlines()
    assert max(map(len, lines)) <= 88
    assert " ".join(lines).count("word") == 40
