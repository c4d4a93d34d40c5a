"""Time against gap as SVG: one panel a data set, both axes logarithmic, one curve a solver.

The background is transparent; the grey of the text stands out about equally, 4 to 1, from white
and from near-black.
"""

import math
from collections.abc import Iterator
from html import escape

Points = list[tuple[float, float]]
Panel = tuple[str, str, dict[str, Points]]

COLUMNS = 3
WIDTH, HEIGHT = 310, 236
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 42, 44
LEGEND = 54
# A gap beyond the ends is drawn at the end, whose label says so.
LARGEST, SMALLEST = 1.0, 1e-8
MARGIN = 6  # from the frame to the outermost marks: no mark is cut
COLOURS = {
    "ours": "#d1495b",
    "newton-cholesky": "#2a9d8f",
    "lbfgs": "#3d7dca",
    "newton-cg": "#b07d2b",
    "sag": "#8e6bbf",
    "saga": "#6b8e23",
    "MLPClassifier": "#7f7f7f",
    "mlxtend": "#a65628",
    "torch LBFGS": "#e07b39",
    "torch Adam": "#c264a0",
}
STYLE = """
text { font: 11px system-ui, sans-serif; fill: #767676 }
.title { font-weight: 600 }
.frame { stroke: #999; fill: none }
.grid { stroke: #999; stroke-opacity: 0.25; fill: none }
.target { stroke: #999; stroke-dasharray: 3 3; fill: none }
"""


def draw(panels: list[Panel]) -> str:
    """Return the picture of panels (title, size, curves).

    A curve is points (seconds, relative gap).
    """
    n_rows = math.ceil(len(panels) / COLUMNS)
    width, height = COLUMNS * WIDTH, LEGEND + n_rows * HEIGHT
    body = [*_legend({name for _, _, curves in panels for name in curves})]
    for index, panel in enumerate(panels):
        row, column = divmod(index, COLUMNS)
        body.append(f'<g transform="translate({column * WIDTH} {LEGEND + row * HEIGHT})">')
        body.extend(_panel(*panel))
        body.append("</g>")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "<title>Relative gap to the optimum against seconds of a whole fit</title>",
            f"<style>{STYLE}</style>",
            *body,
            "</svg>",
            "",
        ]
    )


def _legend(names: set[str]) -> Iterator[str]:
    yield (
        f'<text x="{LEFT}" y="16">How close a whole fit comes to the minimum F* of the objective F, '
        "and in what time; l2 = 1/n. Dashed: the targets 1e-3 and 1e-6</text>"
    )
    left = LEFT + 4
    for name, colour in COLOURS.items():
        if name in names:
            text = "softmax_regression" if name == "ours" else name
            yield f'<circle cx="{left}" cy="36" r="4" fill="{colour}"/>'
            yield f'<text x="{left + 8}" y="40">{escape(text)}</text>'
            left += 26 + 6.5 * len(text)


class Axes:
    """Where seconds and gaps lie within a panel, from its upper left corner."""

    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def __init__(self, seconds: list[float]) -> None:
        self.first = math.floor(math.log10(min(seconds, default=1e-3)))
        self.last = max(math.ceil(math.log10(max(seconds, default=1.0))), self.first + 1)

    def across(self, time: float) -> float:
        """Return x of a time in seconds."""
        share = (math.log10(time) - self.first) / (self.last - self.first)
        return LEFT + MARGIN + share * (self.right - LEFT - 2 * MARGIN)

    def down(self, gap: float) -> float:
        """Return y of a relative gap."""
        inside = min(max(gap, SMALLEST), LARGEST)
        share = math.log(LARGEST / inside) / math.log(LARGEST / SMALLEST)
        return TOP + MARGIN + share * (self.bottom - TOP - 2 * MARGIN)


def _panel(title: str, size: str, curves: dict[str, Points]) -> Iterator[str]:
    axes = Axes([time for points in curves.values() for time, _ in points])
    yield f'<text class="title" x="{LEFT}" y="{TOP - 21}">{escape(title)}</text>'
    yield f'<text x="{LEFT}" y="{TOP - 7}">{size}</text>'
    yield from _frame(axes)
    for name, points in sorted(curves.items(), key=lambda curve: curve[0] == "ours"):
        yield from _curve(name, [(axes.across(time), axes.down(gap)) for time, gap in points])


def _frame(axes: Axes) -> Iterator[str]:
    right, bottom = axes.right, axes.bottom
    middle = (TOP + bottom) / 2
    yield f'<path class="frame" d="M{LEFT} {TOP}V{bottom}H{right}V{TOP}Z"/>'
    for exponent in range(axes.first, axes.last + 1):
        x = axes.across(10.0**exponent)
        yield f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{_time(exponent)}</text>'
    labels = {0: "≥ 1", -2: "1e-2", -4: "1e-4", -6: "1e-6", -8: "≤ 1e-8"}
    for exponent, label in labels.items():
        y = axes.down(10.0**exponent)
        yield f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    for target in (1e-3, 1e-6):
        yield f'<path class="target" d="M{LEFT} {axes.down(target):.1f}H{right}"/>'
    yield (
        f'<text x="{(LEFT + right) / 2}" y="{bottom + 30}" text-anchor="middle">'
        "time of a whole fit</text>"
    )
    yield (
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">'
        "(F - F*) / F*</text>"
    )


def _curve(name: str, points: Points) -> Iterator[str]:
    colour, width, radius = COLOURS[name], *((2.5, 2.8) if name == "ours" else (1.2, 1.6))
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>'


def _time(exponent: int) -> str:
    """Return ten to a power in seconds as a short text."""
    if exponent >= 0:
        return f"{10**exponent} s"
    if exponent >= -3:
        return f"{10 ** (exponent + 3)} ms"
    return f"{10 ** (exponent + 6)} µs"
