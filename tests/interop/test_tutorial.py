"""The tutorial runs from start to end, and shows what it says when stored."""

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient

import softmax_regression

TUTORIAL = Path(__file__).parents[2] / "examples" / "tutorial.ipynb"
SOURCES = Path(softmax_regression.__file__).parents[1]


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(TUTORIAL, as_version=4)


def outputs(notebook):
    """The outputs of every cell of code: what was printed, and what was shown as text."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        [output.get("text") or output.data["text/plain"] for output in cell.outputs]
        for cell in cells
    ]


def test_a_fresh_run_shows_what_is_stored(stored, monkeypatch):
    """Numbers are printed to so few digits that another BLAS prints the same."""
    monkeypatch.setenv("PYTHONPATH", str(SOURCES))
    fresh = nbformat.read(TUTORIAL, as_version=4)
    folder = {"metadata": {"path": str(TUTORIAL.parent)}}
    NotebookClient(fresh, timeout=120, resources=folder, coalesce_streams=True).execute()
    assert outputs(fresh) == outputs(stored)


def test_nothing_failed_or_warned_when_it_was_stored(stored):
    nbformat.validate(stored)
    kinds = {output.output_type for cell in stored.cells for output in cell.get("outputs", [])}
    assert kinds == {"stream", "execute_result", "display_data"}
    names = {output.get("name") for cell in stored.cells for output in cell.get("outputs", [])}
    assert "stderr" not in names


def test_every_equation_has_its_place_in_order(stored):
    text = "".join(cell.source for cell in stored.cells if cell.cell_type == "markdown")
    places = [text.index(rf"\tag{{5.{number}}}") for number in range(44, 49)]
    assert places == sorted(places)


def test_pictures_of_digits_losses_weights_mistakes_and_probabilities(stored):
    shown = [
        output.data
        for cell in stored.cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    pictures = [data["image/png"] for data in shown if "image/png" in data]
    assert len(pictures) == 6
    for picture in pictures:
        pixels = plt.imread(BytesIO(b64decode(picture)))
        assert pixels.std() > 0.05  # something is drawn


def test_the_outputs_stay_small():
    assert TUTORIAL.stat().st_size < 130_000
