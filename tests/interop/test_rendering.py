"""The HTML view in a real browser: drawn, readable on light and on dark, and nothing runs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from softmax_regression import SoftmaxRegression

THEMES = {"light": ("#ffffff", "#000000"), "dark": ("#111111", "#dddddd")}
HOSTILE = "<img src=x onerror=\"document.title='ran'\"><script>document.title='ran'</script>"
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
# Reports where everything is drawn, and whether text or a drawing sticks out of the page.
MEASURE = """<script>
const box = document.querySelector("svg").getBoundingClientRect();
const path = document.querySelector("svg path").getBoundingClientRect();
const wide = document.documentElement.scrollWidth > window.innerWidth;
document.body.dataset.measured = [box.width, box.height, path.width, path.height, wide].join(" ");
</script>"""


def _browser():
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        required = os.environ.get("SOFTMAX_REGRESSION_INTEROP") == "1"
        (pytest.fail if required else pytest.skip)("needs Chromium: apt-get install chromium")
    return found


@pytest.fixture
def render(tmp_path):
    """Return a function that shows HTML in a theme: (its DOM afterwards, its pixels)."""

    def run(body, theme):
        background, text = THEMES[theme]
        page, picture = tmp_path / "page.html", tmp_path / "page.png"
        page.write_text(
            f'<!doctype html><meta charset="utf-8"><title>still</title><body style="background:'
            f'{background};color:{text};color-scheme:{theme};font:14px sans-serif">{body}{MEASURE}',
            encoding="utf-8",
        )
        common = [_browser(), *QUIET, "--window-size=640,900", page.as_uri()]
        results = []
        for number, task in enumerate(("--dump-dom", f"--screenshot={picture}")):
            profile = f"--user-data-dir={tmp_path / str(number)}"
            command = [*common[:-1], profile, task, common[-1]]
            results.append(
                subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
            )
        return results[0].stdout, matplotlib.image.imread(picture)[:, :, :3]

    return run


def model():
    data = np.loadtxt(
        Path(__file__).parents[2] / "examples" / "data" / "digits.csv.gz", delimiter=","
    )
    X, y = data[:, :64] / 16, data[:, 64].astype(int)
    settings = {"learning_rate": 0.2, "batch_size": 32, "max_iter": 30, "tol": 0}
    fitted = SoftmaxRegression(**settings, random_state=0)
    return fitted.fit(X[:1300], y[:1300], validation_data=(X[1300:], y[1300:]))


def luminance(pixels):
    """Relative luminance of sRGB colours, WCAG 2.1."""
    linear = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    """Contrast ratio of two luminances, WCAG 2.1: 3 is the least for lines, 4.5 for text."""
    low, high = sorted((one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_the_curve_is_drawn_and_stands_out(render, theme):
    dom, pixels = render(model()._repr_html_(), theme)

    box_width, box_height, width, height, wide = re.search(r'data-measured="([^"]+)"', dom)[
        1
    ].split()
    assert (float(width), float(height)) == pytest.approx((300, 80), abs=4)
    assert float(box_width) == 368
    assert float(box_height) == pytest.approx(102, abs=1)
    assert wide == "false"

    light = luminance(pixels)
    background = np.median(light)
    # The drawing's left half holds both curves, and nothing else between the text and the axis.
    lines = light[95:180, 14:160]
    strongest = max(lines.min(), lines.max(), key=lambda value: contrast(value, background))
    assert contrast(strongest, background) >= 4.5
    marked = np.abs(lines - background) > 0.2
    assert marked.any(axis=0).all()


def test_details_open_and_the_page_stays_in_its_width(render):
    body = model()._repr_html_().replace("<details>", '<details open="">')
    dom, pixels = render(body, "light")
    closed = render(model()._repr_html_(), "light")[1]
    assert (pixels < 0.5).sum() > 1.5 * (closed < 0.5).sum()
    assert "false" in re.search(r'data-measured="([^"]+)"', dom)[1]


def test_nothing_that_the_user_gives_is_run(render):
    X = np.random.default_rng(0).normal(size=(20, 2))
    y = np.where(X[:, 0] > 0, HOSTILE, "a")
    hostile = SoftmaxRegression(learning_rate=0.1, tol=0, max_iter=5, class_weight={HOSTILE: 2.0})
    dom, _ = render(hostile.fit(X, y)._repr_html_(), "dark")
    assert "<title>still</title>" in dom
    assert "<img" not in dom
    assert dom.count("<script") == 1  # the measuring one


LOOK = """<script>
const rows = [...document.querySelectorAll("table")].at(-1).querySelectorAll("tr");
const range = document.createRange();
const lines = [...document.querySelectorAll("td")].map(cell => {
  range.selectNodeContents(cell);
  return new Set([...range.getClientRects()].map(r => Math.round(r.top))).size;
});
const wide = document.documentElement.scrollWidth > window.innerWidth;
document.body.dataset.looked = [rows.length, Math.max(...lines), wide].join(" ");
</script>"""
# As JupyterLab aligns the cells of what it shows.
ALIGNED_AT_THE_RIGHT = "<style>td, th {text-align: right; white-space: normal}</style>"


@pytest.mark.parametrize("theme", THEMES)
def test_a_table_of_estimates_fits_the_page_and_breaks_no_number(render, theme):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(300, 3))
    y = np.where(X @ [1, 1, 0] + generator.normal(size=300) > 0, HOSTILE, "a")
    frame = pd.DataFrame(X, columns=["income", "a long name " * 8, "<b>&"])
    inference = SoftmaxRegression(l2=0).fit(frame, y).inference(frame, y)
    body = ALIGNED_AT_THE_RIGHT + inference.summary()._repr_html_() + "<svg><path/></svg>" + LOOK
    dom, pixels = render(body, theme)
    assert "<title>still</title>" in dom
    assert "<img" not in dom
    assert re.search(r'data-looked="([^"]+)"', dom)[1] == "6 1 false"
    # Names begin at the left of the page, in the colour of its text.
    light = luminance(pixels)
    background = np.median(light)
    names = light[:, 14:60]
    strongest = max(names.min(), names.max(), key=lambda value: contrast(value, background))
    assert contrast(strongest, background) >= 4.5
