"""The batch size changes the path of gradient descent, not the objective it descends.

The objective is a mean over the samples, and the penalty is added once, so a step on one image
and a step on all of them aim at the same minimum with the same learning rate. What changes is how
many steps one pass over the data makes, and how noisy each of them is.
"""

import numpy as np
from digits import load_digits

from softmax_regression import SoftmaxRegression

L2 = 1e-3
X, y = load_digits()


def objective(model):
    """F(W, b) = mean cross-entropy + (l2 / 2) |W|^2, on all samples."""
    return model.loss(X, y) + L2 / 2 * np.sum(model.coef_**2)


print("after 5 epochs with learning rate 0.05:")
for batch_size in (len(y), 256, 32, 1):
    model = SoftmaxRegression(
        l2=L2, learning_rate=0.05, batch_size=batch_size, max_iter=5, tol=0, random_state=0
    ).fit(X, y)
    steps = 5 * -(-len(y) // batch_size)
    print(f"batch size {batch_size:4d}  {steps:5d} steps  objective {objective(model):.4f} nats")

# An epoch is nothing but its batches in turn: handed over one by one, they lead to the same
# weights, to the last bit. Data that arrives in pieces can be learned from in pieces.
settings = {"l2": L2, "learning_rate": 0.05, "batch_size": 32}
whole = SoftmaxRegression(**settings, shuffle=False, max_iter=1, tol=0).fit(X, y)
pieces = SoftmaxRegression(**settings)
for start in range(0, len(y), 32):
    batch = slice(start, start + 32)
    pieces.partial_fit(X[batch], y[batch], classes=np.arange(10))
print("one epoch equals partial_fit on each batch:", np.array_equal(whole.coef_, pieces.coef_))
