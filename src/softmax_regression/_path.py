"""The path of optima along the penalty, from a model's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from ._input.features import SparseMatrix, feature_names
from ._input.given import judged_problem
from ._input.hyperparameters import check_hyperparameters

if TYPE_CHECKING:
    from ._estimator import SoftmaxRegression
    from ._selection import RegularizationPath


def regularization_path(
    model: SoftmaxRegression,
    X: ArrayLike | SparseMatrix,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    l2: ArrayLike | None = None,
    l1: ArrayLike | None = None,
    l1_ratio: float = 0.0,
    n_penalties: int = 50,
    cv: Any = None,
    groups: ArrayLike | None = None,
) -> RegularizationPath:
    """Return a proven optimum at every one of many penalties, from the strongest to the weakest.

    The rows are prepared once, and each fit begins where those before it point: with l2 alone at a
    parabola through the last three in log l2, with l1 at the last one. Fits are float64.

    Parameters
    ----------
    model : SoftmaxRegression
        Its settings, but for `l1` and `l2`: weights, smoothing, intercept, `tol`, `max_iter`. It is
        not fitted, and need not be.
    X : array-like of shape (n_samples, n_features)
        The rows.
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Class labels or probability rows.
    sample_weight : array-like of shape (n_samples,), optional
        Weights in learning and in held-out losses.
    l2, l1 : array-like, optional
        The penalties, > 0. With `l1` alone l2 follows by `l1_ratio`, or is the model's.
    l1_ratio : float, default=0.0
        Where the penalties are not given, l1 = λ `l1_ratio` and l2 = λ (1 - `l1_ratio`), as glmnet's
        λ and α: 0 is l2 alone, 1 is l1 alone.
    n_penalties : int, default=50
        How many λ, in equal ratios, where they are not given: over seven decades from 1000 times
        the largest gradient at the class frequencies, or with l1 over four from where all weights
        are zero. With `cv` the path ends when the held-out loss has risen, and goes on for up to as
        many again until it has.
    cv : "leave-one-out", int, splitter, list of pairs or None, default=None
        What losses are held out by. "leave-one-out", for l2 alone, is that of
        `SoftmaxRegression.leave_one_out`. A number of folds is stratified and draws nothing; an
        object with scikit-learn's ``split(X, y, groups)``, or pairs of indices (rows to learn from,
        rows to test on), are taken as they come. Each fold has a path of its own.
    groups : array-like of shape (n_samples,), optional
        Rows of the same group are held out together by `cv`.

    Returns
    -------
    RegularizationPath
        Frozen arrays by penalty; `best`, `model`, `to_dict`, `svg`.

    Raises
    ------
    TypeError, ValueError
        An illegal argument or setting, rows that `fit` refuses, a class that a fold does not
        learn, or leave-one-out with more than 4,000 free parameters.
    DivergenceError
        The loss left the finite numbers.

    Warns
    -----
    ConvergenceWarning
        Some optima are not proven to the model's `tol`.

    Examples
    --------
    >>> import numpy as np
    >>> from softmax_regression import SoftmaxRegression, regularization_path
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 4))
    >>> y = (X[:, :3] + rng.normal(size=(90, 3))).argmax(axis=1)
    >>> path = regularization_path(SoftmaxRegression(), X, y, l1_ratio=1.0, cv=5)
    >>> bool(path.gaps.max() <= 1e-6)
    True
    >>> model = path.model(path.best("1se"))
    >>> model.coef_.shape, bool((model.coef_[:, 3] == 0).all())
    ((3, 4), True)
    """
    from ._selection import Asked, follow

    settings = check_hyperparameters(model)
    names = feature_names(X)
    rows = judged_problem(settings, X, y, sample_weight)
    asked = Asked(l2, l1, l1_ratio, n_penalties)
    return follow(model, rows, groups, asked, cv=cv, names=names)
