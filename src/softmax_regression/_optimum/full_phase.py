"""Full passes to the optimum: Newton's method or preconditioned L-BFGS, ended by the proof.

Small problems take Newton steps with the exact Hessian. Others start with float32 passes and
L-BFGS on a first matrix P, built anew at iterations 0, f, 3f, 7f, ...; once float32 has no
more to give, float64 passes and the full Hessian as P, where it is within reach.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._objective import Parameters
from .certificate import certify, duality_gap
from .curvature import FULL_WORK, Apply, Curvature, Full, choose, full_work
from .lbfgs import Memory
from .line_search import search
from .passes import Value, evaluate
from .standardised import Standardised

NEWTON_WORK = 2e7
SMALL_PASS = 5e5
CHEAP_PASSES = 6.0
# Decrements, relative to F, at which float32 passes end: early where a full Hessian is cheap.
NEAR = 1e-5
DIGITS = 1e-7
# Newton's decrement before the last step; the step squares it.
SETTLED = 1e-9

# F, the parameters and the duality gap after a pass; a true return stops the fit.
Report = Callable[[float, Callable[[], Parameters], float], bool]


class Solution(NamedTuple):
    """Where a fit ended.

    `gap` is a proven bound on F − F*, infinite without a proof; `decrement` the estimate
    ½ gᵀ H g of F − F* before the last step; `reason` one of "converged", "max_iter",
    "stopped", "rounding", "non-finite".
    """

    parameters: Parameters
    objective: float
    gap: float
    decrement: float
    converged: bool
    n_iter: int
    reason: str


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
        self.penalised = l2 > 0
        self.passes, self.iteration, self.renewal = 0, 0, 0
        self.decrement, self.gap = np.inf, np.inf
        self.memory = Memory()
        self.apply: Apply | None = None
        self.curvature: Curvature = choose(rows, self.penalty)
        self._plan()

    def _plan(self) -> None:
        """Choose Newton or L-BFGS, and the precision of the first passes."""
        rows, work = self.rows, full_work(self.rows)
        pass_entries = float(rows.n_rows) * rows.n_columns * rows.n_classes
        # Where a pass is all overhead, float32 saves nothing.
        small = pass_entries <= SMALL_PASS
        self.dtype: type[np.floating[Any]] = np.float64 if small else np.float32
        self.full_within_reach = work <= FULL_WORK
        self.finish = NEAR if work <= CHEAP_PASSES * 4.0 * pass_entries else DIGITS
        self.newton = work <= NEWTON_WORK
        self.sharp = False
        if self.newton:
            self._sharpen()

    def _sharpen(self) -> None:
        """Go on in float64, with the full Hessian where it is within reach."""
        self.sharp = True
        self.dtype = np.float64
        self.apply, self.iteration = None, 0
        if self.full_within_reach:
            self.curvature = Full(self.rows, self.penalty)

    def evaluate(self, parameters: NDArray[np.float64]) -> Value:
        """F and its gradient, counted as one pass."""
        self.passes += 1
        return evaluate(self.rows, self.penalty, parameters, self.dtype)

    def run(self, parameters: NDArray[np.float64]) -> Solution:
        """Descend from `parameters` (K, D) to the optimum."""
        self.parameters, self.value = parameters, self.evaluate(parameters)
        reason = "stopped" if self._reported() else None
        while reason is None:
            reason = self._iterate()
        return self._solution(reason)

    def _iterate(self) -> str | None:
        """Certify or step; return why to stop, or None."""
        if not (np.isfinite(self.value.objective) and np.isfinite(self.value.gradient).all()):
            return "non-finite"
        if self._looks_done():
            if self._certify():
                return "converged"
            if not self.sharp:
                self._sharpen()
        found = self._step()
        if found is None:
            if self.sharp:
                return "rounding"
            self._sharpen()
            self.value = self.evaluate(self.parameters)
            return None
        self.memory.add(found[0] - self.parameters, found[1].gradient - self.value.gradient)
        self.parameters, self.value = found
        self.iteration += 1
        if self._reported():
            return "stopped"
        return "max_iter" if self.passes >= self.max_iter else None

    def _reported(self) -> bool:
        objective, gap = self.value.objective, self._duality_gap()
        return self.report(objective, lambda: self.rows.restore(self.parameters), gap)

    def _step(self) -> tuple[NDArray[np.float64], Value] | None:
        direction = self._direction()
        self.decrement = -0.5 * float(np.vdot(self.value.gradient, direction))
        objective = abs(self.value.objective)
        if not self.sharp and self.decrement <= self.finish * objective:
            return None
        return search(
            self.evaluate,
            self.parameters,
            self.value,
            direction,
            noise=float(np.finfo(self.dtype).eps) * objective,
            extrapolate=self.iteration < 3,
        )

    def _direction(self) -> NDArray[np.float64]:
        """Quasi-Newton direction; P is built anew when due."""
        if self.apply is None or self.newton or self.iteration >= self.renewal:
            self.apply = self.curvature.build(self.parameters, self.dtype)
            self.memory.clear()
            self.renewal = 2 * self.iteration + self.curvature.first_renewal
        direction = self.memory.direction(self.value.gradient, self.apply)
        if float(np.vdot(self.value.gradient, direction)) < 0.0:
            return direction
        self.memory.clear()
        return -self.apply(self.value.gradient)

    def _duality_gap(self) -> float:
        """Return the gap, a proof only where the intercepts are exact and digits suffice."""
        return duality_gap(self.value.gradient, self.penalty, self.rows.n_features)

    def _looks_done(self) -> bool:
        if not self.penalised:
            return self.decrement <= self.tol
        if self.newton and self.decrement > SETTLED:
            return False
        return self._duality_gap() <= self.tol

    def _certify(self) -> bool:
        """Move to exact intercepts, in float64; True if `tol` is proven, or no proof exists."""
        proof = certify(self.rows, self.penalty, self.parameters)
        self.parameters, self.value, self.gap = proof
        return self.gap <= self.tol or not self.penalised

    def _solution(self, reason: str) -> Solution:
        if reason not in ("converged", "non-finite") and self._certify():
            reason = "converged" if self.penalised or self.decrement <= self.tol else reason
        finite = bool(np.isfinite(self.parameters).all() and np.isfinite(self.value.objective))
        if not finite:
            reason = "non-finite"
        return Solution(
            parameters=self.rows.restore(self.parameters),
            objective=self.value.objective,
            gap=self.gap if finite else np.inf,
            decrement=self.decrement,
            converged=reason == "converged",
            n_iter=self.passes,
            reason=reason,
        )
