"""Every example runs on its own, from any directory, without a warning, and shows what it claims."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from strategies import unless_fast

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = sorted(path.name for path in EXAMPLES.glob("*.py"))
# A fast run takes all but one in turn, in one interpreter, and a fortieth of the rows out of core.
ALONE = "digits.py"
IN_TURN = """
import contextlib
import io
import json
import sys
from pathlib import Path

from softmax_regression._blocks import gathered

gathered.LIMIT //= 40
sys.path[0], names, printed = sys.argv[1], sys.argv[2:], {}
for name in names:
    path = Path(sys.path[0], name)
    source = path.read_text(encoding="utf-8")
    if name == "out_of_core.py":
        assert source.count(", 20_000,") == 1
        source = source.replace(", 20_000,", ", 500,")
    sys.argv = [str(path)]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(source, path, "exec"), {"__name__": "__main__", "__file__": str(path)})
    printed[name] = out.getvalue()
print(json.dumps(printed))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def run(folder):
    """Begin all examples, two at a time, and return what gives the print of one."""

    def finished(*arguments, cwd=folder):
        """What a child prints, run in a folder of these tests with warnings as errors."""
        command = [sys.executable, "-W", "error", "-B", *arguments]
        child = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
        )
        assert child.stderr == ""
        assert child.returncode == 0
        return child.stdout

    with ThreadPoolExecutor(2) as pool:
        alone = NAMES if unless_fast(True) else [ALONE]
        begun = {name: pool.submit(finished, EXAMPLES / name) for name in alone}
        others = [name for name in NAMES if name not in begun]
        together = pool.submit(finished, "-c", IN_TURN, EXAMPLES, *others) if others else None

        def printed(name, *more, **at):
            if more:
                return finished(EXAMPLES / name, *more, **at)
            return begun[name].result() if name in begun else json.loads(together.result())[name]

        yield printed


def test_every_example_has_its_test_here():
    assert NAMES == [
        "batch_size.py",
        "choose_penalty.py",
        "digits.py",
        "distributed_dask.py",
        "gradient_check.py",
        "interpret.py",
        "out_of_core.py",
    ]


def test_digits_learns_and_draws_its_weights(run, folder):
    printed = run("digits.py")
    epochs = re.findall(r"epoch +(\d+)  training loss ([\d.]+)", printed)
    assert [int(epoch) for epoch, _ in epochs] == [1, 5, 10, 15, 20, 25, 30]
    assert float(epochs[-1][1]) < float(epochs[0][1])
    assert float(re.search(r"held-out: loss .* accuracy ([\d.]+)", printed)[1]) >= 0.9
    assert printed.splitlines()[-1].endswith(str(folder.resolve() / "digits_weights.svg"))

    picture = ET.parse(folder / "digits_weights.svg")
    cells = picture.findall(".//{http://www.w3.org/2000/svg}rect[@class='cell']")
    assert len(cells) == 10 * 64
    assert all(re.fullmatch("#[0-9a-f]{6}", cell.get("fill")) for cell in cells)


def test_digits_counts_every_held_out_image_once(run):
    lines = run("digits.py").splitlines()
    first = next(i for i, line in enumerate(lines) if "row = true digit" in line) + 2
    table = [line.replace(".", "0").split() for line in lines[first : first + 10]]
    assert [int(row[0]) for row in table] == list(range(10))
    assert sum(int(count) for row in table for count in row[1:]) == 450


@pytest.mark.thorough
def test_digits_writes_to_the_given_path(run, tmp_path):
    run("digits.py", "elsewhere.svg", cwd=tmp_path)
    assert set(tmp_path.iterdir()) == {tmp_path / "elsewhere.svg"}


def test_gradient_check_agrees(run):
    """Central differences with step 1e-5: about 1e-10 from truncation, 1e-11 from rounding."""
    differences = re.findall(r"largest difference (\S+)", run("gradient_check.py"))
    assert len(differences) == 4
    assert max(map(float, differences)) < 1e-9


def test_smaller_batches_get_further_in_as_many_epochs(run):
    printed = run("batch_size.py")
    objectives = [float(value) for value in re.findall(r"objective ([\d.]+)", printed)]
    assert len(objectives) == 4
    assert objectives == sorted(objectives, reverse=True)
    assert printed.splitlines()[-1].endswith("True")


def test_a_penalty_is_chosen_that_new_images_confirm(run, folder):
    lines = run("choose_penalty.py").splitlines()
    rows = [list(map(float, line.split())) for line in lines[2:-3]]
    norms, training, left_out, new = ([row[column] for row in rows] for column in (1, 2, 3, 4))
    assert norms == sorted(norms)
    assert training == sorted(training, reverse=True)
    assert all(abs(a - b) < 0.04 for a, b in zip(left_out, new, strict=True))
    assert float(re.search(r"and there: ([\d.]+)", "\n".join(lines))[1]) < min(new) + 0.002
    panels = ET.parse(folder / "path.svg").findall("{http://www.w3.org/2000/svg}g")
    assert len(panels) == 11


def test_interpret_reads_the_fit_that_is_known_from_the_books(run):
    printed = run("interpret.py")
    # Residual deviance of multinom in Venables and Ripley, MASS: 3470.084.
    assert float(re.search(r"log-likelihood +(-[\d.]+)", printed)[1]) == pytest.approx(
        -3470.084 / 2, abs=1e-3
    )
    table = printed.split("2. Any other")[0]
    assert re.search(r"Infl=High +1\.613 +0\.1671 +9\.65 +<0\.0001", table)
    assert "Type=Apartment, Type=Atrium, Type=Terrace: likelihood ratio chi2(6) = 62.23" in printed
    changes = re.findall(
        r"^(?:High|Low|Medium) +(-?[\d.]+) +0\.\d+ +-?[\d.]+", printed, re.MULTILINE
    )
    assert sum(map(float, changes)) == pytest.approx(0.0, abs=1e-4)
    resident = printed.split("5. A resident")[1].split("6. And why")[0]
    rows = re.findall(r"^  \w+ +([\d.]+) +\[([\d.]+), ([\d.]+)\]", resident, re.MULTILINE)
    probabilities, lower, upper = np.array(rows, float).T
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-3)
    assert (lower < probabilities).all()
    assert (probabilities < upper).all()
    assert printed.rstrip().splitlines()[-6].startswith("Infl=High")


def test_out_of_core_reaches_one_optimum_however_it_is_read(run):
    lines = run("out_of_core.py").splitlines()
    fits = [re.search(r"(\d+) readings, F = ([\d.]+) nats.* within (\S+)", line) for line in lines]
    found = [(int(fit[1]), fit[2], float(fit[3])) for fit in fits if fit]
    assert len(found) in (3, 4)  # Parquet where PyArrow is there
    assert len({F for _, F, _ in found}) == 1
    assert all(gap <= 1e-6 for *_, gap in found)
    assert found[0][0] <= 8
    assert "the same to the last bit: True" in lines


def test_distributed_dask_says_what_it_needs(run):
    """With Dask it runs in tests/distributed."""
    assert re.match("this example needs Dask|Dask arrays: ", run("distributed_dask.py"))
