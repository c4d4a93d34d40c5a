"""Time to the optimum, against scikit-learn's solvers and other peers.

For every workload, l2 = 1/n and 1/(100 n), and F - F* <= 1e-3 F* and 1e-6 F*: a whole `fit` of the
library, input checks and certificate included, against a whole `fit` of the fastest scikit-learn
solver. Each runs at the loosest rung of its ladder (solvers.py) at which it reaches the target.
F* is the lowest F of all runs, one of ours with tol=1e-12 among them, and one function computes F
for all. A third line per problem is the fit with the default `tol`.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/optimum.py --data FOLDER

The search for the rungs runs each fit in a process of its own, which ends at `--seconds`, or, for
a peer, at three times what the fastest scikit-learn solver needed for 1e-6: it cannot be the
fastest any more. The reported times are medians of rounds in turns within one process. Needs a
system that can fork.

`--data` adds each `*.csv` and `*.csv.gz` of a folder (a header line, the label in the last
column), raw and standardised. `--peers` adds MLPClassifier, mlxtend and PyTorch to the table
written by `--csv`. The exit status is 1 if a fit was further from F* than it had proven.
"""

import argparse
import csv
import importlib.metadata
import math
import os
import platform
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from picture import Panel, draw
from race import (
    TARGETS,
    TIGHT,
    Problem,
    Run,
    attempt,
    fastest_peers,
    first_ended,
    first_to,
    holds,
    in_turns,
    search,
    warm_up,
)
from solvers import OTHERS, OURS, SCIKIT_LEARN
from workloads import goal, title, workloads

from softmax_regression import SoftmaxRegression

DIVISORS = (1, 100)
DEFAULT_TOL = SoftmaxRegression().tol


class Row(NamedTuple):
    """A line of the table: a target (None: the default `tol`) and the runs that reach it.

    `best` is F*, `unsure` how far it can be above the minimum. Where no scikit-learn solver
    reaches the target, `peer` is the one whose time was up first; None if all came to the end of
    their ladders.
    """

    problem: Problem
    target: float | None
    best: float
    unsure: float
    ours: Run | None
    peer: Run | None
    others: dict[str, str]

    @property
    def ratio(self) -> float:
        """How many times faster ours is, at least; inf if no peer gets there, 0 if ours did not."""
        if self.ours is None:
            return 0.0
        return self.peer.seconds / self.ours.seconds if self.peer else math.inf

    @property
    def verdict(self) -> str:
        """Whether the goal is met ("open" if the cap ended the peers too early to tell).

        For the default `tol`, whether the proof holds.
        """
        if self.target is None:
            return "yes" if self.ours and holds(self.ours, self.best) else "no"
        if self.ratio >= goal(self.problem.name):
            return "yes"
        return "open" if self.ours and self.peer and not self.peer.finished else "no"


def measure(problem: Problem, runs: list[Run], rounds: int, cap: float) -> list[Row]:
    """Return one row per target and one for the default `tol`."""
    best = min(run.objective for run in runs)
    unsure = best - max(run.objective - run.proven for run in runs if run.finished)
    ladder = [run for run in runs if run.rung != TIGHT]
    default = attempt(OURS, problem, DEFAULT_TOL, cap)
    mine = {target: first_to(ladder, OURS, best, target) for target in TARGETS}
    peers = {target: fastest_peers(ladder, best, target) for target in TARGETS}
    chosen = [*mine.values(), *(run for found in peers.values() for run in found)]
    chosen.append(default if default.finished else None)
    unique = {(run.solver.name, run.rung): run for run in chosen if run}
    medians = in_turns(list(unique.values()), problem, rounds, cap)
    measured = {(run.solver.name, run.rung): run for run in medians}
    rows = []
    for target in TARGETS:
        ours = mine[target] and measured[OURS.name, mine[target].rung]
        there = [measured[run.solver.name, run.rung] for run in peers[target]]
        peer = min(there, key=lambda run: run.seconds, default=first_ended(ladder))
        others = all_times(ladder, best, target)
        rows.append(Row(problem, target, best, unsure, ours, peer, others))
    ours = measured.get((OURS.name, DEFAULT_TOL))
    return [*rows, Row(problem, None, best, unsure, ours, None, {})]


def all_times(runs: list[Run], best: float, target: float) -> dict[str, str]:
    """Return, from the search, every peer's milliseconds to the target."""
    texts = {}
    for solver in (*SCIKIT_LEARN, *OTHERS):
        tried = [run for run in runs if run.solver is solver]
        there = first_to(tried, solver, best, target)
        if there:
            texts[solver.name] = f"{1e3 * there.seconds:.4g}"
        elif tried:
            last = tried[-1]
            given_up = f">{1e3 * last.seconds:.4g}" if last.ended else "failed"
            texts[solver.name] = "not reached" if last.finished else given_up
        else:
            texts[solver.name] = "not run"
    return texts


# The report

COLUMNS = (
    ("workload", 24),
    ("n x d x K", 22),
    ("l2 n", 6),
    ("target", 8),
    ("ours ms", 9),
    ("fastest scikit-learn", 24),
    ("ratio", 7),
    ("goal", 5),
    ("met", 4),
)


def header() -> str:
    """Return the machine, the versions and the thread settings in one line."""
    info = Path("/proc/cpuinfo")
    names = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in names if line.startswith("model name")]
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("softmax-regression", "numpy", "scipy", "scikit-learn")
        if _installed(name)
    )
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "not set")
    return (
        f"{models[0] if models else platform.processor() or platform.machine()}, "
        f"{os.cpu_count()} cores; Python {platform.python_version()}, {versions}; "
        f"OPENBLAS_NUM_THREADS {threads}"
    )


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def cells(row: Row) -> list[str]:
    """Return the texts of one line of the table; for the default `tol` the two gaps."""
    problem, ours, peer = row.problem, row.ours, row.peer
    over = "" if peer is None or peer.finished else ">"
    if row.target is None and ours:
        peer_text = f"off {ours.objective - row.best:.1e}, proven {ours.proven:.1e}"
    else:
        peer_text = f"{peer.solver.name} {over}{1e3 * peer.seconds:,.1f}" if peer else "none"
    return [
        problem.name,
        problem.size,
        f"1/{problem.divisor}" if problem.divisor > 1 else "1",
        f"{row.target:.0e}" if row.target else "default",
        f"{1e3 * ours.seconds:,.1f}" if ours else "none",
        peer_text,
        f"{over}{row.ratio:.1f}" if row.target and ours and math.isfinite(row.ratio) else "",
        f"{goal(problem.name):g}" if row.target else "",
        row.verdict,
    ]


def print_line(texts: Iterable[str]) -> None:
    """Print one line of the table."""
    aligned = (
        text.ljust(width) if index in (0, 5) else text.rjust(width)
        for index, (text, (_, width)) in enumerate(zip(texts, COLUMNS, strict=True))
    )
    print("  ".join(aligned), flush=True)


def record(row: Row) -> dict[str, object]:
    """Return one line of the CSV file: rungs, gaps, and all peers' milliseconds of the search."""
    problem, ours, peer = row.problem, row.ours, row.peer
    return {
        "workload": problem.name,
        "n": problem.X.shape[0],
        "d": problem.X.shape[1],
        "K": problem.n_classes,
        "l2": problem.l2,
        "target": row.target or "default",
        "ours_ms": f"{1e3 * ours.seconds:.4g}" if ours else "none",
        "tol": ours.rung if ours else "",
        "true_gap": ours.objective - row.best if ours else "",
        "optimality_gap": ours.proven if ours else "",
        "optimum": row.best,
        "optimum_unsure": row.unsure,
        "peer": peer.solver.name if peer else "",
        "peer_tol": peer.rung if peer else "",
        "peer_reaches": "yes" if peer and peer.finished else "no",
        "peer_ms": f"{1e3 * peer.seconds:.4g}" if peer else "",
        "ratio": f"{row.ratio:.4g}" if row.target else "",
        "goal": goal(problem.name) if row.target else "",
        "met": row.verdict,
    } | {f"{name} ms": text for name, text in row.others.items()}


def write_csv(path: Path, rows: list[Row]) -> None:
    """Write all rows."""
    records = [record(row) for row in rows]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]), restval="")
        writer.writeheader()
        writer.writerows(records)


def broken_proofs(problem: Problem, runs: list[Run], best: float) -> list[str]:
    """Return a line for each of our runs that is further from F* than it has proven."""
    return [
        f"{problem.name}, l2 = 1/({problem.divisor} n), tol {run.rung:g}: "
        f"F - F* = {run.objective - best:.3e} > optimality_gap_ = {run.proven:.3e}"
        for run in runs
        if run.solver.name == OURS.name and run.finished and not holds(run, best)
    ]


def panel(problem: Problem, runs: list[Run]) -> Panel:
    """Return a title, the size and each solver's (seconds, relative gap) over its rungs."""
    best = min(run.objective for run in runs)
    points: dict[str, list[tuple[float, float]]] = {}
    for run in runs:
        if run.finished and run.rung != TIGHT:
            gap = (run.objective - best) / best
            points.setdefault(run.solver.name, []).append((run.seconds, gap))
    return title(problem.name), problem.size, points


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workloads", default="", help="names, separated by commas; default: all")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder of CSV files")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table as CSV")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw time against gap, l2 = 1/n")
    parser.add_argument("--peers", action="store_true", help="time the other libraries too")
    parser.add_argument("--seconds", type=float, default=60.0, help="cap on one fit (%(default)g)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds in turns (%(default)d)")
    arguments = parser.parse_args()
    if arguments.data and not arguments.data.is_dir():
        parser.error(f"--data {arguments.data} is not a folder")
    known = workloads(arguments.data)
    arguments.chosen = [name for name in arguments.workloads.split(",") if name] or list(known)
    for name in arguments.chosen:
        if name not in known:
            parser.error(f"no workload {name!r}; there are {', '.join(known)}")
    return arguments


def main() -> int:
    """Print the table; return 1 if a proof did not hold."""
    options = parse_arguments()
    warnings.simplefilter("ignore")
    peers = SCIKIT_LEARN + (OTHERS if options.peers else ())
    generators = workloads(options.data)
    warm_up(options.peers)
    rows: list[Row] = []
    broken: list[str] = []
    panels = []
    print(header())
    print_line(name for name, _ in COLUMNS)
    for name in options.chosen:
        X, y = generators[name]()
        for divisor in DIVISORS:
            problem = Problem(name, X, y, divisor)
            runs = search(problem, peers, options.seconds)
            found = measure(problem, runs, options.rounds, options.seconds)
            for row in found:
                print_line(cells(row))
            rows.extend(found)
            mine = [row.ours for row in found if row.target is None and row.ours]
            broken.extend(broken_proofs(problem, runs + mine, found[0].best))
            if divisor == 1:
                panels.append(panel(problem, runs))
            if options.csv:
                write_csv(options.csv, rows)
            if options.svg:
                options.svg.write_text(draw(panels), encoding="utf-8")
    for line in broken:
        print(line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
