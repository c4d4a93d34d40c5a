"""A model as text and as HTML: what was fitted, on what, how close to the optimum, and the curve.

The HTML has no styles, scripts or ids, so notebooks that trust nobody show it too. Lines are drawn
in ``currentColor``, the colour of the text around them, dark or light. Whatever the drawing says
stands beside it as text, for viewers that strip SVG. Values come from the user and are escaped.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._hyperparameters import shown

MOST_NAMES = 5
MOST_POINTS = 100
WIDTH, HEIGHT, EDGE = 600, 160, 8

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def model_text(model: Any, defaults: Mapping[str, Any]) -> str:
    """Return the constructor call with the arguments that differ from their defaults."""
    changed = [f"{name}={value}" for name, value, default in _arguments(model, defaults) if default]
    return f"{type(model).__name__}({', '.join(changed)})"


def model_html(model: Any, defaults: Mapping[str, Any]) -> str:
    """Return a small HTML view of the model."""
    name = _escaped(type(model).__name__)
    if hasattr(model, "coef_"):
        body = f"<p><b>{name}</b>, fitted: {'<br/>'.join(_facts(model))}</p>{_curves(model)}"
    else:
        body = f"<p><b>{name}</b>, not fitted</p>"
    return f"<div>{body}{_parameter_table(model, defaults)}</div>"


def _facts(model: Any) -> Iterator[str]:
    """Yield what was learned, on what, and how close to the optimum, as escaped lines."""
    n_classes, n_features = model.coef_.shape
    yield f"{n_classes} classes, {n_features} features, {model.coef_.dtype}"
    yield f"Classes: {_listed(model.classes_)}"
    if hasattr(model, "feature_names_in_"):
        yield f"Features: {_listed(model.feature_names_in_)}"
    ended = "Converged" if model.converged_ else "Ended, not converged,"
    yield f"{ended} after {_epochs(model.n_iter_)}"
    gap = model.optimality_gap_
    if math.isfinite(gap):
        yield f"Proven to be at most {gap:.2g} nats above the minimum of the objective"
    else:
        yield "No proven distance to the minimum of the objective"


def _listed(values: NDArray[Any]) -> str:
    """Return the first few values, escaped."""
    first = values[:MOST_NAMES]
    texts = (
        [str(value) for value in first] if first.dtype.kind in "mM" else map(shown, first.tolist())
    )
    return ", ".join(map(_escaped, texts)) + (", …" if len(values) > MOST_NAMES else "")


def _epochs(count: int) -> str:
    return f"{count} epoch" if count == 1 else f"{count} epochs"


def _arguments(model: Any, defaults: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each constructor argument's name, its value, and the default where that differs."""
    for name, default in defaults.items():
        value = getattr(model, name, default)
        text, usual = shown(value), shown(default)
        yield name, text, "" if value is default or text == usual else usual


def _parameter_table(model: Any, defaults: Mapping[str, Any]) -> str:
    rows = [
        f'<tr><th scope="row">{_escaped(name)}</th><td>{_value(text, default)}</td></tr>'
        for name, text, default in _arguments(model, defaults)
    ]
    return f"<details><summary>Parameters</summary><table>{''.join(rows)}</table></details>"


def _value(text: str, default: str) -> str:
    """Return a value; a changed one stands out, and not by its weight alone."""
    if not default:
        return _escaped(text)
    return f"<b>{_escaped(text)}</b> (default {_escaped(default)})"


def _curves(model: Any) -> str:
    """Return the loss curves as a drawing, and what they say as a sentence."""
    curves = {"Training loss": model.loss_curve_, "validation loss": model.validation_curve_}
    curves = {name: curve for name, curve in curves.items() if np.isfinite(curve).any()}
    if not curves:
        return "<p>No loss recorded</p>"
    caption = "; ".join(_described(name, curve) for name, curve in curves.items())
    dashed = " (dashed)" if len(curves) > 1 else ""
    return f"{_drawing(curves.values(), caption, model.n_iter_)}<p>{caption}{dashed}</p>"


def _described(name: str, curve: NDArray[np.float64]) -> str:
    return f"{name} from {curve[0]:.4g} to {curve[-1]:.4g} nats"


def _drawing(curves: Iterable[NDArray[np.float64]], caption: str, n_iter: int) -> str:
    """Return the curves on common axes as SVG; the second and later ones are dashed."""
    everything = np.concatenate([curve[np.isfinite(curve)] for curve in curves])
    low, high = float(everything.min()), float(everything.max())
    longest = max(len(curve) for curve in curves)
    paths = [
        f'<path d="{_path(curve, longest, low, high)}"{dashes}/>'
        for curve, dashes in zip(curves, ("", ' stroke-dasharray="8 6"'), strict=False)
    ]
    bottom = HEIGHT + 2 * EDGE
    return (
        f'<svg role="img" aria-label="{caption}" viewBox="0 0 {WIDTH + 120} {bottom + 28}" '
        f'width="{WIDTH // 2 + 60}" fill="none" stroke="currentColor" stroke-width="3" '
        f'stroke-linecap="round"><title>{caption}</title>{"".join(paths)}'
        f'<path d="M0,0V{bottom}H{WIDTH + 2 * EDGE}" stroke-width="1" opacity=".6"/>'
        f'<g fill="currentColor" stroke="none" font-size="20">'
        f'<text x="{WIDTH + 3 * EDGE}" y="20">{high:.3g}</text>'
        f'<text x="{WIDTH + 3 * EDGE}" y="{bottom}">{low:.3g}</text>'
        f'<text x="0" y="{bottom + 24}">start</text>'
        f'<text x="{WIDTH}" y="{bottom + 24}" text-anchor="end">{_epochs(n_iter)}</text>'
        "</g></svg>"
    )


def _path(curve: NDArray[np.float64], longest: int, low: float, high: float) -> str:
    """Return the curve as SVG path data through at most MOST_POINTS points, broken at NaN."""
    epochs = np.unique(np.linspace(0, len(curve) - 1, MOST_POINTS).round().astype(int))
    pieces, drawing = [], False
    for epoch in epochs:
        value = float(curve[epoch])
        if math.isfinite(value):
            x = EDGE + WIDTH * int(epoch) / max(longest - 1, 1)
            # Halves keep a range near the largest float from overflowing.
            height = (value / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 0.5
            y = EDGE + HEIGHT * (1 - height)
            # A line of length 0 makes a dot of a point that stands alone.
            pieces.append(f"L{x:.0f},{y:.0f}" if drawing else f"M{x:.0f},{y:.0f}h0")
        drawing = math.isfinite(value)
    return "".join(pieces)


def _escaped(text: str) -> str:
    """Return text that HTML shows as it is; what no screen can print becomes a question mark."""
    return "".join(c if c.isprintable() else "?" for c in text).translate(_ESCAPED)
