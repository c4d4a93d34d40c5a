"""What the standard errors are: which covariance, what the weights mean, and whether a prior holds."""

from typing import Literal, NamedTuple

Covariance = Literal["observed", "robust", "cluster"]
Weights = Literal["frequency", "sampling"]
# Fewer clusters make standard errors too small.
FEW_CLUSTERS = 40


class Form(NamedTuple):
    """The kind of `covariance` and `weights`; `prior` is l2 as text where it is not 0.

    `has_maximum`: whether there would be an estimate without the prior, as far as is known.
    """

    covariance: Covariance = "observed"
    weights: Weights | None = None
    n_clusters: int = 0
    prior: str = ""
    has_maximum: bool = True

    @property
    def is_likelihood(self) -> bool:
        """Whether the log-likelihood is that of the rows, and its curvature their information."""
        return self.covariance == "observed" and not self.prior

    def title(self) -> str:
        """Return how the estimates and their errors came about."""
        if self.prior:
            parts = [f"Gaussian prior (l2 = {self.prior}), Laplace posterior"]
        elif self.covariance == "observed":
            parts = ["maximum likelihood, observed information"]
        elif self.covariance == "robust":
            parts = ["maximum likelihood, robust"]
        else:
            parts = [f"maximum likelihood, cluster ({self.n_clusters} clusters)"]
        if self.weights:
            parts.append(f"{self.weights} weights")
        return ", ".join(parts)

    def notes(self) -> list[str]:
        """Return what a reader of a table should know."""
        if self.prior and not self.has_maximum:
            return ["No p-values: l2 > 0 shrinks estimates, and without it some have no value."]
        if self.prior:
            return [
                "No p-values: l2 > 0 shrinks estimates. SoftmaxRegression(l2=0) has tests, intervals."
            ]
        if self.covariance == "cluster" and self.n_clusters < FEW_CLUSTERS:
            return [f"Few clusters ({self.n_clusters}): standard errors may be too small."]
        return []
