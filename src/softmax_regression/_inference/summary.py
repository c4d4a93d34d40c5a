"""The summary: what was estimated on what, how well it fits, and the contrasts with one class."""

from typing import NamedTuple

from .contrasts import contrast_columns, estimate_table
from .estimate import Estimate
from .figures import Figures
from .form import Form
from .hypotheses import Test
from .names import Names
from .table import Fact, Table, number, small_probability

MODEL = "Multinomial logistic regression"
SHORT = {"likelihood-ratio": "LR", "wald": "Wald", "score": "score"}


def summary_table(
    estimate: Estimate,
    names: Names,
    form: Form,
    level: float,
    *,
    reference: int,
    facts: list[Fact],
) -> Table:
    """Return the contrasts of every class with the reference, in the order of the classes."""
    pairs = [(k, reference) for k in range(len(names.classes)) if k != reference]
    columns = contrast_columns(estimate, names, pairs, level)
    return estimate_table(columns, form, level, title=(MODEL, form.title()), facts=facts)


def likelihood_facts(
    figures: Figures, form: Form, n_classes: int, intercept: bool, overall: Test | None
) -> list[Fact]:
    """Return the lines above a table of maximum likelihood estimates, the left half first."""
    facts = [
        Fact("observations", str(figures.n_observations(form))),
        Fact("classes", str(n_classes)),
        Fact("parameters", str(figures.n_parameters)),
        Fact("McFadden R2", f"{figures.mcfadden_r2:.4f}"),
    ]
    pseudo = "pseudo " if form.weights == "sampling" else ""
    null = "intercepts only" if intercept else "even odds"
    facts += [
        Fact(f"{pseudo}log-likelihood", f"{figures.log_likelihood:.4f}"),
        Fact(null, f"{figures.null_log_likelihood:.4f}"),
    ]
    if overall is not None:
        value = f"{overall.statistic:.3f}, p {small_probability(overall.p_value)}"
        facts.append(Fact(f"{SHORT[overall.kind]} chi2({overall.df})", value))
    if pseudo:
        facts.append(Fact("sum of weights", f"{figures.total:.6g}"))
    else:
        facts.append(Fact("AIC, BIC", f"{figures.aic(form):.3f}, {figures.bic(form):.3f}"))
    return facts


class Prior(NamedTuple):
    """The standard deviations of weights under the prior, and where it moved the mode farthest."""

    least_deviation: float
    largest_deviation: float
    moved: float
    where: str

    def deviation(self) -> str:
        """Return the standard deviation, or the least and the largest; inf where it is flat."""
        both = sorted({self.least_deviation, self.largest_deviation})
        return " to ".join(map(number, both))


def posterior_facts(figures: Figures, form: Form, n_classes: int, prior: Prior) -> list[Fact]:
    """Return the lines above a table of posterior modes, the left half first."""
    return [
        Fact("observations", str(figures.n_observations(form))),
        Fact("classes", str(n_classes)),
        Fact("farthest from ML", f"{prior.moved:.2g} se" if prior.where else "no ML estimate"),
        Fact("log-likelihood", f"{figures.log_likelihood:.4f}"),
        Fact("prior sd of a weight", prior.deviation()),
        Fact(prior.where, ""),
    ]
