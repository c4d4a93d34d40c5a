"""Full passes to the optimum: Newton's method or preconditioned L-BFGS, ended by the proof.

Small problems take Newton steps with the exact Hessian. Others start with float32 passes and
L-BFGS on a first matrix P, built anew at iterations 0, f, 3f, 7f, ...; once float32 has no
more to give, float64 passes and the full Hessian as P, where it is within reach.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .arrays import Apply
from .certificate import Proof
from .curvature import Diagonal, Full, choose
from .damped_newton import DampedNewton
from .lbfgs import Memory
from .line_search import STEEP, Step, search
from .pace import Pace, steps_to
from .passes import Value, balanced, evaluate
from .plan import SETTLED, Plan
from .solution import Report, Solution
from .standardised import Standardised
from .unseen_step import sure_length

# The proof costs several passes: it is asked for when the bound, which takes the intercepts for
# optimal, is below this part of `tol`.
AIM = 0.5
# A new P whose first step comes out shorter than this is given up for the one before.
SHORT = 0.25
# P is built anew where the passes left, at the pace so far, are this share of what that costs.
WORTH = 0.5
# Roundings of one F by which it may seem to rise.
NOISE = 4.0


class FullPhase:
    """One minimisation: its rows, its limits, where it stands and what it has recorded."""

    def __init__(
        self,
        rows: Standardised,
        l2: float,
        tol: float,
        max_iter: int,
        report: Report,
    ) -> None:
        self.rows, self.tol, self.max_iter, self.report = rows, tol, max_iter, report
        self.penalty = rows.penalty(l2)
        self.penalised = l2 > 0 or rows.single > 0
        self.proof = Proof(rows, self.penalty, tol)
        self.passes, self.iteration, self.renewal = 0, 0, 0
        self.decrement, self.gap, self.aim = np.inf, np.inf, AIM * tol
        self.length = 1.0
        self.begun = 0, np.inf
        self.pace = Pace(rows, max_iter)
        self.newton: DampedNewton | None = None
        self.memory: Memory | None = None
        self.former: Memory | None = None
        self.plan = Plan.of(rows, tol)
        self.dtype = self.plan.dtype
        # Whether the passes have all the digits there are, and P is as good as it gets.
        self.sharp = self.plan.newton and self.dtype is np.float64
        full = self.plan.full
        self.curvature = Full(rows, self.penalty) if full else choose(rows, self.penalty)

    def _sharpen(self) -> None:
        """Go on in float64, with the full Hessian where it pays."""
        self.sharp = True
        self.decrement = np.inf
        pays = self.plan.pays and not isinstance(self.curvature, Full)
        if not self.plan.newton and (self.plan.polish or pays):
            self.curvature, self.iteration = Full(self.rows, self.penalty), 0
            # The first in the precision of the passes so far; one built anew in float64.
            apply = self._build()
            self.dtype = np.float64
            self._begin(apply)
        self._go_on_in_float64()

    def _go_on_in_float64(self) -> None:
        self.dtype = np.float64
        # Directions in float32 sum to zero over classes in float32 only.
        parameters = balanced(self.parameters)
        self._stand(parameters, self.evaluate(parameters))

    def _go_over(self) -> None:
        """Go on with damped Newton steps, in float64."""
        settled = SETTLED if self.penalised else max(SETTLED, self.tol)
        self.newton = DampedNewton(self.rows, self.penalty, settled)
        self.plan = self.plan._replace(settled=SETTLED)
        self.memory = self.former = None
        self.sharp = True
        if self.dtype is not np.float64:
            self._go_on_in_float64()

    def _build(self) -> Apply:
        """Build P at the parameters."""
        return self.curvature.build(self.parameters, self.dtype)

    def _begin(self, apply: Apply) -> Memory:
        """Go on with another P, without the pairs made for the last."""
        self.memory = Memory(apply, self.dtype, self.curvature.least_scale)
        self.length = 1.0
        self.begun = self.iteration, self.bound
        self.renewal = 2 * self.iteration + self.curvature.first_renewal
        return self.memory

    def evaluate(self, parameters: NDArray[np.float64]) -> Value:
        """F and its gradient, counted as one pass."""
        self.passes += 1
        return evaluate(self.rows, self.penalty, parameters, self.dtype)

    def run(self, parameters: NDArray[np.float64], value: Value) -> Solution:
        """Descend from `parameters` (K, D), where F is `value`, to the optimum."""
        self._stand(parameters, value)
        before, reason = value.objective, self._exhausted()
        if reason is None and self._reported():
            reason = "stopped"
        while reason is None:
            reason = self._iterate()
        if reason == "max_iter" and not self.value.objective < before:
            self._step_unseen()
            reason = "stopped" if self._reported() else reason
        return self._solution(reason)

    def _step_unseen(self) -> None:
        """Take a step that lowers F for certain, where no pass is left to look; the proof sees it."""
        if not self._finite() or (self._looks_done() and self._certify()):
            return
        direction = self._direction()
        slope = -float(np.vdot(self.value.gradient, direction))
        if not 0.0 < slope < math.inf:
            return
        length = sure_length(self.rows, self.penalty, self.parameters, direction, slope=slope)
        point = balanced(self.parameters + length * direction)
        value = evaluate(self.rows, self.penalty, point, np.float64)
        if value.objective < self.value.objective:
            self.dtype = np.float64
            self._stand(point, value)

    def _stand(self, parameters: NDArray[np.float64], value: Value) -> None:
        """Move to a point, whose `bound` is a proof only at exact intercepts in float64."""
        self.parameters, self.value = parameters, value
        self.bound = self.proof.expected(value)
        self.pace.note(self.passes, self.bound if self.penalised else self.decrement)
        if self.penalised:
            self.bound = min(self.bound, value.objective)  # F is never below 0

    def _iterate(self) -> str | None:
        """Certify or step; return why to stop, or None."""
        if not self._finite():
            return "non-finite"
        if self._looks_done():
            if self.plan.polish and not self.sharp:
                self._sharpen()
            elif not (self.penalised or self._estimates()):
                self._go_over()
            elif self._certify():
                return "converged"
            else:
                # The intercepts were not exact: aim lower by what they hid, tenfold at most.
                self.aim *= 0.5 * max(0.1, min(1.0, self.tol / self.bound))
        found = self._step()
        if found is None:
            return self._exhausted() or self._ended()
        if self.memory:
            step = found.point - self.parameters
            self.memory.add(step, self.value.gradient, found.value.gradient)
        self._stand(found.point, found.value)
        self.iteration += 1
        if self._reported():
            return "stopped"
        return self._exhausted()

    def _ended(self) -> str | None:
        """No step lowers F any more: go on in float64, on the Hessian at hand, or stop."""
        if not self.sharp:
            self._sharpen()
        elif self.newton is None and self._distance() > self._noise():
            self._go_over()
        else:
            return "rounding"
        return self._exhausted()

    def _distance(self) -> float:
        """How far F is above its minimum: a bound, if the intercepts are exact, or an estimate."""
        return self.bound if self.penalised else self.decrement

    def _noise(self) -> float:
        """Return the roundings of one F by which it may seem to rise."""
        return NOISE * float(np.finfo(self.dtype).eps) * abs(self.value.objective)

    def _exhausted(self) -> str | None:
        return "max_iter" if self.passes >= self.max_iter else None

    def _finite(self) -> bool:
        gradient = self.value.gradient.ravel()
        return math.isfinite(self.value.objective) and math.isfinite(gradient.dot(gradient))

    def _reported(self) -> bool:
        return self.report(
            self.value.objective,
            lambda: self.rows.restore(self.parameters),
            self.bound,
            self.passes,
        )

    def _step(self) -> Step | None:
        aim = max(self.aim if self.penalised else self.tol, self._noise())
        if self.newton is None and self.pace.is_too_slow(aim):
            self._go_over()
        return self._searched() if self.newton is None else self._damped(self.newton)

    def _damped(self, newton: DampedNewton) -> Step | None:
        found = newton.step(
            self.evaluate,
            self.parameters,
            self.value,
            noise=self._noise(),
            trials=self.max_iter - self.passes,
        )
        self.passes += newton.products
        self.decrement = newton.decrement
        return found

    def _searched(self) -> Step | None:
        direction = self._direction()
        self.decrement = -0.5 * float(np.vdot(self.value.gradient, direction))
        objective = abs(self.value.objective)
        if not self.sharp and self.decrement <= self.plan.finish * objective:
            return None
        found = search(
            self.evaluate,
            self.parameters,
            self.value,
            direction,
            noise=self._noise(),
            extrapolate=self.plan.newton or self.iteration == 0,
            trials=self.max_iter - self.passes,
            first=self.length,
            dtype=self.dtype,
        )
        if found is not None:
            # The next search begins where this one ended, or beyond where F still fell steeply.
            self.length = min(1.0, found.length if found.left < STEEP else 2.0 * found.length)
            if self.former is not None and self.length < SHORT:
                self.memory, self.length = self.former, 1.0
        self.former = None
        return found

    def _direction(self) -> NDArray[np.float64]:
        """Newton's direction, or quasi-Newton's; P is built anew when due."""
        if self.plan.newton:
            self.length = 1.0
            return -self._build()(self.value.gradient)
        memory = self.memory
        if memory is None or self._is_due():
            self.former = memory
            memory = self._begin(self._build())
        direction = memory.direction(self.value.gradient)
        if float(np.vdot(self.value.gradient, direction)) < 0.0:
            return direction
        memory.clear()
        return memory.direction(self.value.gradient)

    def _is_due(self) -> bool:
        """Whether P is built anew now, of the curvature that is worth its cost by now."""
        if self.iteration < self.renewal:
            return False
        chosen = self.curvature
        if not isinstance(chosen, Full):
            chosen = choose(self.rows, self.penalty, self.passes)
        left = self._steps_left()
        if left < WORTH * chosen.passes:
            self.renewal = self.iteration + max(1, int(left))
            return False
        if type(chosen) is not type(self.curvature):
            if isinstance(self.curvature, Diagonal):
                self.iteration = 0  # it has waited long enough
            self.curvature = chosen
        return True

    def _steps_left(self) -> float:
        """Return how many steps lead to the aim, if the bound falls as it has on this P."""
        first, bound = self.begun
        if self.plan.polish and self.sharp:
            return math.inf
        return steps_to(self.aim, self.bound, bound, self.iteration - first)

    def _looks_done(self) -> bool:
        if not self.penalised:
            return self.decrement <= self.tol
        if self.value.objective <= self.aim:
            return True
        if self.sharp and self.plan.polish and self.decrement > self.plan.settled:
            return False
        return self.bound <= self.aim

    def _estimates(self) -> bool:
        """Whether the decrement is of the Hessian, not of what L-BFGS has seen of it."""
        return self.newton is not None or isinstance(self.curvature, Full)

    def _certify(self) -> bool:
        """Prove in float64, at intercepts that allow it; True if `tol` is met, or no proof exists."""
        self.parameters, self.value, self.gap = self.proof.certify(
            self.parameters, self.value, self.dtype
        )
        self.gap += self.rows.restoring_error(self.parameters)
        if self.penalised:
            self.gap = min(self.gap, self.value.objective)
        self.bound = self.gap
        return self.gap <= self.tol or not self.penalised

    def _solution(self, reason: str) -> Solution:
        if reason not in ("converged", "non-finite") and self._certify():
            reason = "converged" if self.penalised or self.decrement <= self.tol else reason
        finite = self._finite() and bool(np.isfinite(self.parameters).all())
        if not finite:
            reason = "non-finite"
        return Solution(
            parameters=self.rows.restore(self.parameters),
            centre=self.rows.centre,
            deviation=self.rows.deviations(),
            objective=self.value.objective,
            gap=self.gap if finite else np.inf,
            decrement=self.decrement,
            converged=reason == "converged",
            n_iter=self.passes,
            reason=reason,
        )
