"""Every tolerance of the tests, with the reason for its size.

u = EPS / 2 is the rounding error of one operation; gamma_n = n u / (1 - n u) bounds that of a sum of
n products (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
"""

import numpy as np

EPS = float(np.finfo(np.float64).eps)
EPS32 = float(np.finfo(np.float32).eps)

# The library's own promises, in units in the last place of the exact value.
LOG_ULP, SOFTMAX_ULP = 4, 8

# Trajectories of the textbook's descent, per epoch and relative to max(1, |value|): plain float64
# arithmetic ends within 1.3e-14 of the 50-digit values, even for the step that is too large.
TRAJECTORY = 1e-13

# Two orders of the same sums, carried through at most some tens of steps that do not amplify
# errors: a few hundred rounding errors.
REORDERED = 1e-12

# F or a gradient at given parameters, summed in two orders over at most some tens of rows.
SUMMED = 1e-13

# Central differences with step h = 1e-5 of a loss of a few nats over features of size s <= 4:
# truncation h^2 / 6 · s^3 is 1e-9 at most, rounding EPS · F / h about 1e-10.
DIFFERENCE_STEP = 1e-5
DIFFERENCE = 5e-9

# A complex step has no truncation error and no cancellation: what is left is the rounding of some
# hundred operations, relative to the largest entry of the gradient.
COMPLEX_STEP = 1e-12

# A gradient that is wrong by this share is what the gradient checks must refuse.
WRONG_SHARE = 1e-3

# Convex inequalities between values of F: each is a mean of n terms of a few roundings.
INEQUALITY = 8 * EPS

# float32 against float64 after a few steps: the inputs' rounding, some tens of operations deep.
SINGLE = 50 * EPS32


def gamma(n):
    """Bound the relative error of a sum of n products in float64."""
    return n * EPS / 2 / (1 - n * EPS / 2)


def logit_error(X, weights, intercept):
    """Bound |computed - exact| of X Wᵀ + b: d products and one more sum."""
    size = np.abs(X) @ np.abs(weights).T + np.abs(intercept)
    return gamma(X.shape[1] + 1) * size
