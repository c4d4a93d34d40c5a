"""What the L2 penalty buys, and how to choose it: smaller weights, and less loss on new images.

Section 5.7 of the book: the penalty (l2 / 2) |W|^2 is added to the mean cross-entropy. With few
images to learn from it matters most: weights that are free to grow also fit what is accidental.

Run it as ``python examples/choose_penalty.py``, or with the path of the picture to write.
"""

import sys
from pathlib import Path

from digits import load_digits, split

from softmax_regression import SoftmaxRegression, regularization_path

X, y, X_held_out, y_held_out = split(*load_digits(), held_out=1597)
print(f"{len(y)} images to learn from, {len(y_held_out)} held out")

# The optimum at every penalty, from strong to weak: the weights grow and the training loss falls all
# the way. Leave-one-out asks each image in turn what a fit without it makes of it, without refits.
path = regularization_path(SoftmaxRegression(), X, y, n_penalties=30, cv="leave-one-out")
print("   l2   |W|   training loss   leave-one-out loss   loss on new images")
for i in range(0, len(path), 3):
    model = path.model(i)
    print(
        f"{path.l2s[i]:5.0e}  {path.to_dict()['norm'][i]:4.1f}   {model.loss(X, y):13.4f}"
        f"   {path.losses[i]:18.4f}   {model.loss(X_held_out, y_held_out):18.4f}"
    )

# The same choice in one line; the new images have had no say in it.
model = SoftmaxRegression(l2="auto").fit(X, y)
print(f"chosen: l2 = {model.l2_:.2g}, {model.selection_.loss:.4f} nats expected on new images")
print(f"and there: {model.loss(X_held_out, y_held_out):.4f}")

picture = Path(sys.argv[1] if len(sys.argv) > 1 else "path.svg")
picture.write_text(path.svg(), encoding="utf-8")
print(f"weights by penalty, a panel for each digit, and the curve of the losses: {picture}")
