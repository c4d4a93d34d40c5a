"""A path as SVG: for each class a small panel of its weights by penalty, and one of the held-out loss.

Lines are drawn in ``currentColor``, without styles, scripts or ids; what they say stands beside them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import shown
from .._display import escaped
from .._types import Vector

WIDTH, HEIGHT, GAP, COLUMNS = 180, 110, 34, 3
# Lines in a panel, the weights that are largest at the weak end.
MOST_LINES, MOST_PANELS = 40, 12


def path_svg(path: Any) -> str:
    """Return the drawing."""
    x = _positions(path)
    panels = [
        (escaped(shown(label)), [weights[:, j] for j in _largest(weights)])
        for label, weights in _classes(path)
    ]
    drawn = [_panel(title, x, lines) for title, lines in panels]
    if path.held_out is not None:
        drawn.append(_loss_panel(path, x))
    rows = -(-len(drawn) // COLUMNS)
    width = COLUMNS * (WIDTH + GAP)
    placed = "".join(
        f'<g transform="translate({(i % COLUMNS) * (WIDTH + GAP)},{(i // COLUMNS) * (HEIGHT + 2 * GAP)})">'
        f"{panel}</g>"
        for i, panel in enumerate(drawn)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escaped(repr(path))}" '
        f'viewBox="0 0 {width} {rows * (HEIGHT + 2 * GAP)}" width="{width}" fill="none" '
        f'stroke="currentColor" font-size="12"><title>{escaped(repr(path))}</title>{placed}</svg>'
    )


def path_html(path: Any) -> str:
    """Return the drawing, and what it says in words."""
    lines = [escaped(repr(path)[1:-1])]
    if path.held_out is not None:
        i = path.best()
        lines.append(
            f"Least held-out loss {path.losses[i]:.4g} ± {path.errors[i]:.2g} nats at "
            f"l1 = {path.l1s[i]:.3g}, l2 = {path.l2s[i]:.3g}"
        )
    return f"<div><p>{'<br/>'.join(lines)}</p>{path_svg(path)}</div>"


def _classes(path: Any) -> list[tuple[Any, NDArray[np.float64]]]:
    """Return the labels and weights (m, d) of the first classes."""
    labels = path.classes.tolist()[:MOST_PANELS]
    return [(label, path.coefs[:, k]) for k, label in enumerate(labels)]


def _largest(weights: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.argsort(-np.abs(weights[-1]), kind="stable")[:MOST_LINES]


def _positions(path: Any) -> Vector:
    """Return where penalties stand, from 0 for the strongest to 1, on a logarithmic axis."""
    scale = np.log(np.where(path.l1s > 0.0, path.l1s, path.l2s))
    reach = scale[0] - scale[-1]
    return np.asarray((scale[0] - scale) / reach if reach else np.zeros(len(scale)))


def _panel(title: str, x: Vector, lines: list[Vector]) -> str:
    low = min((float(line.min()) for line in lines), default=0.0)
    high = max((float(line.max()) for line in lines), default=0.0)
    low, high = min(low, 0.0), max(high, 0.0)
    paths = "".join(f'<path d="{_line(x, line, low, high)}" opacity=".7"/>' for line in lines)
    return f"{_frame(title, low, high)}{_axis(low, high)}{paths}"


def _loss_panel(path: Any, x: Vector) -> str:
    losses, errors = path.losses, path.errors
    shown_ = losses[np.isfinite(losses)]
    low, high = float(shown_.min()), float(shown_.max())
    best = path.best()
    at = WIDTH * float(x[best])
    reach = HEIGHT * min(float(errors[best]) / (high - low or 1.0), 1.0)
    y = _height(float(losses[best]), low, high)
    mark = f'<path d="M{at:.1f},{y - reach:.1f}V{y + reach:.1f}" stroke-width="3" opacity=".6"/>'
    return (
        f'{_frame("held-out loss", low, high)}<path d="{_line(x, losses, low, high)}" '
        f'stroke-width="2"/>{mark}'
    )


def _frame(title: str, low: float, high: float) -> str:
    return (
        f'<g fill="currentColor" stroke="none"><text x="0" y="12">{title}</text>'
        f'<text x="{WIDTH}" y="12" text-anchor="end">{low:.3g} to {high:.3g}</text></g>'
        f'<path d="M0,{GAP / 2}V{HEIGHT + GAP / 2}H{WIDTH}" opacity=".6"/>'
    )


def _axis(low: float, high: float) -> str:
    return f'<path d="M0,{_height(0.0, low, high):.1f}H{WIDTH}" opacity=".3"/>'


def _line(x: Vector, values: Vector, low: float, high: float) -> str:
    known = np.isfinite(values)
    points = [
        f"{WIDTH * float(at):.1f},{_height(float(value), low, high):.1f}"
        for at, value in zip(x[known], values[known], strict=True)
    ]
    return "M" + "L".join(points)


def _height(value: float, low: float, high: float) -> float:
    return GAP / 2 + HEIGHT * (1.0 - (value - low) / (high - low or 1.0))
