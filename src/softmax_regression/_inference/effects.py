"""What a feature does to the probabilities themselves, on average over rows taken as fixed.

Errors by the delta method, √(J V Jᵀ), with J the derivative of the average by the parameters.
"""

import numpy as np

from .._likelihood.averages import average_probabilities, average_slopes
from .._likelihood.block import Block
from .._likelihood.sums import Sums, summed
from .._likelihood.working import over_chunks
from .._types import Matrix, Vector
from .contrasts import Columns, errors_and_interval, estimate_table
from .estimate import Estimate
from .form import Form
from .names import Names
from .table import Table


def marginal_effect(estimate: Estimate, block: Block, j: int) -> tuple[Vector, Vector]:
    """Return the average of ∂p_k / ∂x_j over the rows, and its standard error, (K,) each."""
    slopes = estimate.theta[:, j]
    total, effect, derivative, direct = _over_rows(estimate, block, average_slopes, slopes)
    derivative[:, :, j] += direct
    unit = total * estimate.coordinates.scale[j]
    return effect / unit, _errors(estimate, derivative / unit)


def average_difference(estimate: Estimate, before: Block, after: Block) -> tuple[Vector, Vector]:
    """Return the average of p_k over some rows less that over others, and its standard error."""
    (total, p, derivative), (base_total, base_p, base_derivative) = (
        _over_rows(estimate, block, average_probabilities) for block in (after, before)
    )
    difference = derivative / total - base_derivative / base_total
    return p / total - base_p / base_total, _errors(estimate, difference)


def effect_table(
    effect: tuple[Vector, Vector], names: Names, form: Form, level: float, *, title: str
) -> Table:
    """Return a row for every class, in their order."""
    columns: Columns = {"class": names.classes, **errors_and_interval(*effect, level)}
    return estimate_table(
        columns,
        form,
        level,
        title=(title, ""),
        label="class",
        groups=(),
        corner="probability",
    )


def _over_rows(estimate: Estimate, block: Block, function: object, *arguments: object) -> Sums:
    seen = (estimate.coordinates, np.float64, False)
    return summed(over_chunks, [block], function, seen, (estimate.theta, *arguments))


def _errors(estimate: Estimate, derivative: Matrix) -> Vector:
    """√(J V Jᵀ) of J (K, K, D), (K,)."""
    J = estimate.free(derivative)
    variance = np.einsum("kq,kq->k", J @ estimate.covariance, J)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
