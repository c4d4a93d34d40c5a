"""The figures of a fit as a whole: log-likelihoods, and what is made of them."""

import math
from typing import NamedTuple

import numpy as np

from .._types import Vector
from .form import Form


class Figures(NamedTuple):
    """Log-likelihoods in nats; `total` is Σ w_i, and `n_rows` how many rows count."""

    log_likelihood: float
    null_log_likelihood: float
    n_rows: int
    total: float
    n_parameters: int

    def n_observations(self, form: Form) -> int:
        """Return Σ w_i of frequency weights, else the number of rows."""
        return round(self.total) if form.weights == "frequency" else self.n_rows

    @property
    def mcfadden_r2(self) -> float:
        """1 − ℓ / ℓ₀."""
        return 1.0 - self.log_likelihood / self.null_log_likelihood

    def aic(self, form: Form) -> float:
        """Return 2q − 2ℓ."""
        refuse_criteria(form, "AIC")
        return 2.0 * self.n_parameters - 2.0 * self.log_likelihood

    def bic(self, form: Form) -> float:
        """Return q log n − 2ℓ."""
        refuse_criteria(form, "BIC")
        return self.n_parameters * math.log(self.n_observations(form)) - 2.0 * self.log_likelihood


def refuse_criteria(form: Form, name: str) -> None:
    """Raise where the log-likelihood is not one that information criteria are made for."""
    if form.prior:
        message = (
            f"{name} needs maximum likelihood, and l2 = {form.prior} shrinks the estimates: fit "
            "SoftmaxRegression(l2=0)"
        )
        raise ValueError(message)
    if form.weights == "sampling":
        message = (
            f"{name} needs a likelihood, and with sampling weights there is a pseudo-likelihood "
            "only: compare models by Wald tests, or by held-out loss"
        )
        raise ValueError(message)


def null_log_likelihood(totals: Vector, intercept: bool) -> float:
    """Return Σ_k n_k log(n_k / n), of intercepts alone; without them −n log K."""
    n = float(totals.sum())
    if not intercept:
        return -n * math.log(len(totals))
    present = totals[totals > 0]
    return float(np.sum(present * np.log(present / n)))
