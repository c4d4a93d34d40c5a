"""Learn to read handwritten digits with mini-batch gradient descent, and draw what was learned.

Run it as ``python examples/digits.py``, or with the path of the picture to write.
"""

import sys
from pathlib import Path

import numpy as np

from softmax_regression import SoftmaxRegression

DATA = Path(__file__).parent / "data" / "digits.csv.gz"
# Blue and vermilion stay apart for colour-blind readers; grey (zero) belongs to neither.
AGAINST, NEUTRAL, FOR = np.array([[0, 114, 178], [244, 244, 244], [213, 94, 0]])


def load_digits():
    """Read the images, rows of 64 pixels from 0 (paper) to 1 (ink), and the digits they show."""
    table = np.loadtxt(DATA, delimiter=",")
    return table[:, :64] / 16, table[:, 64].astype(int)


def split(X, y, held_out=450, seed=0):
    """Set some images aside, at random: only they can say what the model does on new ones."""
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = order[held_out:], order[:held_out]
    return X[train], y[train], X[test], y[test]


def show(progress):
    """Print every fifth epoch; called after each one, and could stop the fit by returning True.

    ``loss`` is what descent minimises, seen on the way: mean over the batches, with the penalty.
    """
    if progress.epoch == 1 or progress.epoch % 5 == 0:
        print(
            f"epoch {progress.epoch:2d}  training loss {progress.loss:.4f}"
            f"  held-out loss {progress.validation_loss:.4f}  {progress.elapsed:.2f} s"
        )


def train(X, y, validation_data):
    """Section 5.6 of the book: walk through the shuffled images in batches, 30 times over.

    Each class k has a weight w_ki for each pixel i, all zero at first. On one image with pixels
    x, the model gives class k the probability p_k, and equation (5.48) is the slope of its loss:

        dL / dw_ki = -(y_k - p_k) x_i,    y_k = 1 for the true class and 0 for the others.

    It reads as error times input: pixels with ink gain weight for the true class, by what p_k
    lacks of 1, and lose it for every other class, by the probability that class took. A batch
    averages this slope over its 32 images and steps against it, ``learning_rate`` times its size.
    """
    model = SoftmaxRegression(
        learning_rate=0.2, batch_size=32, max_iter=30, tol=0, random_state=0, callback=show
    )
    return model.fit(X, y, validation_data=validation_data)


def print_confusion(true, predicted):
    """Count every pair of true digit (row) and predicted digit (column); zeros become dots."""
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (true, predicted), 1)
    print("\nHeld-out images: row = true digit, column = predicted digit")
    print("    " + "".join(f"{digit:4d}" for digit in range(10)))
    for digit, row in enumerate(counts):
        print(f"{digit:4d}" + "".join(f"{count or '.':>4}" for count in row))


def colour(share):
    """Blend from AGAINST (a share of -1) through NEUTRAL (0) to FOR (1)."""
    end = FOR if share > 0 else AGAINST
    red, green, blue = np.rint(NEUTRAL + abs(share) * (end - NEUTRAL)).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def heat_map(digit, shares):
    """Draw one class as 8 x 8 squares: w_k has a weight for every pixel, so it is a picture."""
    cells = "".join(
        f'<rect class="cell" x="{16 * column}" y="{16 * row}" width="16.3" height="16.3" '
        f'fill="{colour(share)}"/>\n'
        for (row, column), share in np.ndenumerate(shares.reshape(8, 8))
    )
    x, y = 20 + 148 * (digit % 5), 70 + 172 * (digit // 5)
    label = f'<text x="64" y="-8" text-anchor="middle" font-weight="bold">{digit}</text>'
    return f'<g transform="translate({x} {y})">\n{label}\n{cells}</g>\n'


def weights_svg(coef):
    """Draw the ten classes on one scale; the grey of the text reads on white and on black."""
    largest = np.abs(coef).max()
    stops = "".join(f'<stop offset="{t}" stop-color="{colour(2 * t - 1)}"/>' for t in (0, 0.5, 1))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 444" width="760" height="444"
     font-family="sans-serif" font-size="15" fill="#777">
<title>Softmax regression on handwritten digits: the weight of every pixel for every class</title>
<defs><linearGradient id="scale">{stops}</linearGradient></defs>
<text x="20" y="28">What ink in each pixel adds to the logit of each digit</text>
{"".join(heat_map(digit, row) for digit, row in enumerate(coef / largest))}
<text x="208" y="408" text-anchor="end">against it: &#8722;{largest:.1f}</text>
<rect x="220" y="394" width="320" height="18" fill="url(#scale)"/>
<text x="380" y="430" text-anchor="middle">0</text>
<text x="552" y="408">+{largest:.1f}: for it</text>
</svg>
"""


def main():
    """Split, train, measure on both parts, draw."""
    X, y, X_held_out, y_held_out = split(*load_digits())
    print(f"{len(y)} images to learn from, {len(y_held_out)} held out")
    model = train(X, y, (X_held_out, y_held_out))
    for name, data in ("training", (X, y)), ("held-out", (X_held_out, y_held_out)):
        print(f"{name}: loss {model.loss(*data):.4f} nats  accuracy {model.score(*data):.4f}")
    print_confusion(y_held_out, model.predict(X_held_out))

    best = SoftmaxRegression(l2=1e-3).fit(X, y)  # nothing to choose but the penalty
    print(
        f"\nWithout a learning rate: held-out accuracy {best.score(X_held_out, y_held_out):.4f}, "
        f"proven within {best.optimality_gap_:.0e} nats of the optimum"
    )
    picture = Path(sys.argv[1] if len(sys.argv) > 1 else "digits_weights.svg").resolve()
    picture.write_text(weights_svg(model.coef_), encoding="utf-8")
    print(f"\nThe learned weights as a picture: {picture}")


if __name__ == "__main__":
    main()
