"""Runs of solvers on one problem: the search for the rungs that reach a target, then the rounds.

The search runs each fit in a process of its own, so that it can be ended. The rounds run the
chosen fits in turns within one process and give the medians.
"""

import importlib
import math
import multiprocessing
import statistics
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from solvers import OURS, SCIKIT_LEARN, Fitted, Solver
from workloads import workloads

from softmax_regression import cross_entropy

TARGETS = (1e-3, 1e-6)
TIGHT = 1e-12
BLOCK = 8_192
SHORT, LIMIT_FACTOR, LEAST_LIMIT = 0.3, 3.0, 1.0
MOST_ROUNDS = 50


class Problem(NamedTuple):
    """A workload at one l2 = 1 / (divisor n)."""

    name: str
    X: Any
    y: Any
    divisor: int

    @property
    def l2(self) -> float:
        return 1.0 / (self.divisor * self.X.shape[0])

    @property
    def n_classes(self) -> int:
        return int(self.y.max()) + 1

    @property
    def size(self) -> str:
        return " x ".join(f"{size:,}" for size in (*self.X.shape, self.n_classes))


class Run(NamedTuple):
    """One fit: where it ended, and how long it took.

    `objective` is inf if it did not end within `seconds`, or failed (`seconds` is then nan).
    """

    solver: Solver
    rung: float
    seconds: float
    objective: float = math.inf
    rounding: float = 0.0
    proven: float = math.inf

    @property
    def finished(self) -> bool:
        return math.isfinite(self.objective)

    @property
    def ended(self) -> bool:
        """Whether the time was up."""
        return not self.finished and math.isfinite(self.seconds)


def objective(problem: Problem, fitted: Fitted) -> tuple[float, float]:
    """Return F and the size of its rounding error, that of the logits' inner products."""
    W, b = np.asarray(fitted.W, np.float64), np.asarray(fitted.b, np.float64)
    X, y = problem.X, problem.y
    losses = math.fsum(
        float(cross_entropy(X[start : start + BLOCK] @ W.T + b, y[start : start + BLOCK]).sum())
        for start in range(0, X.shape[0], BLOCK)
    )
    penalty = 0.5 * problem.l2 * float(np.vdot(W, W))
    sizes = float(np.asarray(abs(X).mean(axis=0)).ravel() @ abs(W).max(axis=0))
    rounding = 4.0 * float(np.finfo(np.float64).eps) * (1.0 + sizes + float(abs(b).max()))
    return losses / X.shape[0] + penalty, rounding


def holds(run: Run, best: float) -> bool:
    """Whether the run is no further from F* than it claims to have proven."""
    return run.objective - best <= run.proven + run.rounding


def attempt(solver: Solver, problem: Problem, rung: float, limit: float) -> Run:
    """Fit in a child process that ends at the limit; a short fit is repeated for its median."""
    here, there = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(
        target=_fit_and_send, args=(there, solver, problem, rung)
    )
    child.start()
    there.close()
    try:
        if not here.poll(limit):
            return Run(solver, rung, limit)
        here.recv()
        return Run(solver, rung, *here.recv())
    except EOFError:
        return Run(solver, rung, math.nan)
    finally:
        child.kill()
        child.join()
        here.close()


def _fit_and_send(connection: Any, solver: Solver, problem: Problem, rung: float) -> None:
    times = []
    while not times or (sum(times) < SHORT and len(times) < MOST_ROUNDS):
        seconds, fitted = timed(solver, problem, rung)
        if not times:
            connection.send("fitted")
        times.append(seconds)
    F, rounding = objective(problem, fitted)
    connection.send((statistics.median(times), F, rounding, float(fitted.proven)))


def timed(solver: Solver, problem: Problem, rung: float) -> tuple[float, Fitted]:
    """Return the processor seconds of one whole fit, and the fit."""
    begin = time.process_time()
    fitted = solver.fit(problem.X, problem.y, problem.l2, rung)
    return time.process_time() - begin, fitted


def tight_run(problem: Problem) -> Run:
    """Return our fit at the tightest `tol`."""
    seconds, fitted = timed(OURS, problem, TIGHT)
    return Run(OURS, TIGHT, seconds, *objective(problem, fitted), float(fitted.proven))


def climb(solver: Solver, problem: Problem, best: float, limit: float) -> Iterator[Run]:
    """Yield runs from the loosest rung to the first that reaches every target."""
    if not solver.serves(problem.X, problem.n_classes):
        return
    for rung in solver.ladder:
        run = attempt(solver, problem, rung, limit)
        yield run
        if not run.finished or run.objective - best <= min(TARGETS) * best:
            return


def search(problem: Problem, peers: Iterable[Solver], cap: float) -> list[Run]:
    """Return all runs on a problem, ours first."""
    runs = [tight_run(problem)]
    best = runs[0].objective
    runs.extend(climb(OURS, problem, best, cap))
    limit = cap
    for solver in peers:
        runs.extend(climb(solver, problem, best, limit))
        there = [
            run for run in runs if run.solver in SCIKIT_LEARN and reaches(run, best, min(TARGETS))
        ]
        if there:
            fastest = min(run.seconds for run in there)
            limit = min(cap, max(LIMIT_FACTOR * fastest, LEAST_LIMIT))
    return runs


def reaches(run: Run, best: float, target: float) -> bool:
    """Whether F - F* <= target F*."""
    return run.objective - best <= target * best


def first_to(runs: list[Run], solver: Solver, best: float, target: float) -> Run | None:
    """Return the solver's run at the loosest rung that reaches the target."""
    return next((run for run in runs if run.solver is solver and reaches(run, best, target)), None)


def warm_up(with_others: bool) -> None:
    """Import and initialise before the first fork what a child's first fit should not pay for."""
    X, y = workloads(None)["iris"]()
    for solver in (OURS, *SCIKIT_LEARN):
        solver.fit(X, y, 1.0, solver.ladder[0])
    # PyTorch cannot differentiate in a child once its parent has: import only, and what its
    # optimisers import at their first step.
    for module in ("torch", "torch._dynamo", "mlxtend.classifier") if with_others else ():
        importlib.import_module(module)


def fastest_peers(runs: list[Run], best: float, target: float) -> list[Run]:
    """Return the scikit-learn runs within twice the time of the fastest that reaches the target."""
    there = [first_to(runs, solver, best, target) for solver in SCIKIT_LEARN]
    found = sorted((run for run in there if run), key=lambda run: run.seconds)
    return [run for run in found if run.seconds <= 2.0 * found[0].seconds]


def first_ended(runs: list[Run]) -> Run | None:
    """Return the scikit-learn run that was ended first, or None if none was."""
    ended = [run for run in runs if run.solver in SCIKIT_LEARN and run.ended]
    return min(ended, key=lambda run: run.seconds, default=None)


def in_turns(runs: list[Run], problem: Problem, rounds: int, cap: float) -> list[Run]:
    """Return the runs with the medians of rounds in turns.

    Short fits get more rounds than asked for; long ones fewer, but at least one, within `cap`.
    """
    times: list[list[float]] = [[] for _ in runs]
    begin = time.perf_counter()
    for done in range(MOST_ROUNDS):
        spent = time.perf_counter() - begin
        if done and (done + 1) * spent / done > (cap if done < rounds else SHORT * len(runs)):
            break
        for run, seconds in zip(runs, times, strict=True):
            seconds.append(timed(run.solver, problem, run.rung)[0])
    return [
        run._replace(seconds=statistics.median(seconds))
        for run, seconds in zip(runs, times, strict=True)
    ]
