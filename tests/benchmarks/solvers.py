"""The library and its peers, each as one whole fit of the same objective F.

    F(W, b) = (1 / n) Σ_i CE(y_i, softmax(W x_i + b)) + (l2 / 2) ‖W‖²

A solver takes rows X, labels y in 0..K-1, l2 and one rung of its ladder (a tolerance, or a number
of epochs where a peer has no stopping rule that leads to the optimum) and builds a fresh
estimator.
How each peer writes the same penalty:

- scikit-learn: C Σ_i CE + ‖W‖² / 2, so C = 1 / (n l2). For K = 2 it learns one row w with the
  logits ±w x / 2, whose penalty in F is (l2 / 4) ‖w‖²: C = 2 / (n l2).
- MLPClassifier without hidden layers: mean CE + alpha ‖W‖² / (2 batch), so alpha = l2 batch; one
  row for K = 2 as above: half of it.
- mlxtend: steps along Σ_i ∇CE + l2' W, so l2' = n l2 with a single batch. It adds up where others
  average and has no line search; the step is 1 / L, L = λ_max(XᵀX + 11ᵀ) / 2 + n l2 being the
  Lipschitz constant of that gradient (Böhning, 1992).
- PyTorch: the penalty is a term of the loss.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from softmax_regression import SoftmaxRegression

NEWTON_BYTES = 2e9
TOLERANCES = tuple(10.0**-digits for digits in range(-1, 10))
EPOCHS = (10, 30, 100, 300, 1_000, 3_000)
MANY = 1_000_000
MLP_BATCH = 200
ADAM_BATCH = 256


class Fitted(NamedTuple):
    """W (K, d), b (K,) and the bound on F - F* that the solver claims to have proven."""

    W: Any
    b: Any
    proven: float = np.inf


class Solver(NamedTuple):
    """A name, the rungs to try, loosest first, and the fit; `serves` says for what data."""

    name: str
    ladder: tuple[float, ...]
    fit: Callable[[Any, Any, float, float], Fitted]
    serves: Callable[[Any, int], bool] = lambda _X, _n_classes: True


def ours(X: Any, y: Any, l2: float, tol: float) -> Fitted:
    """Fit with nothing set but the objective and when to stop."""
    model = SoftmaxRegression(l2=l2, tol=tol).fit(X, y)
    return Fitted(model.coef_, model.intercept_, model.optimality_gap_)


OURS = Solver("ours", (*TOLERANCES, 1e-10, 1e-11, 1e-12), ours)


def scikit_learn(name: str) -> Solver:
    """One solver of LogisticRegression."""

    def fit(X: Any, y: Any, l2: float, tol: float) -> Fitted:
        n_classes = int(y.max()) + 1
        C = (2.0 if n_classes == 2 else 1.0) / (X.shape[0] * l2)
        model = LogisticRegression(C=C, solver=name, tol=tol, max_iter=MANY, random_state=0)
        model.fit(X, y)
        return two_rows(model.coef_, model.intercept_)

    def serves(X: Any, n_classes: int) -> bool:
        hessian = 8.0 * (n_classes * (X.shape[1] + 1)) ** 2
        return name != "newton-cholesky" or hessian <= NEWTON_BYTES

    return Solver(name, TOLERANCES, fit, serves)


def two_rows(W: Any, b: Any) -> Fitted:
    """Write a one-row model of two classes as the two rows of least norm."""
    if W.shape[0] > 1:
        return Fitted(W, b)
    return Fitted(np.vstack([-W, W]) / 2.0, np.concatenate([-b, b]) / 2.0)


def mlp_classifier(X: Any, y: Any, l2: float, epochs: float) -> Fitted:
    """scikit-learn's MLPClassifier without hidden layers: Adam with its default step."""
    batch = min(MLP_BATCH, X.shape[0])
    alpha = l2 * batch * (0.5 if y.max() == 1 else 1.0)
    model = MLPClassifier(
        hidden_layer_sizes=(),
        alpha=alpha,
        batch_size=batch,
        max_iter=int(epochs),
        tol=0.0,
        n_iter_no_change=MANY,
        random_state=0,
    ).fit(X, y)
    return two_rows(model.coefs_[0].T, model.intercepts_[0])


def mlxtend(X: Any, y: Any, l2: float, epochs: float) -> Fitted:
    """mlxtend's SoftmaxRegression as gradient descent on all rows."""
    from mlxtend.classifier import SoftmaxRegression as Peer

    X_and_ones = np.column_stack([X, np.ones(X.shape[0])])
    lipschitz = np.linalg.norm(X_and_ones, 2) ** 2 / 2.0 + X.shape[0] * l2
    model = Peer(
        eta=1.0 / lipschitz, epochs=int(epochs), l2=X.shape[0] * l2, minibatches=1, random_seed=0
    ).fit(X, y)
    return Fitted(model.w_.T, model.b_)


def torch_lbfgs(X: Any, y: Any, l2: float, tolerance: float) -> Fitted:
    """PyTorch's LBFGS on all rows, with its Wolfe line search."""
    import torch

    torch.set_num_threads(1)
    features, labels, model = _torch_problem(X, y)
    optimiser = torch.optim.LBFGS(
        model.parameters(),
        max_iter=MANY,
        max_eval=MANY,
        tolerance_grad=tolerance,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Any:
        optimiser.zero_grad()
        loss = _torch_loss(model, features, labels, l2)
        loss.backward()
        return loss

    optimiser.step(closure)
    return Fitted(model.weight.detach().numpy(), model.bias.detach().numpy())


def torch_adam(X: Any, y: Any, l2: float, epochs: float) -> Fitted:
    """PyTorch's Adam on shuffled mini-batches, with its default step."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    features, labels, model = _torch_problem(X, y)
    optimiser = torch.optim.Adam(model.parameters())
    for _ in range(int(epochs)):
        for rows in torch.randperm(len(labels)).split(ADAM_BATCH):
            optimiser.zero_grad()
            _torch_loss(model, features[rows], labels[rows], l2).backward()
            optimiser.step()
    return Fitted(model.weight.detach().numpy(), model.bias.detach().numpy())


def _torch_problem(X: Any, y: Any) -> tuple[Any, Any, Any]:
    import torch

    model = torch.nn.Linear(X.shape[1], int(y.max()) + 1, dtype=torch.float64)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    return torch.from_numpy(X), torch.from_numpy(y.astype(np.int64)), model


def _torch_loss(model: Any, features: Any, labels: Any, l2: float) -> Any:
    import torch

    penalty = 0.5 * l2 * model.weight.square().sum()
    return torch.nn.functional.cross_entropy(model(features), labels) + penalty


def _dense(X: Any, _n_classes: int) -> bool:
    return isinstance(X, np.ndarray)


SCIKIT_LEARN = tuple(
    scikit_learn(name) for name in ("newton-cholesky", "lbfgs", "newton-cg", "sag", "saga")
)
OTHERS = (
    Solver("MLPClassifier", EPOCHS, mlp_classifier),
    Solver("mlxtend", EPOCHS, mlxtend, _dense),
    Solver("torch LBFGS", TOLERANCES, torch_lbfgs, _dense),
    Solver("torch Adam", EPOCHS, torch_adam, _dense),
)
