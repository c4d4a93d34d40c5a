"""Full passes to the optimum: Newton's method or preconditioned L-BFGS, ended by the proof.

Small problems take Newton steps with the exact Hessian. Others start with float32 passes and
L-BFGS on a first matrix; once float32 has no more to give, float64 passes and the full Hessian as
that matrix, where it is within reach. Where L-BFGS does not get on, damped Newton steps follow.
"""

import math

import numpy as np

from .._likelihood.value import balanced
from .._objective import Objective, Point
from .._types import Apply, Matrix, Precision
from .certificate import Proof
from .curvature import Full
from .damped_newton import DampedNewton
from .exact_hessian import PRODUCTS, step_passes
from .first_matrix import FirstMatrix
from .limits import Limits, Report
from .line_search import TRIALS, Step, search
from .pace import Pace
from .plan import SETTLED, Plan
from .solution import Solution

# The proof costs several passes: it is asked for when the bound, which takes the intercepts for
# optimal, is below this part of `tol`.
AIM = 0.5
# Part of `tol` that a decrement is to reach where it is not of the Hessian at the point, or where
# more than FLAT of the slope was left at the end of the last step, or one of the last two went beyond:
# of the share of the curvature foretold that these steps found, which a decrement is too small by.
FORMER = 0.1
FLAT = 0.25
# Part of the slope left by a step up to which Newton's next one has the same Hessian.
UNCHANGED = 0.02
# Damped steps within the rounding of F, one after the other, in which a proof is looked for.
UNSEEN = 100
# Of the passes so far: what the Hessian may cost for an estimate.
LITTLE = 0.1
# What F may seem to rise by, relative to it: four roundings.
ROUNDING: dict[Precision, float] = {
    dtype: 4.0 * float(np.finfo(dtype).eps) for dtype in (np.float32, np.float64)
}


class FullPhase:
    """One minimisation: where it stands, in which precision, and by which kind of step.

    `passes` counts readings for F and for products with its Hessian.
    """

    def __init__(self, objective: Objective, limits: Limits, report: Report) -> None:
        self.objective, self.limits, self.report = objective, limits, report
        self.proof = Proof(objective, limits.tol)
        self.plan = Plan.of(objective.likelihood, limits.tol, polish=limits.polish)
        self.matrix = FirstMatrix(objective, full=self.plan.full)
        self.pace = Pace(objective.likelihood, limits.max_iter)
        self.damped: DampedNewton | None = None
        # The damped steps in a row for which F had no digits.
        self.unseen = 0
        self.dtype = self.plan.dtype
        # Whether the passes have all the digits there are, and P is as good as it gets.
        self.sharp = self.plan.newton and self.dtype is np.float64
        self.decrement, self.gap, self.aim = math.inf, math.inf, AIM * limits.tol
        self.passes = self.before = 0
        self.left, self.share, self.last = math.inf, 1.0, (False, 1.0)
        # Newton's inverse Hessian, and whether the last step was taken on that of the one before.
        self.inverse: Apply | None = None
        self.former = False
        # Newton's step closes the intercepts too, and costs less than they do alone.
        self.hurried = self.sharp and objective.proves and self.proof.free is None

    def evaluate(self, theta: Matrix) -> Point:
        """F at θ, counted as one pass."""
        self.passes += 1
        return self.objective.at(theta, self.dtype)

    def run(self, point: Point) -> Solution:
        """Descend from a point to the optimum; what led to the point does not count."""
        self.before = self.passes
        self._stand(point)
        reason = "stopped" if self._reported() else self._exhausted()
        while reason is None:
            reason = self._iterate()
        return self._solution(reason)

    def _stand(self, point: Point) -> None:
        """Move to a point, whose `bound` is a proof only at exact intercepts in float64."""
        bound = self.proof.expected(point)
        self.pace.note(self.passes, bound if self.objective.proves else self.decrement)
        if self.objective.proves:
            bound = min(bound, point.value)  # F is never below 0
        self.point = point if bound == point.bound else point._replace(bound=bound)

    def _iterate(self) -> str | None:
        """Certify or step; return why to stop, or None."""
        if not self._finite():
            return "non-finite"
        if self._looks_done():
            if self.plan.polish and not self.sharp:
                self._sharpen()
            elif not (self.objective.proves or self._estimates()):
                self._go_over()
            elif self._certify():
                return "converged"
            elif self.hurried:
                # The step that closes the intercepts is that of the Hessian at this point.
                self.hurried, self.left = False, math.inf
            else:
                # The intercepts were not exact: aim lower by what they hid, tenfold at most; by half
                # where F has no digits for what is left, and any step may be the last.
                hidden = min(1.0, self.limits.tol / self.point.bound)
                self.aim *= 0.5 * (1.0 if self.unseen else max(0.1, hidden))
        found = self._step()
        if found is None:
            return self._exhausted() or self._ended()
        self._see(found)
        self._stand(found.point)
        return "stopped" if self._reported() else self._exhausted()

    def _see(self, step: Step) -> None:
        """Take note of how quadratic F was along the last two steps."""
        former_beyond, former_share = self.last
        beyond, share = step.length > 1.0, (1.0 - step.left) / step.length
        self.left = math.inf if beyond or former_beyond else abs(step.left)
        self.share = min(1.0, max(0.0, min(share, former_share)))
        self.last = beyond, share

    def _looks_done(self) -> bool:
        if not self.objective.proves:
            # By the Hessian of some steps ago, or where F is far from quadratic, it may be too small.
            own = self.damped is not None or (self.plan.newton and not self.former)
            exact = own and self.left <= FLAT
            return self.decrement <= (1.0 if exact else FORMER * self.share) * self.limits.tol
        if self.point.value <= self.aim:
            return True
        if self.sharp and self.plan.polish and self.decrement > self.plan.settled:
            return False
        return self.point.bound <= self.aim

    def _step(self) -> Step | None:
        """Take the kind of step that gets on; None where none lowers F."""
        aim = max(self.aim if self.objective.proves else self.limits.tol, self._noise())
        if self.damped is None and self.pace.is_too_slow(aim):
            self._go_over()
        if self.damped is not None:
            return self._damped_step(self.damped)
        return self._newton_step() if self.plan.newton else self._quasi_newton_step()

    def _newton_step(self) -> Step | None:
        # A step that left hardly any slope found the Hessian as it was.
        self.former = self.plan.reuses and self.left <= UNCHANGED
        if self.inverse is None or not self.former:
            self.inverse = self.matrix.build(self.point.theta, self.dtype)
        return self._searched(-self.inverse(self.point.gradient), extrapolate=True)

    def _quasi_newton_step(self) -> Step | None:
        # On the way to a polished end, P is built anew whenever it is due.
        aim = 0.0 if self.plan.polish and self.sharp else self.aim
        direction = self.matrix.direction(self.point, self.dtype, self.passes, aim)
        first = self.matrix.length
        found = self._searched(direction, extrapolate=self.matrix.steps == 0, first=first)
        self.matrix.learn(self.point, found)
        return found

    def _searched(self, direction: Matrix, *, extrapolate: bool, first: float = 1.0) -> Step | None:
        self.decrement = -0.5 * float(np.vdot(self.point.gradient, direction))
        if not self.sharp and self.decrement <= self.plan.finish * abs(self.point.value):
            return None
        return search(
            self.evaluate,
            self.point,
            direction,
            noise=self._noise(),
            extrapolate=extrapolate,
            first=first,
            dtype=self.dtype,
        )

    def _damped_step(self, damped: DampedNewton) -> Step | None:
        if self.unseen >= UNSEEN:
            return None
        left = self.limits.max_iter - (self.passes - self.before)
        trials = max(left, PRODUCTS + TRIALS)
        # F is rounded as its logits are.
        noise = self._noise() * max(1.0, float(np.linalg.norm(self.point.theta, axis=1).max()))
        found = damped.step(self.evaluate, self.point, noise=noise, trials=trials)
        self.passes += damped.products
        self.decrement = damped.decrement
        self.unseen = self.unseen + 1 if self.decrement <= self._noise() else 0
        return found

    def _sharpen(self) -> None:
        """Go on in float64, with the full Hessian where it pays."""
        self.sharp, self.decrement = True, math.inf
        pays = self.plan.pays and not isinstance(self.matrix.curvature, Full)
        if not self.plan.newton and (self.plan.polish or pays):
            self._begin_full(self.point, self.dtype)
        self._go_on_in_float64()

    def _begin_full(self, point: Point, dtype: Precision) -> None:
        """Take the full Hessian, at first of rows in `dtype`, which are at hand; then in float64."""
        self.matrix.use(Full(self.objective))
        self.matrix.begin(self.matrix.build(point.theta, dtype), np.float64, point.bound)

    def _go_on_in_float64(self) -> None:
        self.dtype = np.float64
        # Directions in float32 sum to zero over classes in float32 only.
        self._stand(self.evaluate(balanced(self.point.theta)))
        self.before += 1  # no step

    def _go_over(self) -> None:
        """Go on with damped Newton steps, in float64."""
        settled = SETTLED if self.objective.proves else max(SETTLED, self.limits.tol)
        self.damped, self.aim = DampedNewton(self.objective, settled), AIM * self.limits.tol
        self.plan = self.plan._replace(settled=SETTLED)
        self.sharp = True
        if self.dtype is not np.float64:
            self._go_on_in_float64()

    def _ended(self) -> str | None:
        """No step lowers F any more: go on in float64, on the Hessian at hand, or stop."""
        if not self.sharp:
            self._sharpen()
        elif self.damped is None and max(self._distance(), self._unproven()) > self._noise():
            self._go_over()
        else:
            return "rounding"
        return self._exhausted()

    def _estimates(self) -> bool:
        """Whether the decrement is of the Hessian, if that costs little after the passes so far.

        Else one of some steps ago must do, but none of what L-BFGS has seen of it.
        """
        if self.damped is not None or self.plan.newton:
            return True
        dear = step_passes(self.objective.likelihood) > LITTLE * self.passes
        return dear and isinstance(self.matrix.curvature, Full)

    def _certify(self) -> bool:
        """Prove in float64, at intercepts that allow it; True if `tol` is met, or no proof exists."""
        if self.hurried:
            found = self.proof.as_it_stands(self.point)
        else:
            found = self.proof.certify(self.point, self.dtype)
        gap = min(found.bound, found.value) if self.objective.proves else found.bound
        self.gap = gap + self.objective.likelihood.coordinates.rounding(found.theta)
        self.point = found._replace(bound=self.gap)
        return self.gap <= self.limits.tol or (self.gap == math.inf and not self.objective.proves)

    def _distance(self) -> float:
        """How far F is above its minimum: a bound, if the intercepts are exact, or an estimate."""
        return self.point.bound if self.objective.proves else self.decrement

    def _unproven(self) -> float:
        """Return what a proof that was looked for left open."""
        return self.gap if self.limits.tol < self.gap < math.inf else 0.0

    def _noise(self) -> float:
        return ROUNDING[self.dtype] * abs(self.point.value)

    def _exhausted(self) -> str | None:
        return "max_iter" if self.passes - self.before >= self.limits.max_iter else None

    def _finite(self) -> bool:
        gradient = self.point.gradient.ravel()
        return math.isfinite(self.point.value) and math.isfinite(gradient.dot(gradient))

    def _reported(self) -> bool:
        likelihood, theta = self.objective.likelihood, self.point.theta
        outward = likelihood.coordinates.outward
        return self.report(
            self.point.value, lambda: outward(theta), self.point.bound, likelihood.readings
        )

    def _solution(self, reason: str) -> Solution:
        self.hurried = False
        if reason not in ("converged", "non-finite") and self._certify():
            settled = self.objective.proves or self.decrement <= self.limits.tol
            reason = "converged" if settled else reason
        finite = self._finite() and bool(np.isfinite(self.point.theta).all())
        if not finite:
            reason = "non-finite"
        return Solution(
            parameters=self.objective.likelihood.coordinates.outward(self.point.theta),
            objective=self.point.value,
            gap=self.gap if finite else math.inf,
            decrement=self.decrement,
            converged=reason == "converged",
            n_iter=self.objective.likelihood.readings,
            passes=self.passes - self.before,
            reason=reason,
            centre=self.objective.likelihood.coordinates.centre,
            deviation=self.objective.likelihood.deviations(),
            first=None if self.matrix.memory is None else self.matrix.memory.apply,
        )
