"""What the L2 penalty buys: smaller weights, and at the right strength less loss on new images.

Section 5.7 of the book: the penalty (l2 / 2) |W|^2 is added to the mean cross-entropy. With few
images to learn from it matters most: weights that are free to grow also fit what is accidental.
"""

import numpy as np
from digits import load_digits, split

from softmax_regression import SoftmaxRegression

X, y, X_held_out, y_held_out = split(*load_digits(), held_out=1597)
print(f"{len(y)} images to learn from, {len(y_held_out)} held out")
print("   l2   |W|   training loss   held-out loss   held-out accuracy")

# From strong to weak: the weights grow and the training loss falls all the way; the held-out loss
# falls and then rises again. Each fit ends at its optimum, so the penalty is all that differs.
for l2 in (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5):
    model = SoftmaxRegression(l2=l2).fit(X, y)
    print(
        f"{l2:5.0e}  {np.linalg.norm(model.coef_):4.1f}   {model.loss(X, y):13.4f}"
        f"   {model.loss(X_held_out, y_held_out):13.4f}"
        f"   {model.score(X_held_out, y_held_out):17.4f}"
    )
