"""The optimum of F by the textbook's Newton method, to judge the fits by: slow, plain, independent."""

import numpy as np


def objective(X, T, weights, intercept, l2, *, sample_weight=None):
    """F with every sum in longdouble, T (n, K) probability rows."""
    Z = X.astype(np.longdouble) @ np.asarray(weights, np.longdouble).T + intercept
    Z -= Z.max(axis=1, keepdims=True)
    losses = np.log(np.exp(Z).sum(axis=1)) - (T * Z).sum(axis=1)
    penalty = np.sum(np.asarray(l2) * np.asarray(weights, np.longdouble) ** 2) / 2
    return np.average(losses, weights=sample_weight) + penalty


def optimum(X, T, l2, sample_weight=None, fit_intercept=True):
    """W, b and F at the minimum: full Newton steps, halved while F rises, until none lowers F.

    `l2` is one number, or one for each column.

    Columns of unit root mean square, and a multiple of 11ᵀ for the direction that softmax does
    not see and no gradient has, make the Hessian harmless.
    """
    n_rows, n_classes = T.shape
    weight = np.ones(n_rows) if sample_weight is None else np.asarray(sample_weight, float)
    weight = weight / weight.sum()
    A = np.column_stack([X, np.ones(n_rows)]) if fit_intercept else np.asarray(X, float)
    scale = np.sqrt(np.mean(A**2, axis=0))
    scale[scale == 0] = 1.0
    A = A / scale
    penalty = np.zeros(A.shape[1])
    penalty[: X.shape[1]] = l2
    penalty /= scale**2

    def split(V):
        W = V / scale
        return (W[:, :-1], W[:, -1]) if fit_intercept else (W, np.zeros(n_classes))

    def F(V):
        return objective(X, T, *split(V), l2, sample_weight=weight)

    V = np.zeros((n_classes, A.shape[1]))
    value = F(V)
    for _ in range(200):
        Z = A @ V.T
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        gradient = ((P - T) * weight[:, None]).T @ A + penalty * V
        hessian = np.empty((n_classes, A.shape[1], n_classes, A.shape[1]))
        for k in range(n_classes):
            for m in range(k + 1):
                curvature = weight * P[:, k] * ((k == m) - P[:, m])
                part = A.T @ (A * curvature[:, None]) + np.eye(A.shape[1]) / n_classes
                hessian[k, :, m] = hessian[m, :, k] = part + (k == m) * np.diag(penalty)
        flat = hessian.reshape(gradient.size, gradient.size)
        step = np.linalg.solve(flat, gradient.ravel()).reshape(V.shape)
        if 0.0 <= (gradient * step).sum() < 1e-19:  # twice what F can fall
            break
        length = 1.0
        while (lower := F(V - length * step)) > value and length > 1e-6:
            length /= 2
        if not lower < value:
            break
        V, value = V - length * step, lower
    return *split(V), value
