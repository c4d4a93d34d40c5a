"""Time against gap as SVG: one panel a workload, both axes logarithmic, one curve a solver.

The background is transparent; the grey of the text stands out about equally, 4 to 1, from white
and from near-black.
"""

import math
from collections.abc import Iterator
from html import escape

Points = list[tuple[float, float]]
Panel = tuple[str, dict[str, Points]]

COLUMNS = 3
WIDTH, HEIGHT = 300, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 16, 30, 26
LEGEND = 54
LARGEST, SMALLEST = 1.0, 1e-8
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
.axis { stroke: #999; fill: none }
.grid { stroke: #999; stroke-opacity: 0.25; fill: none }
.target { stroke: #999; stroke-dasharray: 3 3; fill: none }
"""


def draw(panels: list[Panel]) -> str:
    """Return the picture of panels (title, curves); a curve is points (seconds, relative gap)."""
    n_rows = math.ceil(len(panels) / COLUMNS)
    width, height = COLUMNS * WIDTH, LEGEND + n_rows * HEIGHT
    body = [*_legend({name for _, curves in panels for name in curves})]
    for index, (title, curves) in enumerate(panels):
        row, column = divmod(index, COLUMNS)
        body.append(f'<g transform="translate({column * WIDTH} {LEGEND + row * HEIGHT})">')
        body.extend(_panel(title, curves))
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
        f'<text x="{LEFT - 4}" y="16">Relative gap (F - F*) / F* against the time of a whole fit, '
        "l2 = 1/n; dashed: the targets</text>"
    )
    left = LEFT
    for name, colour in COLOURS.items():
        if name in names:
            yield f'<circle cx="{left}" cy="36" r="4" fill="{colour}"/>'
            yield f'<text x="{left + 8}" y="40">{escape(name)}</text>'
            left += 26 + 7 * len(name)


def _panel(title: str, curves: dict[str, Points]) -> Iterator[str]:
    seconds = [time for points in curves.values() for time, _ in points]
    first = math.floor(math.log10(min(seconds, default=1e-3)))
    last = max(math.ceil(math.log10(max(seconds, default=1.0))), first + 1)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def across(time: float) -> float:
        return LEFT + (math.log10(time) - first) / (last - first) * (right - LEFT)

    def down(gap: float) -> float:
        inside = min(max(gap, SMALLEST), LARGEST)
        return TOP + math.log(LARGEST / inside) / math.log(LARGEST / SMALLEST) * (bottom - TOP)

    yield f'<text class="title" x="{LEFT}" y="{TOP - 10}">{escape(title)}</text>'
    yield f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>'
    for exponent in range(first, last + 1):
        x = across(10.0**exponent)
        yield f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{_time(exponent)}</text>'
    for exponent in range(0, -9, -2):
        y = down(10.0**exponent)
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">1e{exponent}</text>'
    for target in (1e-3, 1e-6):
        yield f'<path class="target" d="M{LEFT} {down(target):.1f}H{right}"/>'
    for name, points in sorted(curves.items(), key=lambda curve: curve[0] == "ours"):
        yield from _curve(name, [(across(time), down(gap)) for time, gap in points])


def _curve(name: str, points: Points) -> Iterator[str]:
    colour, width = COLOURS[name], 2.5 if name == "ours" else 1.2
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width:.1f}" fill="{colour}"/>'


def _time(exponent: int) -> str:
    """Return ten to a power in seconds as a short text."""
    if exponent >= 0:
        return f"{10**exponent} s"
    if exponent >= -3:
        return f"{10 ** (exponent + 3)} ms"
    return f"{10 ** (exponent + 6)} µs"
