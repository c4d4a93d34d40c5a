import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference.references import FOLDER
from strategies import thinned

from softmax_regression._inference.tails import chi_square, quantile, two_sided

VALUES = json.loads((FOLDER / "tails.json").read_text())["values"]
DIGITS = 1e-12


def relative(found: float, expected: str) -> float:
    return abs(found - float(expected)) / float(expected)


@pytest.mark.parametrize(("z", "p"), thinned(VALUES["normal"], 2))
def test_the_normal_tail_has_twelve_digits(z, p):
    assert relative(two_sided(float(z)), p) < DIGITS
    assert two_sided(-float(z)) == two_sided(float(z))


@pytest.mark.parametrize(("level", "z"), VALUES["quantile"])
def test_the_normal_quantile_has_twelve_digits(level, z):
    assert relative(quantile(float(level)), z) < DIGITS


@given(st.floats(1e-300, 1.0 - 1e-16))
def test_the_quantile_inverts_the_tail(level):
    z = quantile(level)
    inside = math.erf(z / math.sqrt(2.0))
    assert inside == pytest.approx(level, rel=1e-13) or two_sided(z) == pytest.approx(
        1.0 - level, rel=1e-13
    )


@pytest.mark.parametrize(("df", "x", "p"), thinned(VALUES["chi2"], 4))
def test_the_chi_square_tail_has_twelve_digits(df, x, p):
    assert relative(chi_square(float(x), int(df)), p) < DIGITS


@given(st.integers(1, 400), st.integers(1, 600))
def test_the_chi_square_tail_of_even_df_is_a_poisson_sum(half, y):
    # P(X > 2y) = e^-y Σ_{i < df / 2} y^i / i!, here in exact arithmetic up to e^-y.
    term = total = Fraction(1)
    for i in range(1, half):
        term *= Fraction(y, i)
        total += term
    log_p = math.log(total.numerator) - math.log(total.denominator) - y
    assert chi_square(2.0 * y, 2 * half) == pytest.approx(math.exp(log_p), rel=1e-11, abs=1e-300)


def test_the_chi_square_tail_at_the_ends():
    assert chi_square(0.0, 3) == chi_square(-1.0, 3) == 1.0
    assert chi_square(math.inf, 3) == 0.0
    assert math.isnan(chi_square(math.nan, 3))
