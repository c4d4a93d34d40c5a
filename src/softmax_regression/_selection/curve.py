"""The held-out loss of the rows as a function of l2: by leave-one-out, or by folds."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import numpy as np

from .._inference.covariance import SingularError
from .._inference.estimate import Posterior
from .._input.given import Judged
from .._likelihood.logits import logits
from .._likelihood.sums import summed
from .._likelihood.working import over_chunks
from .._optimum.plan import Plan
from .._parameters import Parameters
from .._types import Index, Matrix, Precision, Vector
from .fits import Fits
from .held_out import mean_of, row_losses
from .judge import Judge, Point, judge_of
from .leave_one_out import groups_held_out, rows_held_out, squared_weight
from .one_step import without_own_row
from .question import Units
from .surface import Surface, newton_step, smooth_surface

# Rows of which the leverages are found where there are MANY for the parameters, and what is many.
SAMPLE = 2000
MANY_ROWS = 4 * SAMPLE
ROWS_PER_PARAMETER = 10


class Curve(Protocol):
    """What the search asks for held-out losses."""

    @property
    def left_out(self) -> int:
        """How many rows are left out."""
        ...

    @property
    def judge(self) -> Judge:
        """What makes one loss of the losses of rows."""
        ...

    def at(self, l2: float) -> Point:
        """Return the losses with this l2."""
        ...

    def parameters(self, l2: float) -> tuple[Parameters, bool]:
        """Return the fit to all rows with an l2 that was tried, or one near it, and whether to its last digits."""
        ...


class LeaveOneOutCurve:
    """A fit, a Hessian and a step away from each unit for each l2, on rows prepared once."""

    def __init__(self, rows: Judged, units: Units, fits: Fits) -> None:
        self.rows, self.units, self.fits = rows, units, fits
        self.sample = _sample(rows, units, fits.prepared.n_free)
        plan = Plan.of(fits.prepared.likelihood, fits.limits.tol)
        # What float32 makes of a loss is far less than its standard error.
        self.dtypes: list[Precision] = list(dict.fromkeys([plan.dtype, np.float64]))

    @property
    def left_out(self) -> int:
        """How many rows are left out."""
        return self.rows.problem.n_rows if self.sample is None else len(self.sample)

    @property
    def judge(self) -> Judge:
        """What makes one loss of the losses of rows."""
        return judge_of(self.rows.judged, self.units.codes)

    def parameters(self, l2: float) -> tuple[Parameters, bool]:
        """Return the fit with an l2 that was tried, by its Hessian to the last digits where that is kept."""
        settled = self.fits.settle(l2)
        return self.fits.prepared.outward(self.fits.theta(l2)), settled

    def at(self, l2: float) -> Point:
        """Return the losses with this l2; infinite where float64 cannot tell them."""
        self.fits.at(l2)
        for dtype in self.dtypes:
            with suppress(SingularError), np.errstate(all="ignore"):
                point = self._point(l2, dtype)
                if np.isfinite(point.losses).all():
                    return point
        return Point(l2, np.full(self.rows.problem.n_rows, np.inf))

    def _point(self, l2: float, dtype: Precision) -> Point:
        prepared, judged, theta = self.fits.prepared, self.rows.judged, self.fits.theta(l2)
        posterior = Posterior(prepared.likelihood, self.fits.penalty_of(l2))
        surface = smooth_surface(posterior, theta - theta[posterior.reference], dtype)
        training = row_losses(surface.logits(prepared.block.X, surface.theta), judged)
        losses = self._losses(l2, surface, training, dtype)
        return Point(l2, losses, mean_of(training, judged))

    def _losses(self, l2: float, surface: Surface, training: Vector, dtype: Precision) -> Vector:
        prepared, judged = self.fits.prepared, self.rows.judged
        if self.units.grouped:
            return row_losses(groups_held_out(prepared, surface, self.units).logits, judged)
        inverse = surface.inverse(squared_weight(self.rows.problem), dtype)
        self.fits.learn(l2, newton_step(surface, inverse))
        if self.sample is None:
            held = rows_held_out(surface, inverse, with_leverage=False)
            return row_losses(held.logits, judged)
        return self._of_sample(self.sample, surface, inverse, training)

    def _of_sample(
        self, sample: Index, surface: Surface, inverse: Matrix, training: Vector
    ) -> Vector:
        """Return training losses, those of the sample with all that leaving rows out adds."""
        judged, part = self.rows.judged, self.fits.prepared.block.take(sample)
        step, dtype = surface.step(inverse), inverse.dtype.type
        seen = (surface.likelihood.coordinates, dtype, False)
        found, _ = summed(over_chunks, [part], without_own_row, seen, (step, False))
        held_out = row_losses(np.concatenate(found), judged.take(sample))
        times = len(training) / len(sample)
        losses = training.copy()
        losses[sample] += times * (held_out - losses[sample])
        return losses


def _sample(rows: Judged, units: Units, n_free: int) -> Index | None:
    """Return the rows that are left out, None for all of them: the same ones for every l2."""
    n_rows = rows.problem.n_rows
    if units.grouped or n_rows < max(MANY_ROWS, ROWS_PER_PARAMETER * n_free):
        return None
    return np.sort(np.random.default_rng(0).choice(n_rows, SAMPLE, replace=False))


class FoldCurve:
    """Fits to some rows and their losses on others, each pair of these on a path of its own.

    The losses are those of the tested rows, pair after pair.
    """

    def __init__(
        self, rows: Judged, units: Units, tested: Sequence[Index], fits: Sequence[Fits]
    ) -> None:
        self.rows, self.units, self.tested, self.fits = rows, units, tested, fits
        self.order = np.concatenate(tested)

    @property
    def left_out(self) -> int:
        """How many rows are left out."""
        return len(self.order)

    @property
    def judge(self) -> Judge:
        """What makes one loss of the losses of rows."""
        return judge_of(self.rows.judged.take(self.order), self.units.codes[self.order])

    def parameters(self, l2: float) -> tuple[Parameters, bool]:
        """Return the fit to the first rows: near the one to all of them."""
        return self.fits[0].prepared.outward(self.fits[0].theta(l2)), False

    def at(self, l2: float) -> Point:
        """Return the losses with this penalty."""
        losses, training = [], []
        for tested, fits in zip(self.tested, self.fits, strict=True):
            fits.at(l2)
            parameters = fits.prepared.outward(fits.theta(l2))
            found = row_losses(logits(self.rows.problem.X, parameters), self.rows.judged)
            losses.append(found[tested])
            kept = np.setdiff1d(np.arange(len(found)), tested)
            training.append(mean_of(found[kept], self.rows.judged.take(kept)))
        return Point(l2, np.concatenate(losses), float(np.mean(training)))
