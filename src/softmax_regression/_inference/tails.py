"""Tails of the normal and chi-square distributions, to twelve digits, with `math` alone."""

import math

# Below, a probability is not worth printing, and float64 is about to lose its digits.
SMALLEST = 1e-300
# Where the Stirling series of so few terms has all digits of float64.
STIRLING = 16.0


def two_sided(z: float) -> float:
    """Return P(|Z| > |z|) of a standard normal Z."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def quantile(level: float) -> float:
    """Return the z with P(|Z| <= z) = `level`, in (0, 1).

    Newton's method on log P(|Z| > z), which is concave: from √(−2 log(1 − level)), to the right of
    z, it falls towards it.
    """
    wanted = math.log1p(-level)
    z = math.sqrt(-2.0 * wanted)
    while True:
        inside, outside = math.erf(z / math.sqrt(2.0)), two_sided(z)
        excess = (math.log1p(-inside) if inside < 0.5 else math.log(outside)) - wanted
        density = math.sqrt(2.0 / math.pi) * math.exp(-0.5 * z * z)
        lower = z + excess * outside / density
        if not lower < z:
            return z
        z = lower


def chi_square(statistic: float, df: int) -> float:
    """Return P(X > `statistic`) of a chi-square X with `df` degrees of freedom.

    With y = x / 2 and a = df / 2, above the mean by Q(a, y) = Q(a − 1, y) + yᵃ⁻¹ e⁻ʸ / Γ(a), whose
    terms are all positive, down to Q(1, y) = e⁻ʸ or Q(1/2, y) = erfc √y; below it as 1 less the
    series of P (Abramowitz and Stegun 1964, 26.4.4, 26.4.5 and 26.4.6).
    """
    if statistic <= 0.0:
        return 1.0
    if not math.isfinite(statistic):
        return 0.0 if statistic > 0.0 else math.nan
    y, a = 0.5 * statistic, 0.5 * df
    if statistic <= df:
        return 1.0 - _series(a, y)
    total = math.erfc(math.sqrt(y)) if df % 2 else 0.0
    index = a - 1.0
    term = _poisson(index, y) if df > 1 else 0.0
    while index >= 0.0 and term > 1e-18 * total:
        total += term
        term *= index / y
        index -= 1.0
    return total


def _series(a: float, y: float) -> float:
    """P(a, y) = yᵃ e⁻ʸ / Γ(a + 1) · (1 + y / (a + 1) + y² / ((a + 1)(a + 2)) + …)."""
    index, total, term = a, 1.0, 1.0
    while term > 1e-18 * total:
        index += 1.0
        term *= y / index
        total += term
    return _poisson(a, y) * total


def _poisson(k: float, y: float) -> float:
    """yᵏ e⁻ʸ / Γ(k + 1), by the saddle point: the exponent is a sum of small numbers.

    Loader (2000), Fast and accurate computation of binomial probabilities.
    """
    if k <= 0.0:
        return math.exp(-y)
    return math.exp(-_stirling_error(k) - _deviance(k, y)) / math.sqrt(2.0 * math.pi * k)


def _stirling_error(k: float) -> float:
    """Return log Γ(k + 1) − log(√(2πk) (k / e)ᵏ)."""
    if k < STIRLING:
        return math.lgamma(k + 1.0) - (k + 0.5) * math.log(k) + k - 0.5 * math.log(2.0 * math.pi)
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
    return sum(term / k ** (2 * i + 1) for i, term in enumerate(terms))


def _deviance(k: float, y: float) -> float:
    """Return k log(k / y) + y − k, by a series where k and y are near each other."""
    v = (k - y) / (k + y)
    if abs(v) >= 0.1:
        return k * math.log(k / y) + y - k
    total, power, odd = (k - y) * v, 2.0 * k * v, 1.0
    while True:
        power *= v * v
        odd += 2.0
        following = total + power / odd
        if following == total:
            return total
        total = following
