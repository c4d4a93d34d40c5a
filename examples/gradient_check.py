"""Equation (5.48) is the derivative of the loss: compare it with finite differences.

First the functions on logits alone, then the estimator, whose gradient is theirs times the input.
"""

import numpy as np

from softmax_regression import SoftmaxRegression, cross_entropy, cross_entropy_gradient


def central_differences(function, point, step=1e-5):
    """Measure the slope along every coordinate, with an error that shrinks as ``step`` squared."""
    slopes = np.empty_like(point)
    for index in np.ndindex(point.shape):
        shift = np.zeros_like(point)
        shift[index] = step
        slopes[index] = (function(point + shift) - function(point - shift)) / (2 * step)
    return slopes


def compare(name, exact, expected):
    """Print how far the two are apart, and how large they are."""
    print(f"{name}: largest entry {abs(exact).max():.3f}, ", end="")
    print(f"largest difference {abs(exact - expected).max():.1e}")


rng = np.random.default_rng(0)
labels = np.array([0, 2, 1, 2, 0, 1])

# With respect to the logits z of one row, the gradient of -log softmax(z)_y is p - y: the
# probabilities, minus one at the true class. It needs neither features nor weights.
logits = rng.normal(scale=3, size=(6, 3))
compare(
    "logits    ",
    cross_entropy_gradient(logits, labels),
    central_differences(lambda z: cross_entropy(z, labels).sum(), logits),
)

# The logits are z = W x + b, so the chain rule multiplies by x and averages over the rows:
# dL/dW = (P - Y)^T X / n. This is (5.48) for all classes and features at once.
X = rng.normal(size=(6, 4))
model = SoftmaxRegression(learning_rate=0.1, max_iter=3, tol=0, random_state=0).fit(X, labels)
coef, intercept = model.coef_, model.intercept_
P_minus_Y = cross_entropy_gradient(X @ coef.T + intercept, labels)
d_coef, d_intercept = model.gradient(X, labels)
compare("chain rule", d_coef, P_minus_Y.T @ X / len(X))


def loss(coef, intercept):
    """Evaluate the loss of the model at other weights."""
    model.coef_, model.intercept_ = coef, intercept
    return model.loss(X, labels)


compare("coef      ", d_coef, central_differences(lambda W: loss(W, intercept), coef))
compare("intercept ", d_intercept, central_differences(lambda b: loss(coef, b), intercept))
