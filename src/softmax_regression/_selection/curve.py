"""The held-out loss of the rows as a function of l2: by leave-one-out, or by folds."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from .._inference.covariance import SingularError
from .._inference.estimate import Posterior
from .._input.given import Judged
from .._likelihood.logits import logits
from .._likelihood.sums import summed
from .._likelihood.working import over_chunks
from .._parameters import Parameters
from .._types import Index, Vector
from .fits import Fits
from .held_out import row_losses
from .judge import Judge, Point, judge_of
from .leave_one_out import groups_held_out, rows_held_out, squared_weight
from .one_step import without_own_row
from .question import Units
from .surface import Surface, smooth_surface

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

    def parameters(self, l2: float) -> Parameters:
        """Return the fit to all rows with an l2 that was tried, or near it."""
        ...


class LeaveOneOutCurve:
    """A fit, a Hessian and a step away from each unit for each l2, on rows prepared once."""

    def __init__(self, rows: Judged, units: Units, fits: Fits) -> None:
        self.rows, self.units, self.fits = rows, units, fits
        self.sample = _sample(rows, units, fits.prepared.n_free)

    @property
    def left_out(self) -> int:
        """How many rows are left out."""
        return self.rows.problem.n_rows if self.sample is None else len(self.sample)

    @property
    def judge(self) -> Judge:
        """What makes one loss of the losses of rows."""
        return judge_of(self.rows.judged, self.units.codes)

    def parameters(self, l2: float) -> Parameters:
        """Return the fit with an l2 that was tried."""
        return self.fits.prepared.outward(self.fits.theta(l2))

    def at(self, l2: float) -> Point:
        """Return the losses with this l2; infinite where float64 cannot tell them."""
        self.fits.at(l2)
        theta = self.fits.theta(l2)
        posterior = Posterior(self.fits.prepared.likelihood, self.fits.penalty_of(l2))
        try:
            with np.errstate(all="ignore"):
                surface = smooth_surface(posterior, theta - theta[posterior.reference])
                losses = self._losses(surface)
        except SingularError:
            losses = np.full(self.rows.problem.n_rows, np.inf)
        known = bool(np.isfinite(losses).all())
        return Point(l2, losses if known else np.full(len(losses), np.inf))

    def _losses(self, surface: Surface) -> Vector:
        prepared, judged, problem = self.fits.prepared, self.rows.judged, self.rows.problem
        if self.units.grouped:
            return row_losses(groups_held_out(prepared, surface, self.units).logits, judged)
        if self.sample is None:
            held = rows_held_out(surface, problem, with_leverage=False)
            return row_losses(held.logits, judged)
        losses = row_losses(surface.logits(prepared.block.X, surface.theta), judged)
        part = prepared.block.take(self.sample)
        step = surface.step(squared_weight(problem))
        seen = (surface.likelihood.coordinates, np.float64, False)
        found, _ = summed(over_chunks, [part], without_own_row, seen, (step, False))
        held_out = row_losses(np.concatenate(found), judged.take(self.sample))
        times = problem.n_rows / len(self.sample)
        losses[self.sample] += times * (held_out - losses[self.sample])
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

    def parameters(self, l2: float) -> Parameters:
        """Return the fit to the first rows: near the one to all of them."""
        return self.fits[0].prepared.outward(self.fits[0].theta(l2))

    def at(self, l2: float) -> Point:
        """Return the losses with this penalty."""
        losses = []
        for tested, fits in zip(self.tested, self.fits, strict=True):
            fits.at(l2)
            parameters = fits.prepared.outward(fits.theta(l2))
            found = logits(self.rows.problem.X[tested], parameters)
            losses.append(row_losses(found, self.rows.judged.take(tested)))
        return Point(l2, np.concatenate(losses))
