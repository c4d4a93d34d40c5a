"""Covariances of the free parameters: the inverse of the information, and sandwiches around it.

The free parameters are the rows of θ less that of one class, the reference; row after row (q,).
"""

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .._input.groups import Groups
from .._likelihood.block import Block
from .._likelihood.coordinates import Coordinates
from .._likelihood.information import expanded, value_and_information
from .._likelihood.scores import grouped_scores, score_products
from .._likelihood.sums import summed
from .._likelihood.working import Likelihood
from .._optimum.cholesky import Triangle, inverse_of_triangle
from .._types import Index, Matrix, Precision, Vector

# 1 − R² of a parameter on the others, below which rounding has left nothing of it.
LEAST_PIVOT = {np.float64: 1e-12, np.float32: 1e-4}
# Entries of the rows up to which keeping them in float64 costs less than making them anew: they are
# read two or three times.
FEW_ENTRIES = 2**19
# Entries of the scores of some groups together.
SCORE_ENTRIES = 2**22


class NoEstimateError(ArithmeticError):
    """There is no estimate near; `distance` is how many standard errors away one may be."""

    distance = math.inf


class SingularError(NoEstimateError):
    """A matrix that has no inverse to float64."""


class Newton(NamedTuple):
    """A step H⁻¹ g, and its length √(gᵀ H⁻¹ g) in standard errors."""

    step: Vector
    distance: float


class Definite:
    """A positive definite matrix H with its factor in `dtype`: S H S = L Lᵀ, S scaling the diagonal to 1."""

    def __init__(self, matrix: Matrix, dtype: Precision = np.float64) -> None:
        diagonal = np.diagonal(matrix)
        if not (np.isfinite(diagonal).all() and (diagonal > 0.0).all()):
            raise SingularError
        self.scale = 1.0 / np.sqrt(diagonal)
        try:
            scaled = matrix * self.scale[:, None] * self.scale
            lower = np.linalg.cholesky(scaled.astype(dtype, copy=False))
        except np.linalg.LinAlgError as error:
            raise SingularError from error
        if not (np.diagonal(lower) ** 2).min() > LEAST_PIVOT[dtype]:
            raise SingularError
        self.lower = np.asarray(lower)

    @cached_property
    def factor(self) -> Triangle:
        """L, ready to solve with."""
        return Triangle(self.lower)

    def solve(self, right: Vector) -> Vector:
        """H⁻¹ r."""
        half = self.factor.solve(right * self.scale)
        return np.asarray(self.factor.solve_transposed(half) * self.scale)

    def newton(self, gradient: Vector) -> Newton:
        """Return the step of Newton's method."""
        step = self.solve(gradient)
        return Newton(step, math.sqrt(max(float(gradient @ step), 0.0)))

    def inverse(self) -> Matrix:
        """H⁻¹ = S L⁻ᵀ L⁻¹ S."""
        inverse_factor = inverse_of_triangle(self.lower)
        inverse = inverse_factor.T @ inverse_factor
        inverse *= self.scale[:, None]
        inverse *= self.scale
        return np.asarray(inverse)


def class_order(reference: int, n_classes: int) -> Index:
    """Return the classes with the reference last."""
    return np.append(np.delete(np.arange(n_classes), reference), reference)


def has_few_rows(likelihood: Likelihood) -> bool:
    """Whether the rows in working precision are kept, and none are made anew to be read."""
    return likelihood.n_rows * likelihood.n_columns <= FEW_ENTRIES


def loss_and_information(
    likelihood: Likelihood,
    theta: Matrix,
    reference: int,
    *,
    exact: bool,
    dtype: Precision = np.float64,
) -> tuple[float, Matrix, Matrix]:
    """Return Σ w CE, its gradient (K, D), and its second derivatives without the reference (q, q).

    Σ_i w_i (diag p_i − p_i p_iᵀ) ⊗ x̃_i x̃_iᵀ, of rows in `dtype`, by products in float32 unless `exact`.
    """
    order, products = class_order(reference, len(theta)), not has_few_rows(likelihood)
    loss, gradient, sums = likelihood.sums(
        value_and_information, theta, order, exact, dtype=dtype, products=products
    )
    return loss, gradient, _from_pairs(sums, len(theta) - 1, theta.shape[1])


def robust_meat(likelihood: Likelihood, theta: Matrix, reference: int, counts: bool) -> Matrix:
    """Return Σ_i s_i s_iᵀ without the reference, (q, q); every copy a row with `counts`."""
    order = class_order(reference, len(theta))
    (sums,) = likelihood.sums(score_products, theta, order, counts)
    return _from_pairs(sums, len(theta) - 1, theta.shape[1])


def cluster_meat(
    block: Block, coordinates: Coordinates, theta: Matrix, reference: int, clusters: Groups
) -> Matrix:
    """Return Σ_g s_g s_gᵀ without the reference, (q, q), with s_g the scores of a cluster summed."""
    size = (len(theta) - 1) * theta.shape[1]
    free = class_order(reference, len(theta))[:-1]
    order = np.argsort(clusters.codes, kind="stable")
    codes = clusters.codes[order]
    meat = np.zeros((size, size))
    at_once = max(1, SCORE_ENTRIES // size)
    for first in range(0, clusters.number, at_once):
        begin, end = np.searchsorted(codes, (first, first + at_once))
        part = block.take(order[begin:end])
        number = min(at_once, clusters.number - first)
        own = codes[begin:end] - first
        (scores,) = summed(grouped_scores, [part], coordinates, theta, own, number)
        scores = scores[:, free].reshape(number, size)
        meat += scores.T @ scores
    return meat


def sandwich(bread: Matrix, meat: Matrix) -> Matrix:
    """H⁻¹ M H⁻¹."""
    return np.asarray(bread @ meat @ bread)


def _from_pairs(sums: Matrix, n_classes: int, columns: int) -> Matrix:
    """Return the whole matrix from the blocks of classes k <= l."""
    blocks = expanded(sums, columns)
    whole = np.empty((n_classes, columns, n_classes, columns))
    pairs = zip(*np.triu_indices(n_classes), strict=True)
    for block, (k, other) in zip(blocks, pairs, strict=True):
        whole[k, :, other] = block
        whole[other, :, k] = block.T
    return whole.reshape(n_classes * columns, -1)
