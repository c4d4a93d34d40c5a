"""A model as text and as HTML: the facts are there, nothing of the user's escapes or breaks it."""

import html
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from softmax_regression import DivergenceError, SoftmaxRegression

HOSTILE = "<script>alert('1')</script>&\"\x00\u202e\udc80\n]]>"


class Frame(np.ndarray):
    """An array with column names, as a data frame has them."""

    columns = ("width", "height", HOSTILE)


class Raises:
    def __repr__(self):
        raise RuntimeError("no repr")


class Returns:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def fitted(labels=("a", "b", "c"), *, frame=False, **parameters):
    X = np.random.default_rng(0).normal(size=(30, 3))
    y = np.asarray(labels)[np.arange(30) % len(labels)]
    model = SoftmaxRegression(**({"learning_rate": 0.1, "tol": 0, "max_iter": 30} | parameters))
    return model.fit(X.view(Frame) if frame else X, y)


def with_curves(training, validation=()):
    model = fitted(max_iter=1)
    model.loss_curve_ = np.array(training, dtype=np.float64)
    model.validation_curve_ = np.array(validation, dtype=np.float64)
    model.n_iter_ = len(training)
    return model


def parsed(model):
    """The view as a tree; a view that is no well-formed XML fails here."""
    return ET.fromstring(model._repr_html_())


def text_of(tree):
    """What a viewer shows that strips SVG."""
    for parent in list(tree.iter()):
        for drawing in parent.findall("svg"):
            parent.remove(drawing)
    return " ".join(tree.itertext())


def drawing_texts(model):
    """The words and numbers in the drawing."""
    return [text.text for text in parsed(model).findall(".//svg/g/text")]


def points(path):
    """The points of SVG path data, one list for each connected piece."""
    pieces = path.replace("h0", "").split("M")[1:]
    return [[tuple(map(int, p.split(","))) for p in piece.split("L")] for piece in pieces]


# Text


def test_only_what_differs_from_the_defaults_is_shown():
    assert repr(SoftmaxRegression()) == "SoftmaxRegression()"
    assert repr(SoftmaxRegression(l2=1e-4, tol=1e-6)) == repr(SoftmaxRegression())
    model = SoftmaxRegression(l2=0.5, class_weight={"a": 2}, random_state=None, verbose=True)
    assert repr(model) == "SoftmaxRegression(l2=0.5, class_weight={'a': 2}, verbose=True)"
    assert eval(repr(model)).get_params() == model.get_params()


def test_a_subclass_is_called_by_its_own_name():
    class Mine(SoftmaxRegression):
        pass

    assert repr(Mine(l1=1.0)) == "Mine(l1=1.0)"
    assert "<b>Mine</b>" in Mine()._repr_html_()


@pytest.mark.parametrize(
    "value",
    [Raises(), Returns(HOSTILE), Returns("x" * 10**6), Returns(3), [Raises()], 10**5000],
    ids=["raises", "hostile", "long", "no text", "inside", "huge"],
)
def test_a_parameter_that_cannot_be_shown_harms_nothing(value):
    model = fitted().set_params(callback=value)
    assert len(repr(model)) < 200
    assert repr(model).startswith("SoftmaxRegression(learning_rate=0.1")
    assert len(model._repr_html_()) < 5000
    assert parsed(model).find(".//script") is None


def test_a_model_without_its_parameters_can_be_shown():
    """As a debugger sees it in the middle of unpickling."""
    model = SoftmaxRegression.__new__(SoftmaxRegression)
    assert repr(model) == "SoftmaxRegression()"
    assert "not fitted" in model._repr_html_()


# HTML


def test_an_unfitted_model_says_so():
    tree = parsed(SoftmaxRegression(l2=2.0))
    assert "SoftmaxRegression , not fitted" in text_of(tree)
    assert tree.find(".//svg") is None


def test_a_fitted_model_tells_what_it_learned_and_how_well():
    model = fitted(("setosa", "versicolor", "virginica"), frame=True, max_iter=12)
    text = text_of(parsed(model))
    assert "3 classes, 3 features, float64" in text
    assert "'setosa', 'versicolor', 'virginica'" in text
    assert "Features: 'width', 'height'" in text
    assert "Ran 12 epochs, as asked" in text
    assert "No proven distance to the minimum" in text
    first, last = (f"{model.loss_curve_[epoch]:.4g}" for epoch in (0, -1))
    assert f"Training loss from {first} to {last} nats" in text


def test_convergence_and_the_proven_gap_are_told():
    model = fitted(max_iter=1)
    model.converged_, model.optimality_gap_, model.stop_reason_ = True, 1.23e-7, "tol"
    text = text_of(parsed(model))
    assert "Converged after 1 epoch" in text
    assert "Proven to be at most 1.2e-07 nats above the minimum" in text


def overlapping():
    """Two classes that no line separates."""
    X = np.random.default_rng(0).normal(size=(60, 2))
    return X, (X[:, 0] + np.random.default_rng(1).normal(size=60) > 0).astype(int)


SEPARABLE = np.array([[-2.0, 0.0], [-1.0, 1.0], [1.0, 0.0], [2.0, 1.0]]), np.array([0, 0, 1, 1])
GD = {"learning_rate": 0.1}


@pytest.mark.parametrize(
    ("settings", "data", "reason", "told"),
    [
        ({}, overlapping(), "tol", "Converged after "),
        (GD | {"tol": 0.1}, overlapping(), "tol", "Converged after "),
        (GD | {"early_stopping": True}, overlapping(), "validation", "validation loss no longer"),
        (GD | {"max_iter": 5, "tol": 0}, overlapping(), "max_iter", "Ran 5 epochs, as asked"),
        (GD | {"max_iter": 5}, overlapping(), "max_iter", "max_iter after 5 epochs, not converged"),
        ({"max_iter": 2}, overlapping(), "max_iter", "Ended by max_iter after"),
        ({"max_iter": 2, "tol": 0}, overlapping(), "max_iter", "epochs, not converged"),
        ({"max_iter": 0}, overlapping(), "max_iter", "Ran 0 epochs, as asked"),
        ({"tol": 0}, overlapping(), "rounding", "until float64 had no more digits, as asked"),
        ({"l2": 0}, SEPARABLE, "separable", "Not converged after "),
        (
            {"l2": 0, "callback": lambda p: p.step == 1},
            SEPARABLE,
            "callback",
            "Ended by the callback",
        ),
        (GD | {"learning_rate": 1e6, "max_iter": 4, "tol": 0}, overlapping(), "rise", "loss rose"),
        ({"callback": lambda p: p.step == 1}, overlapping(), "callback", "Ended by the callback"),
        (GD | {"callback": lambda p: p.epoch == 2}, overlapping(), "callback", "after 2 epochs"),
    ],
)
@pytest.mark.filterwarnings("ignore::softmax_regression.ConvergenceWarning")
def test_the_view_says_what_ended_the_fit_and_whether_that_was_asked_for(
    settings, data, reason, told
):
    model = SoftmaxRegression(**settings).fit(*data)
    assert model.stop_reason_ == reason
    assert model.converged_ is (reason in ("tol", "validation"))
    assert told in text_of(parsed(model))


def test_the_view_of_a_fit_that_diverged_says_so():
    model = SoftmaxRegression(learning_rate=1e300, tol=0)
    with pytest.raises(DivergenceError):
        model.fit(*overlapping())
    assert model.stop_reason_ == "divergence"
    assert "Diverged after 1 epoch: these are the last finite parameters" in text_of(parsed(model))


@pytest.mark.parametrize("learning_rate", [0.1, "auto"])
def test_the_view_of_a_stream_says_so(learning_rate):
    model = SoftmaxRegression(learning_rate=learning_rate)
    for _ in range(2):
        model.partial_fit(*overlapping(), classes=[0, 1])
    assert model.stop_reason_ == "partial_fit"
    assert "Learned by partial_fit in 2 epochs" in text_of(parsed(model))
    assert "2 epochs" in drawing_texts(model)


def test_a_model_of_an_older_version_says_only_what_it_knows():
    model = fitted(max_iter=3)
    del model.stop_reason_
    assert "Ended after 3 epochs" in text_of(parsed(model))


def test_every_parameter_is_listed_and_the_changed_ones_stand_out():
    model = fitted(l2=0.25, class_weight={"a": 2})
    rows = parsed(model).findall(".//table/tr")
    cells = {row.find("th").text: row.find("td") for row in rows}
    assert list(cells) == list(model.get_params())
    assert all(row.find("th").get("scope") == "row" for row in rows)
    bold = {name: cell.find("b").text for name, cell in cells.items() if cell.find("b") is not None}
    changed = {"l2": "0.25", "learning_rate": "0.1", "tol": "0", "max_iter": "30"}
    assert bold == changed | {"class_weight": "{'a': 2}"}
    assert cells["l2"].find("b").tail == " (default 0.0001)"
    assert "".join(cells["momentum"].itertext()) == "0.0"


@pytest.mark.parametrize("labels", [(3, 1), (True, False), (b"x", b"y")], ids=["int", "bool", "S"])
def test_labels_are_shown_as_python_writes_them(labels):
    shown = ", ".join(map(repr, sorted(labels)))
    assert f"Classes: {shown}" in text_of(parsed(fitted(labels)))


def test_dates_are_shown_as_dates():
    dates = np.array(["2024-01-01", "2025-01-01"], dtype="datetime64[ns]")
    assert "Classes: 2024-01-01" in text_of(parsed(fitted(dates)))


def test_long_lists_are_cut():
    assert "Classes: 0, 1, 2, 3, 4, …" in text_of(parsed(fitted(range(9))))
    assert "Classes: 0, 1, 2, 3, 4" in text_of(parsed(fitted(range(5))))


def test_what_the_user_gives_is_escaped():
    model = fitted(("a", HOSTILE), frame=True, class_weight={HOSTILE: 2.0})
    view = model._repr_html_()
    assert html.escape("<script>alert(") in view
    view.encode("utf-8")
    tree = parsed(model)
    assert {"script", "style"}.isdisjoint(element.tag for element in tree.iter())
    assert all(character.isprintable() for character in view)


def test_no_scripts_styles_ids_links_or_colours():
    tree = parsed(with_curves(np.linspace(1, 0, 50), np.linspace(1, 0.5, 50)))
    for element in tree.iter():
        assert element.tag not in ("script", "style", "link", "a", "img")
        assert {"id", "class", "href", "src", "style"}.isdisjoint(element.attrib)
        assert not any(name.startswith("on") for name in element.attrib)
        for colour in (element.get("fill"), element.get("stroke")):
            assert colour in (None, "none", "currentColor")


@pytest.mark.parametrize(
    ("n_classes", "n_features", "title", "rows"),
    [
        (3, 19, "Coefficients", 60),
        (3, 20, "Coefficients, 20 of each class by size; coefficients() has all", 60),
        (20, 7, "Coefficients, 3 of each class by size; coefficients() has all", 60),
        (50, 1, "Coefficients, 1 of each class by size; coefficients() has all", 50),
        (61, 4, "Coefficients, 1 of each class by size; coefficients() has all", 20),
    ],
)
def test_many_coefficients_are_shown_by_the_largest_of_each_class(
    n_classes, n_features, title, rows
):
    X = np.random.default_rng(0).normal(size=(2 * n_classes, n_features))
    model = SoftmaxRegression(learning_rate=0.1, tol=0, max_iter=1)
    model.fit(X, np.arange(2 * n_classes) % n_classes)
    fold = parsed(model).find("details")
    assert fold.findtext("summary") == title
    scopes = [cell.get("scope") for cell in fold.iter("th")]
    assert scopes.count("row") == rows


def test_the_view_takes_three_to_five_kilobytes():
    """Of a long fit, whose curve is the largest part."""
    assert 3000 < len(with_curves(np.geomspace(2, 0.1, 10_000))._repr_html_().encode()) < 5000


# The curve


def test_the_drawing_is_described_for_those_who_do_not_see_it():
    drawing = parsed(with_curves([2.0, 1.0], [2.5, 1.5])).find(".//svg")
    assert drawing.get("role") == "img"
    sentence = "Training loss from 2 to 1 nats; validation loss from 2.5 to 1.5 nats"
    assert drawing.get("aria-label") == sentence
    assert drawing.find("title").text == drawing.get("aria-label")


@pytest.mark.parametrize("n_epochs", [2, 99, 100, 101, 5000, 10**6])
def test_a_curve_of_any_length_has_few_points_and_its_ends(n_epochs):
    curve = np.linspace(3.0, 1.0, n_epochs)
    curve[-1] = -1.0
    (drawn,) = points(parsed(with_curves(curve)).find(".//svg/path").get("d"))
    assert len(drawn) == min(n_epochs, 100)
    assert drawn[0] == (8, 8)
    assert drawn[-1] == (608, 168)
    assert drawn == sorted(drawn)


def test_both_curves_share_their_axes():
    """Each is drawn above its own lowest value: 8, 4, 2, 0 and, in fewer epochs, 0, 4, 8."""
    paths = parsed(with_curves([9.0, 5.0, 3.0, 1.0], [2.0, 6.0, 10.0])).findall(".//svg/path")
    assert points(paths[0].get("d")) == [[(8, 8), (208, 61), (408, 115), (608, 168)]]
    assert points(paths[1].get("d")) == [[(8, 168), (208, 61), (408, 8)]]
    assert paths[0].get("stroke-dasharray") is None
    assert paths[1].get("stroke-dasharray") is not None


NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("curve", "drawn"),
    [
        ([2.0], [[(8, 88)]]),
        ([2.0, 2.0], [[(8, 88), (608, 88)]]),
        ([3.0, NAN, 1.0], [[(8, 8)], [(608, 168)]]),
        ([NAN, 3.0, 1.0], [[(308, 8), (608, 168)]]),
        ([3.0, 1.0, INF], [[(8, 8), (308, 168)]]),
        ([-1e308, 1e308], [[(8, 168), (608, 8)]]),
        ([0.0, 5e-324], [[(8, 88), (608, 88)]]),
        ([1e100, 1.0, 0.0], [[(8, 8), (308, 168), (608, 168)]]),
    ],
    ids=["one", "constant", "NaN", "NaN first", "inf", "huge", "tiny", "many decades"],
)
def test_unusual_curves_are_drawn_where_they_are_finite(curve, drawn):
    with np.errstate(all="raise"):
        tree = parsed(with_curves(curve))
    assert points(tree.find(".//svg/path").get("d")) == drawn


def test_the_axis_is_logarithmic_down_to_the_lowest_value():
    """A tenth of the distance is the same way down everywhere, and the lowest ends the axis."""
    curve = [1.0 + 10.0**-k for k in range(5)] + [1.0]
    (drawn,) = points(parsed(with_curves(curve)).find(".//svg/path").get("d"))
    heights = np.diff([y for _, y in drawn])
    expected = 160 / (4 + np.log10(2))
    np.testing.assert_allclose(heights[:-1], expected, atol=1.0)
    assert drawn[-1][1] == 168
    assert drawing_texts(with_curves(curve))[:2] == ["1", "5e-05"]


def test_a_proven_curve_is_drawn_above_the_minimum():
    """The last distance on the axis is the gap then, and the curve does not dive at its end."""
    model = with_curves([3.0, 2.0, 1.1, 1.001, 1.0])
    model.set_params(learning_rate="auto")
    model.converged_, model.optimality_gap_, model.stop_reason_ = True, 1e-4, "tol"
    (drawn,) = points(parsed(model).find(".//svg/path").get("d"))
    expected = 168 - 160 * np.log10(1.1e-3 / 1e-4) / np.log10(2.0001 / 1e-4)
    assert drawn[3][1] == pytest.approx(expected, abs=1.0)
    assert drawn[-1] == (608, 168)
    assert drawing_texts(model) == [
        "2", "0.0001", "nats above", "the lowest", "(log scale)", "start", "4 steps",
    ]  # fmt: skip


def test_a_curve_of_gradient_descent_goes_over_epochs():
    assert drawing_texts(with_curves([2.0, 1.0, 0.5]))[-2:] == ["start", "3 epochs"]


@pytest.mark.parametrize("curve", [[], [NAN, NAN], [INF]], ids=["empty", "NaN", "inf"])
def test_a_curve_without_a_finite_value_is_told_and_not_drawn(curve):
    tree = parsed(with_curves(curve))
    assert tree.find(".//svg") is None
    assert "No loss recorded" in text_of(tree)


class Series(list):
    """A column of a data frame, as it shows itself and as NumPy takes it."""

    def __repr__(self):
        return "0    0.1\n1    0.2"

    def __array__(self, dtype=None, copy=None):
        return np.asarray(list(self))


@pytest.mark.parametrize(("l2", "text"), [
    (np.array([0.1, 0.25]), "array([0.1 , 0.25])"),
    (np.arange(200.0), "array([  0.,   1., ..., 198., 199.])"),
    (np.full(10**6, 1e-300), "array([1.e-300, 1.e-300, ..., 1.e-300, 1.e-300])"),
    ([0.125] * 30, "[0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, ...]"),
    (Series([0.1, 0.25]), "Series([0.1 , 0.25])"),
    (np.eye(20), "array([[1., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0..."),
], ids=range(6))  # fmt: skip
def test_an_l2_for_each_column_is_shown_by_its_ends(l2, text):
    assert repr(SoftmaxRegression(l2=l2)) == f"SoftmaxRegression(l2={text})"
    assert f"<b>{text}</b> (default 0.0001)" in SoftmaxRegression(l2=l2)._repr_html_()
