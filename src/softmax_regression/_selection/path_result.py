"""What a path of optima shows: weights, proofs and held-out losses by penalty."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import shown
from .._input.given import Description
from .._parameters import Parameters
from .._types import Index, Matrix, Vector
from .drawing import path_html, path_svg


class HeldOutCurve(NamedTuple):
    """Held-out losses by penalty, their standard errors, and those of what is above the least loss."""

    losses: Vector
    errors: Vector
    paired_errors: Vector


@dataclass(frozen=True, repr=False, eq=False)
class RegularizationPath:
    """Optima of F along a penalty, from the strongest to the weakest, each with its proof; frozen.

    Made by `regularization_path`.

    Attributes
    ----------
    l1s, l2s : ndarray of shape (n_penalties,)
        The penalties.
    coefs : ndarray of shape (n_penalties, n_classes, n_features)
        W at each.
    intercepts : ndarray of shape (n_penalties, n_classes)
        b at each.
    objectives, gaps : ndarray of shape (n_penalties,)
        F, and how far it is above its minimum at most, proven, in nats.
    converged : ndarray of bool
        Whether the gap is within the model's `tol`.
    n_iter : ndarray of int
        How often the rows were read for each.
    method : str or None
        How the losses were held out: "leave-one-out", "5 folds"; None where they were not.
    losses, errors, paired_errors : ndarray of shape (n_penalties,)
        Held-out losses in nats, their standard errors, and the standard errors of their difference
        from the least one.
    classes : ndarray
        The labels.
    """

    _model: Any
    _description: Description
    method: str | None
    l1s: Vector
    l2s: Vector
    coefs: NDArray[np.float64]
    intercepts: Matrix
    objectives: Vector
    gaps: Vector
    converged: NDArray[np.bool_]
    n_iter: Index
    held_out: HeldOutCurve | None

    def __len__(self) -> int:
        """Return how many penalties there are."""
        return len(self.l2s)

    def __repr__(self) -> str:
        """Return one line."""
        name = "l1" if self.l1s.any() else "l2"
        values = self.l1s if self.l1s.any() else self.l2s
        judged = f", judged by {self.method}" if self.method else ""
        return (
            f"<RegularizationPath: {len(self)} optima, {name} from {values[0]:.3g} to {values[-1]:.3g}, "
            f"largest gap {self.gaps.max():.1e}{judged}>"
        )

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        return path_html(self)

    @property
    def classes(self) -> NDArray[Any]:
        """The labels."""
        return self._description.classes

    @property
    def losses(self) -> Vector:
        """Held-out losses in nats."""
        return self._judged().losses

    @property
    def errors(self) -> Vector:
        """The standard errors of the losses."""
        return self._judged().errors

    @property
    def paired_errors(self) -> Vector:
        """The standard errors of the losses less the least of them."""
        return self._judged().paired_errors

    def best(self, rule: str = "min") -> int:
        """Return the place of the best penalty.

        Parameters
        ----------
        rule : {"min", "1se"}
            "min": the least held-out loss. "1se": the strongest penalty whose loss is above that by
            no more than one standard error of the difference, as the same rows tell it.

        Returns
        -------
        int
            For `model`, and for the arrays.

        Raises
        ------
        ValueError
            Another rule, or no losses were held out.
        """
        losses, paired = self._judged().losses, self._judged().paired_errors
        least = int(np.argmin(losses))
        if rule == "min":
            return least
        if rule != "1se":
            message = f"rule must be 'min' or '1se', got {shown(rule)}"
            raise ValueError(message)
        return int(np.argmax(losses - losses[least] <= paired))

    def model(self, i: int) -> Any:
        """Return a fitted model at a penalty, with the settings of the path's.

        Parameters
        ----------
        i : int
            The place of the penalty.

        Returns
        -------
        SoftmaxRegression
            It predicts, reads and saves as any; a later `fit` of its own has the same penalty.
        """
        model = type(self._model)(**self._model.get_params())
        l1, l2 = float(self.l1s[i]), float(self.l2s[i])
        model.set_params(l1=l1, l2=l2)
        parameters = Parameters(self.coefs[i], self.intercepts[i])
        vars(model).update(self._description.with_parameters(parameters))
        vars(model).update(
            l2_=l2,
            n_iter_=int(self.n_iter[i]),
            loss_curve_=np.array([self.objectives[i]]),
            validation_curve_=np.zeros(0),
            optimality_gap_=float(self.gaps[i]),
            converged_=bool(self.converged[i]),
            stop_reason_="tol" if self.converged[i] else "max_iter",
        )
        return model

    def to_dict(self) -> dict[str, Any]:
        """Return columns of equal length for a data frame: penalties, proofs, sizes, losses."""
        columns: dict[str, Any] = {
            "l1": self.l1s,
            "l2": self.l2s,
            "objective": self.objectives,
            "gap": self.gaps,
            "converged": self.converged,
            "n_iter": self.n_iter,
            "n_nonzero": np.count_nonzero(self.coefs, axis=(1, 2)),
            "norm": np.sqrt(np.einsum("ikj,ikj->i", self.coefs, self.coefs)),
        }
        if self.held_out is not None:
            columns |= {
                "loss": self.losses,
                "standard_error": self.errors,
                "paired_error": self.paired_errors,
            }
        return columns

    def svg(self) -> str:
        """Return a drawing: a small panel of the weights of each class, and of the held-out loss."""
        return path_svg(self)

    def _judged(self) -> HeldOutCurve:
        if self.held_out is None:
            message = (
                "no losses were held out: call regularization_path with cv='leave-one-out' for l2, or "
                "with folds, cv=5"
            )
            raise ValueError(message)
        return self.held_out
