"""The README's examples that need other libraries run from top to bottom, and show what they claim."""

import doctest
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from softmax_regression import SoftmaxRegression

README = Path(__file__).parents[2] / "README.md"


def blocks():
    """Each block marked ``python peers``, and its first line's number."""
    text = README.read_text(encoding="utf-8")
    for match in re.finditer(r"^```python peers\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield text[: match.start()].count("\n") + 2, match[1]


def test_the_examples_with_other_libraries_run():
    namespace = {"SoftmaxRegression": SoftmaxRegression}
    for line, block in blocks():
        parsed = doctest.DocTestParser().get_doctest(
            block, namespace, f"README line {line}", str(README), line
        )
        parsed.globs = namespace
        runner = doctest.DocTestRunner(verbose=False)
        report = []
        runner.run(parsed, out=report.append, clear_globs=False)
        assert runner.failures == 0, "".join(report)
    # The curve that was drawn is the model's.
    (curve,) = plt.gca().lines
    np.testing.assert_array_equal(curve.get_ydata(), namespace["model"][-1].loss_curve_)
    plt.close()
