"""A hunt for fits that go wrong: problems of every hard kind against an independent Newton method.

    python tests/hunt.py [--seconds 480] [--first 0] [--jobs 2] [--only FAMILY]
    python tests/hunt.py --only FAMILY --first SEED --one

Draws a problem for every seed and family until the time is up, fits it, and looks for the minimum
by damped Newton steps in centred columns of unit spread; with l1 by an interior-point method. F of
what the model keeps is summed in longdouble. The table counts, for each family, the fits, and of
these

- missed: unconverged although Newton's method finds a minimum in `STEPS` steps, which is no higher
  than the fit, and no linear program a direction in which F falls for ever,
- false: `converged_`, and F more than `tol` above the minimum,
- gap: `optimality_gap_` below the distance from the minimum, beyond rounding,
- long: more than `LONG` epochs,
- slow: more than `SLOW` times the processor time of Newton's method, if that can be felt.

Ends with status 1 where a fit was missed, false, or had too small a gap. Set OPENBLAS_NUM_THREADS=1.
"""

import argparse
import json
import multiprocessing
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from softmax_regression import SoftmaxRegression

STEPS = 100
LONG, SLOW, FELT = 300, 10.0, 0.25
# Multiplications of a Hessian: drawn problems have no more, and few have nearly as many.
WORK, LITTLE_WORK = 6e8, 4e7
# Of its mean: a column that varies by no more is constant to rounding.
CONSTANT = 1e-14
# Margins of rows of unit spread that a linear program takes for none.
BORDER = 1e-9
# F is a mean of n terms, each of a few roundings.
ROUNDING = 1e-13
# A decrement that leaves nothing to find, and a step that moves no logit: there is a minimum.
DONE, STILL = 1e-13, 1e-3
# Steps in which Newton's method is at rest once F is, if there is a minimum.
MORE = 12
# An l1 that counts for no more than rounding.
NOTHING = 1e-13
# Seeds that the pool is given at once: it reads ahead all that there is.
ROUND = 20


class Problem(NamedTuple):
    """Rows, probability rows T (n, K), weights (n,), and the settings of the fit."""

    X: np.ndarray
    T: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    sparse: bool
    settings: dict


# Columns of each kind, from standard normal ones (n, d).


def tails(rng, N):
    """Log-normal, Pareto and counts."""
    kind = rng.integers(4)
    if kind == 0:
        return np.exp(rng.integers(1, 5) * N)
    if kind == 1:
        return np.exp(rng.choice([1.0, 2.0, 3.0, 4.0], N.shape[1]) * N)
    if kind == 2:
        # The same order of rows, so that the columns still tell of the classes.
        return (rng.uniform(0.02, 1.0, N.shape).min() + np.exp(-np.abs(N))) ** -rng.uniform(0.5, 6)
    return rng.poisson(np.exp(np.minimum(rng.uniform(0.5, 3) * N + rng.normal(), 15.0))) * 1.0


def offsets(rng, N):
    """Columns up to 1e6 deviations from zero."""
    return N + 10.0 ** rng.uniform(0, 6, N.shape[1]) * rng.choice([-1, 1], N.shape[1])


def raw(rng, N):
    """Columns in units of their own."""
    return (N + rng.normal(size=N.shape[1]) * 10) * 10.0 ** rng.uniform(-6, 6, N.shape[1])


def timestamps(rng, N):
    """Times in seconds up to nanoseconds since 1970, whole numbers, next to plain columns."""
    X = N.copy()
    stamps = rng.random(N.shape[1]) < 0.5
    stamps[rng.integers(N.shape[1])] = True
    unit = 10.0 ** rng.integers(3, 10)
    since = 1.6e9 + 10.0 ** rng.uniform(3, 8) * N
    X[:, stamps] = np.floor(since * unit)[:, stamps]
    return X


def degenerate(rng, N):
    """Constant, equal, collinear, nearly collinear and empty columns; indicators."""
    X, d = N.copy(), N.shape[1]
    for j in range(d):
        other = X[:, rng.integers(d)]
        X[:, j] = [
            X[:, j],
            np.full(len(N), rng.choice([0.0, 1.0, 1e6, -3e-7])),
            other,
            other * 3 - X[:, rng.integers(d)],
            other + 10.0 ** rng.uniform(-12, -3) * N[:, j],
            (N[:, j] > rng.uniform(0, 3)) * 1.0,
            np.where(N[:, j] > 2, 10.0 ** rng.uniform(-3, 5), 0.0),
        ][rng.integers(7)]
    return X


def thin(rng, N):
    """Columns that are mostly zero: counts, amounts, indicators."""
    values = [np.exp(3 * N), N, np.floor(np.exp(1.5 * N)) + 1, np.ones(N.shape)][rng.integers(4)]
    return np.where(rng.random(N.shape) < rng.uniform(0.02, 0.5), values, 0.0)


def plain(_, N):
    return N


KINDS = (tails, offsets, raw, timestamps, degenerate, thin, plain)


def mixed(rng, N):
    """Each column of some kind."""
    drawn = [kind(rng, N) for kind in KINDS]
    return np.column_stack(
        [drawn[k][:, j] for j, k in enumerate(rng.integers(len(KINDS), size=N.shape[1]))]
    )


FAMILIES = {
    "tails": tails,
    "offsets": offsets,
    "sparse": thin,
    "elastic net": mixed,
    "float32": mixed,
    "weights": mixed,
    "soft targets": mixed,
    "degenerate": degenerate,
    "timestamps": timestamps,
    "raw units": raw,
}


def draw(family: str, seed: int) -> Problem:
    """Return the problem of a seed."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(family)])
    limit = LITTLE_WORK if rng.random() < 0.9 else WORK
    if family == "elastic net":
        limit = LITTLE_WORK
    while True:
        n, d = (
            int(np.exp(rng.uniform(np.log(30), np.log(2000)))),
            int(np.exp(rng.uniform(0, np.log(60)))),
        )
        K = int(rng.integers(2, 21))
        if n >= 2 * K and (n + K * d) * (K * d) ** 2 <= limit:
            break
    N = rng.normal(size=(n, d))
    kind = FAMILIES[family]
    if family == "sparse" and rng.random() < 0.3:
        kind = tails
    X = kind(rng, N)
    if family == "float32":
        X = tails(rng, N) if rng.random() < 0.4 else N + rng.choice([0, 10.0, 1e3])
        if d > 2 and rng.random() < 0.3:
            X[:, -1] = X[:, 0] - X[:, 1]
        X = X.astype(np.float32)
    if family == "sparse":
        X = np.where(rng.random(X.shape) < rng.uniform(0.3, 1.0), X, 0.0)
    strength = 10.0 ** rng.uniform(-1, 1)
    score = strength * N @ rng.normal(size=(d, K)) / np.sqrt(d) + rng.normal(size=K) * rng.choice(
        [0, 1, 2]
    )
    y = (score + rng.gumbel(size=(n, K))).argmax(axis=1)
    y[:K] = np.arange(K)
    T = np.eye(K)[y]
    weight = None
    if family == "weights":
        weight = rng.choice(
            [np.ones(n), rng.integers(0, 4, n) * 1.0, 10.0 ** rng.uniform(-3, 3, n)]
        )
        weight[:K] = np.maximum(weight[:K], 1e-3)
    if family == "soft targets":
        T = rng.dirichlet(np.full(K, 10.0 ** rng.uniform(-1, 1)), n)
        T = (T + np.eye(K)[y]) / 2 if rng.random() < 0.5 else T
    l1 = 0.0
    l2 = float(rng.choice([0.0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1.0], p=[0.2] + [0.8 / 7] * 7))
    if family == "elastic net":
        l1 = float(10.0 ** rng.uniform(-5, -1))
    settings = {"l1": l1, "l2": l2, "fit_intercept": bool(rng.random() < 0.9)}
    sparse = family == "sparse" or (family == "elastic net" and rng.random() < 0.2)
    return Problem(X, T, y, weight, sparse, settings)


class Minimum(NamedTuple):
    """F where the search ended, whether that is a minimum, and the processor time it took."""

    objective: float
    found: bool
    steps: int
    seconds: float


class Coordinates:
    """Rows of zero mean and unit spread, (n, D) with the intercept's column, and what is asked of θ."""

    def __init__(self, problem: Problem) -> None:
        X, self.T = problem.X.astype(np.longdouble), problem.T
        n = len(X)
        weight = np.ones(n) if problem.weight is None else problem.weight
        self.weight = weight / weight.sum()
        intercept = problem.settings["fit_intercept"]
        mean = self.weight @ X if intercept else np.zeros(X.shape[1])
        X = X - mean
        scale = np.sqrt(self.weight @ X**2)
        constant = scale <= CONSTANT * np.abs(mean) + 1e-290
        X[:, constant], scale[constant] = 0.0, 1.0
        columns = [X / scale, np.ones((n, 1))] if intercept else [X / scale]
        self.A = np.concatenate(columns, axis=1).astype(float)
        D = self.A.shape[1]
        # Without an intercept columns are not centred, and rounded as they are far from zero.
        self.far = float((np.abs(self.weight @ self.A) / (self.A.std(axis=0) + 1e-16)).max())
        self.far = 0.0 if intercept else min(self.far, 1e12)
        self.l1, self.l2 = np.zeros((2, D))
        scale = scale.astype(float)
        self.l1[: len(scale)] = problem.settings["l1"] / scale
        self.l2[: len(scale)] = problem.settings["l2"] / scale**2

    def smooth(self, theta):
        """F without its l1 term, and the probabilities."""
        Z = self.A @ theta.T
        Z -= Z.max(axis=1, keepdims=True)
        E = np.exp(Z)
        S = E.sum(axis=1)
        losses = np.log(S) - (self.T * Z).sum(axis=1)
        value = float(self.weight @ losses) + 0.5 * float((theta**2 @ self.l2).sum())
        return value, E / S[:, None]

    def gradient(self, theta, P):
        return ((P - self.T) * self.weight[:, None]).T @ self.A + self.l2 * theta

    def hessian(self, P):
        """(K D, K D), with a multiple of 11ᵀ for the direction that neither softmax nor l2 sees."""
        n, D = self.A.shape
        K = P.shape[1]
        B = (P * np.sqrt(self.weight)[:, None])[:, :, None] * self.A[:, None, :]
        B = B.reshape(n, K * D)
        H = (-(B.T @ B)).reshape(K, D, K, D)
        for k in range(K):
            H[k, :, k] += (self.A * (self.weight * P[:, k])[:, None]).T @ self.A
            H[k, :, k] += np.diag(self.l2)
        H += np.diag((self.l1 <= NOTHING) / K)[None, :, None, :]
        return H.reshape(K * D, K * D)


def solve(H, right):
    """H⁻¹ r, H in unit diagonal and with a ridge of its rounding."""
    root = 1 / np.sqrt(np.maximum(H.diagonal(), 1e-300))
    scaled = H * root[:, None] * root
    scaled[np.diag_indices_from(scaled)] += 1e-15 * len(H)
    try:
        return np.linalg.solve(scaled, right * root) * root
    except np.linalg.LinAlgError:
        return np.full(len(H), np.nan)


def parted(rows: Coordinates, labels: np.ndarray) -> bool:
    """Whether some weights part classes: no margin negative, some positive, by a linear program.

    In an orthonormal basis of the columns, where nearly collinear ones are as good as others.
    """
    axes, spread, _ = np.linalg.svd(rows.A, full_matrices=False)
    axes = axes[:, spread > CONSTANT * spread[0]] * np.sqrt(len(axes))
    K = rows.T.shape[1]
    margins = [
        np.einsum("k,r->kr", np.eye(K)[label] - np.eye(K)[other], row).ravel()
        for row, label, weight in zip(axes, labels, rows.weight, strict=True)
        for other in range(K)
        if other != label and weight > 0.0
    ]
    G = np.array(margins)
    found = linprog(-G.mean(axis=0), A_ub=-G, b_ub=np.zeros(len(G)), bounds=(-1, 1))
    return bool(found.status == 0 and -found.fun > BORDER and (G @ found.x).min() > -BORDER)


def newton(rows: Coordinates, most: int = 2 * STEPS) -> Minimum:
    """Damped Newton steps, halved while F does not fall; the damping falls after a whole step."""
    begin = time.process_time()
    K, D = rows.T.shape[1], rows.A.shape[1]
    theta, damping, still, found = np.zeros((K, D)), 1e-3, 0, False
    value, P = rows.smooth(theta)
    squares = np.tile(rows.weight @ rows.A**2, K)
    steps = 0
    while steps < most:
        steps += 1
        g = rows.gradient(theta, P)
        step = -solve(rows.hessian(P) + np.diag(damping * squares), g.ravel()).reshape(K, D)
        slope = float(np.vdot(g, step))
        damped = damping * float(squares @ step.ravel() ** 2)
        if -slope <= DONE * max(1.0, value) and damped <= -0.1 * slope:
            moved = np.abs(rows.A @ (step - step.mean(axis=0)).T).max()
            found, still = bool(rows.l2.any() or moved <= STILL), still + 1
            if found or still == MORE:
                break
        length = 1.0
        there, Q = rows.smooth(theta + step)
        while not there <= value + 1e-4 * length * slope + still * DONE and length > 1e-2:
            length *= 0.5
            there, Q = rows.smooth(theta + length * step)
        if there <= value + still * DONE:
            theta, value, P = theta + length * step, there, Q
        elif damping > 1e3:
            break
        if length == 1.0:
            damping = max((0.1 if damped > -0.1 * slope else 1e-3) * damping, 1e-16)
        elif length < 0.25:
            damping = max(10 * damping, 1e-12)
    return Minimum(value, found, steps, time.process_time() - begin)


def interior(rows: Coordinates, most: int = 2 * STEPS) -> Minimum:
    """Primal-dual interior-point steps in W = P − N, both positive.

    With duals z of P and N, P z = N z = μ; the weights' rows of the Newton system are
    (H + S) dW = …, S diagonal (Koh, Kim and Boyd, 2007, JMLR 8).
    """
    begin = time.process_time()
    K, D = rows.T.shape[1], rows.A.shape[1]
    held = np.flatnonzero(np.tile(rows.l1, K) > NOTHING)
    l1 = np.tile(rows.l1, K)[held]
    theta = np.zeros(K * D)
    p, q = np.ones((2, len(held)))
    value, Q = rows.smooth(theta.reshape(K, D))
    g = rows.gradient(theta.reshape(K, D), Q).ravel()
    largest = np.abs(g).max()
    zp = np.maximum(l1 + g[held], 0.5 * (l1 + largest))
    zq = np.maximum(l1 - g[held], 0.5 * (l1 + largest))
    found, steps, length = False, 0, 1.0
    while steps < most:
        steps += 1
        before, gap = theta, float(p @ zp + q @ zq)
        rest = (
            np.abs(np.concatenate([l1 + g[held] - zp, l1 - g[held] - zq])).max()
            if len(held)
            else 0.0
        )
        free = np.delete(g, held)
        if gap <= 1e-11 and rest <= 2e-7 and np.abs(free).max(initial=0.0) <= 1e-7:
            found = True
            break
        # The products fall no faster than the equations are met.
        mu = (0.1 if length > 0.7 else 0.9) * gap / (2 * len(held))
        a = -(l1 + g[held] - zp) + mu / p - zp
        b = -(l1 - g[held] - zq) + mu / q - zq
        dp_, dq_ = zp / p, zq / q
        S = 1 / (1 / dp_ + 1 / dq_)
        H, right = rows.hessian(Q), -g
        H[held, held] += S
        right[held] = S * (a / dp_ - b / dq_)
        step = solve(H, right)
        curved = rows.hessian(Q)[held] @ step
        dp, dq = (a - curved) / dp_, (b + curved) / dq_
        dzp, dzq = mu / p - zp - dp_ * dp, mu / q - zq - dq_ * dq
        length = 1.0
        for x, dx in ((p, dp), (q, dq), (zp, dzp), (zq, dzq)):
            down = dx < 0
            length = min(length, 0.995 * float((-x[down] / dx[down]).min(initial=np.inf)))

        now = value + l1 @ (p + q) - mu * np.log(p * q).sum()
        for part in (1.0, 0.5, 0.25, 0.1, 0.01, 1.0):  # whole where rounding is what stops it
            t = part * length
            theta = before + t * step
            theta[held] = (p + t * dp) - (q + t * dq)
            value, Q = rows.smooth(theta.reshape(K, D))
            held_off = mu * np.log((p + t * dp) * (q + t * dq)).sum()
            if value + l1 @ (p + t * dp + q + t * dq) - held_off <= now + 1e-13 * abs(now):
                break
        length = t
        p, q, zp, zq = p + length * dp, q + length * dq, zp + length * dzp, zq + length * dzq
        g = rows.gradient(theta.reshape(K, D), Q).ravel()
    lowest = min(value + float(l1 @ np.abs(theta[held])), _cleaned(rows, theta, held, value))
    return Minimum(lowest, found, steps, time.process_time() - begin)


def _cleaned(rows: Coordinates, theta, held, value) -> float:
    """Return F where weights that the barrier holds off zero are zero."""
    l1 = np.tile(rows.l1, rows.T.shape[1])[held]
    rounded = theta.copy()
    rounded[held[np.abs(theta[held]) * l1 < 1e-9 * value / max(1, len(held))]] = 0.0
    return rows.smooth(rounded.reshape(-1, rows.A.shape[1]))[0] + float(l1 @ np.abs(rounded[held]))


def objective(problem: Problem, model) -> float:
    """F of what the model keeps, in longdouble, from the rows as they are."""
    W, b = model.coef_.astype(np.longdouble), model.intercept_.astype(np.longdouble)
    Z = problem.X.astype(np.longdouble) @ W.T + b
    Z -= Z.max(axis=1, keepdims=True)
    losses = np.log(np.exp(Z).sum(axis=1)) - (problem.T * Z).sum(axis=1)
    weight = np.ones(len(Z)) if problem.weight is None else problem.weight
    mean = weight @ losses / weight.sum()
    held = problem.settings["l1"] * np.abs(W).sum() + problem.settings["l2"] / 2 * (W**2).sum()
    return float(mean + held)


def judge(family: str, seed: int) -> dict:
    """Return what is to be said of one fit."""
    problem = draw(family, seed)
    targets = problem.T if family == "soft targets" else problem.y
    model = SoftmaxRegression(**problem.settings)
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(
            csr_array(problem.X) if problem.sparse else problem.X,
            targets,
            sample_weight=problem.weight,
        )
    seconds = time.process_time() - begin
    F = objective(problem, model)
    rows = Coordinates(problem)
    with np.errstate(all="ignore"):
        right = (interior if (rows.l1 > NOTHING).any() else newton)(rows)
    above, gap = F - right.objective, float(model.optimality_gap_)
    rounding = ROUNDING * (1.0 + abs(F) + rows.far)
    found = right.found and right.steps <= STEPS and above >= -model.tol
    if found and model.stop_reason_ == "separable" and family != "soft targets":
        found = not parted(rows, problem.y)
    wrong = {
        "missed": not model.converged_ and found,
        "false": model.converged_ and above > model.tol + rounding,
        "gap": np.isfinite(gap) and gap + rounding < above,
        "long": model.n_iter_ > LONG,
        "slow": seconds > SLOW * right.seconds and seconds > FELT,
    }
    return {
        "family": family,
        "seed": seed,
        "shape": (*problem.X.shape, problem.T.shape[1]),
        **problem.settings,
        "wrong": [name for name, is_so in wrong.items() if is_so],
        "reason": model.stop_reason_,
        "epochs": int(model.n_iter_),
        "F": F,
        "above": above,
        "gap": gap,
        "newton": (bool(right.found), right.steps),
        "seconds": (round(seconds, 3), round(right.seconds, 3)),
    }


COUNTED = ("missed", "false", "gap", "long", "slow")


def told(counts: dict[str, Counter]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"{'family':<14}" + "".join(
        f"{name:>11}" for name in ("fits", "converged", "minimum", *COUNTED)
    )
    for family, count in counts.items():
        names = ("fits", "converged", "minimum", *COUNTED)
        yield f"{family:<14}" + "".join(f"{count[name]:>11}" for name in names)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=480.0)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--last", type=int, default=10**9)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=FAMILIES)
    parser.add_argument("--one", action="store_true", help="one seed alone")
    asked = parser.parse_args()
    families = [asked.only] if asked.only else list(FAMILIES)
    if asked.one:
        print(json.dumps(judge(families[0], asked.first)))
        return 0
    end = time.monotonic() + asked.seconds
    counts = {family: Counter() for family in families}
    seed = asked.first
    with multiprocessing.Pool(asked.jobs) as pool:
        while seed < asked.last and time.monotonic() < end:
            work = [(f, s) for s in range(seed, seed + ROUND) for f in families]
            for found in pool.imap_unordered(partial(_judged, end), work):
                if found is not None:
                    _count(counts[found["family"]], found)
            seed += ROUND
    print(f"seeds {asked.first} to {seed - 1}")
    print("\n".join(told({**counts, "all": sum(counts.values(), Counter())})))
    return int(any(count[name] for count in counts.values() for name in COUNTED[:3]))


def _count(count: Counter, found: dict) -> None:
    count.update(["fits", *found["wrong"]])
    count.update(["converged"] * (found["reason"] == "tol") + ["minimum"] * found["newton"][0])
    if found["wrong"]:
        print(json.dumps(found), flush=True)


def _judged(end: float, drawn: tuple[str, int]) -> dict | None:
    return judge(*drawn) if time.monotonic() < end else None


if __name__ == "__main__":
    sys.exit(main())
