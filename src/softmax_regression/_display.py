"""A model as text and as HTML: what was fitted, on what, how close to the optimum, and the curve.

The HTML has no styles, scripts or ids, so notebooks that trust nobody show it too. Lines are drawn
in ``currentColor``, the colour of the text around them, dark or light. Whatever the drawing says
stands beside it as text, for viewers that strip SVG. Values come from the user and are escaped.

The curve is drawn as its distance to its lowest value, or to the minimum as far as it is proven, on
a logarithmic axis: on a linear one the end of every fit looks like a flat line.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arrays import shown
from ._ending import counted, ending

MOST_NAMES = 5
MOST_COEFFICIENTS = 60
MOST_POINTS = 100
WIDTH, HEIGHT, EDGE, MARGIN = 600, 160, 8, 136
DECADES = 12  # from the top of the axis down; what is below is the rounding of F

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def model_text(model: Any, defaults: Mapping[str, Any]) -> str:
    """Return the constructor call with the arguments that differ from their defaults."""
    changed = [f"{name}={value}" for name, value, default in _arguments(model, defaults) if default]
    return f"{type(model).__name__}({', '.join(changed)})"


def model_html(model: Any, defaults: Mapping[str, Any]) -> str:
    """Return a small HTML view of the model."""
    name = escaped(type(model).__name__)
    if hasattr(model, "n_iter_"):
        facts = "<br/>".join(_facts(model, defaults))
        body = f"<p><b>{name}</b>, fitted: {facts}</p>{_curves(model)}"
        body += _coefficients(model)
    else:
        state = "weights set by hand" if hasattr(model, "coef_") else "not fitted"
        body = f"<p><b>{name}</b>, {state}</p>"
    return f"<div>{body}{_parameter_table(model, defaults)}</div>"


def _facts(model: Any, defaults: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was learned, on what, and how close to the optimum, as escaped lines."""
    n_classes, n_features = model.coef_.shape
    yield f"{n_classes} classes, {n_features} features, {model.coef_.dtype}"
    yield f"Classes: {_listed(model.classes_)}"
    if hasattr(model, "feature_names_in_"):
        yield f"Features: {_listed(model.feature_names_in_)}"
    settings = {name: getattr(model, name, default) for name, default in defaults.items()}
    yield ending(getattr(model, "stop_reason_", ""), model.n_iter_, settings)
    selection = getattr(model, "selection_", None)
    if selection is not None:
        yield escaped(selection.sentence())
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
    return ", ".join(map(escaped, texts)) + (", …" if len(values) > MOST_NAMES else "")


def _arguments(model: Any, defaults: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each constructor argument's name, its value, and the default where that differs."""
    for name, default in defaults.items():
        value = getattr(model, name, default)
        text, usual = shown(value), shown(default)
        yield name, text, "" if value is default or text == usual else usual


def _parameter_table(model: Any, defaults: Mapping[str, Any]) -> str:
    rows = [
        f'<tr><th scope="row">{escaped(name)}</th><td>{_value(text, default)}</td></tr>'
        for name, text, default in _arguments(model, defaults)
    ]
    return _fold("Parameters", f"<table>{''.join(rows)}</table>")


def _coefficients(model: Any) -> str:
    """Return the table in a fold; the largest of each class where there are many."""
    n_classes, n_features = model.coef_.shape
    if n_classes * (n_features + 1) <= MOST_COEFFICIENTS:
        return _fold("Coefficients", model.coefficients()._repr_html_())
    top = min(max(1, MOST_COEFFICIENTS // n_classes), n_features)
    title = f"Coefficients, {top} of each class by size; coefficients() has all"
    return _fold(title, model.coefficients(top=top)._repr_html_())


def _fold(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>{body}</details>"


def _value(text: str, default: str) -> str:
    """Return a value; a changed one stands out, and not by its weight alone."""
    if not default:
        return escaped(text)
    return f"<b>{escaped(text)}</b> (default {escaped(default)})"


def _curves(model: Any) -> str:
    """Return the loss curves as a drawing, and what they say as a sentence."""
    curves = {"Training loss": model.loss_curve_, "validation loss": model.validation_curve_}
    curves = {name: curve for name, curve in curves.items() if np.isfinite(curve).any()}
    if not curves:
        return "<p>No loss recorded</p>"
    caption = "; ".join(_described(name, curve) for name, curve in curves.items())
    dashed = " (dashed)" if len(curves) > 1 else ""
    heights = [_log_distance(curve, 0.0) for curve in curves.values()]
    if math.isfinite(model.optimality_gap_) and model.converged_:
        heights[0] = _log_distance(model.loss_curve_, model.optimality_gap_)
    return f"{_drawing(heights, caption, _extent(model))}<p>{caption}{dashed}</p>"


def _described(name: str, curve: NDArray[np.float64]) -> str:
    return f"{name} from {curve[0]:.4g} to {curve[-1]:.4g} nats"


def _extent(model: Any) -> str:
    """Return how far the curve goes, in steps of the optimiser or in epochs."""
    entries = len(model.loss_curve_)
    streamed = getattr(model, "stop_reason_", "") == "partial_fit"
    if getattr(model, "learning_rate", None) == "auto" and not streamed:
        return counted(entries - 1, "step")
    return counted(entries, "epoch")


def _log_distance(curve: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Return log10 of the distance to the lowest value, or to `gap` below the last one.

    The lowest value itself is -inf; what is not finite becomes NaN.
    """
    finite = np.isfinite(curve)
    with np.errstate(all="ignore"):
        # Halves keep a range near the largest float from overflowing.
        halves = np.where(finite, curve, np.nan) / 2
        lowest = halves[-1] - gap / 2 if gap else np.nanmin(halves)
        return np.log10(np.maximum(halves - lowest, 0.0)) + math.log10(2.0)


def _axis(heights: Iterable[NDArray[np.float64]]) -> tuple[float, float] | None:
    """Return the ends of the axis in log10; None where every value is the lowest."""
    everything = np.concatenate(list(heights))
    above = everything[np.isfinite(everything)]
    if not above.size:
        return None
    low, high = float(above.min()), float(above.max())
    if np.isneginf(everything).any() or low == high:
        low -= math.log10(2.0)  # the lowest value has a place below the others
    return max(low, high - DECADES), high


def _drawing(heights: list[NDArray[np.float64]], caption: str, extent: str) -> str:
    """Return the curves on common axes as SVG; the second one is dashed."""
    axis = _axis(heights)
    longest = max(map(len, heights))
    paths = [
        f'<path d="{_path(height, longest, axis)}"{dashes}/>'
        for height, dashes in zip(heights, ("", ' stroke-dasharray="8 6"'), strict=False)
    ]
    bottom = HEIGHT + 2 * EDGE
    return (
        f'<svg role="img" aria-label="{caption}" viewBox="0 0 {WIDTH + MARGIN} {bottom + 28}" '
        f'width="{(WIDTH + MARGIN) // 2}" fill="none" stroke="currentColor" stroke-width="3" '
        f'stroke-linecap="round"><title>{caption}</title>{"".join(paths)}'
        f'<path d="M0,0V{bottom}H{WIDTH + 2 * EDGE}" stroke-width="1" opacity=".6"/>'
        f'<g fill="currentColor" stroke="none" font-size="20">'
        f"{_axis_texts(axis, bottom)}"
        f'<text x="0" y="{bottom + 24}">start</text>'
        f'<text x="{WIDTH}" y="{bottom + 24}" text-anchor="end">{extent}</text>'
        "</g></svg>"
    )


def _axis_texts(axis: tuple[float, float] | None, bottom: int) -> str:
    if axis is None:
        return ""
    low, high = (min(end, 308.0) for end in axis)  # a float reaches to 1e308
    lines = {20: f"{10**high:.2g}", bottom: f"{10**low:.1g}"}
    lines |= {72: "nats above", 96: "the lowest", 120: "(log scale)"}
    x = WIDTH + 3 * EDGE
    return "".join(f'<text x="{x}" y="{y}">{text}</text>' for y, text in lines.items())


def _path(heights: NDArray[np.float64], longest: int, axis: tuple[float, float] | None) -> str:
    """Return the curve as SVG path data through at most MOST_POINTS points, broken at NaN."""
    entries = np.unique(np.linspace(0, len(heights) - 1, MOST_POINTS).round().astype(int))
    pieces, drawing = [], False
    for entry in entries:
        value = float(heights[entry])
        if not math.isnan(value):
            x = EDGE + WIDTH * int(entry) / max(longest - 1, 1)
            share = 0.5 if axis is None else max((value - axis[0]) / (axis[1] - axis[0]), 0.0)
            y = EDGE + HEIGHT * (1 - share)
            # A line of length 0 makes a dot of a point that stands alone.
            pieces.append(f"L{x:.0f},{y:.0f}" if drawing else f"M{x:.0f},{y:.0f}h0")
        drawing = not math.isnan(value)
    return "".join(pieces)


def escaped(text: str) -> str:
    """Return text that HTML shows as it is; what no screen can print becomes a question mark."""
    return "".join(c if c.isprintable() else "?" for c in text).translate(_ESCAPED)
