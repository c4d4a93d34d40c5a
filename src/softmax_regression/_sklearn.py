"""Everything that knows scikit-learn, all of it imported late.

scikit-learn recognises an estimator by what it can do, not by its bases: by the methods below,
and by `get_params` and `set_params`. Nothing here runs before a user, or scikit-learn, calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self, TypeVar

from ._progress import Watch

T = TypeVar("T")

# The arguments beside X and y that a meta-estimator may route, by method.
ROUTED = {
    "fit": ("sample_weight", "validation_data", "groups"),
    "partial_fit": ("classes", "sample_weight"),
    "score": ("sample_weight",),
}
# Where the question mark in a diagram leads; without a link its tables explain nothing.
DOCUMENTATION = "https://pypi.org/project/softmax-regression/"
UNCHANGED = "$UNCHANGED$"  # scikit-learn's word for a request that stays as it is


class ScikitLearnMethods:
    """The methods scikit-learn looks for, without inheriting from one of its classes."""

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn's tools may expect: a classifier that takes sparse X."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(sparse=True),
        )

    # The three that fill a box of scikit-learn's diagrams. What they make is its own: the arguments
    # differ between its versions, and so they are passed on as they come.

    def _get_params_html(self, *arguments: Any, **named: Any) -> Any:
        """Return the table of parameters in scikit-learn's diagrams, from its version 1.7."""
        from sklearn.base import BaseEstimator

        return BaseEstimator._get_params_html(self, *arguments, **named)

    def _get_fitted_attr_html(self, *arguments: Any, **named: Any) -> Any:
        """Return the table of learned attributes there, from its version 1.9."""
        from sklearn.base import BaseEstimator

        return BaseEstimator._get_fitted_attr_html(self, *arguments, **named)

    def _get_doc_link(self) -> str:
        """Return the link there."""
        return DOCUMENTATION

    def get_metadata_routing(self) -> Any:
        """Return which arguments a scikit-learn meta-estimator passes on to which method.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRequest
            A copy; `set_fit_request` and its like change the requests themselves.
        """
        from sklearn.utils.metadata_routing import MetadataRequest, get_routing_for_object

        if hasattr(self, "_metadata_request"):
            return get_routing_for_object(self._metadata_request)
        requests = MetadataRequest(owner=type(self).__name__)
        for method, names in ROUTED.items():
            for name in names:
                getattr(requests, method).add_request(param=name, alias=None)
        return requests

    def set_fit_request(
        self,
        *,
        sample_weight: bool | str | None = UNCHANGED,
        validation_data: bool | str | None = UNCHANGED,
        groups: bool | str | None = UNCHANGED,
    ) -> Self:
        """Say which metadata a scikit-learn meta-estimator passes on to `fit`.

        Parameters
        ----------
        sample_weight, validation_data, groups : bool, str or None
            True passes it on, False does not, None raises where it is given, and a string is the
            name under which the meta-estimator gets it. Unchanged where left out.

        Returns
        -------
        SoftmaxRegression
            The estimator itself.

        Raises
        ------
        RuntimeError
            scikit-learn's metadata routing is not enabled.
        """
        return self._request(
            "fit", sample_weight=sample_weight, validation_data=validation_data, groups=groups
        )

    def set_partial_fit_request(
        self,
        *,
        classes: bool | str | None = UNCHANGED,
        sample_weight: bool | str | None = UNCHANGED,
    ) -> Self:
        """Say which metadata a scikit-learn meta-estimator passes on to `partial_fit`.

        Parameters
        ----------
        classes, sample_weight : bool, str or None
            As in `set_fit_request`.

        Returns
        -------
        SoftmaxRegression
            The estimator itself.

        Raises
        ------
        RuntimeError
            scikit-learn's metadata routing is not enabled.
        """
        return self._request("partial_fit", classes=classes, sample_weight=sample_weight)

    def set_score_request(self, *, sample_weight: bool | str | None = UNCHANGED) -> Self:
        """Say which metadata a scikit-learn meta-estimator passes on to `score`.

        Parameters
        ----------
        sample_weight : bool, str or None
            As in `set_fit_request`.

        Returns
        -------
        SoftmaxRegression
            The estimator itself.

        Raises
        ------
        RuntimeError
            scikit-learn's metadata routing is not enabled.
        """
        return self._request("score", sample_weight=sample_weight)

    def _request(self, method: str, **aliases: bool | str | None) -> Self:
        from sklearn import get_config

        if not get_config()["enable_metadata_routing"]:
            message = (
                f"set_{method}_request is only available when metadata routing is enabled: call "
                "sklearn.set_config(enable_metadata_routing=True) first"
            )
            raise RuntimeError(message)
        requests = self.get_metadata_routing()
        for name, alias in aliases.items():
            if alias != UNCHANGED:
                getattr(requests, method).add_request(param=name, alias=alias)
        self._metadata_request = requests
        return self

    def set_callbacks(self, *callbacks: Any) -> Self:
        """Attach scikit-learn callbacks, such as its ``ProgressBar``, to `fit`.

        They are told about every epoch, without a learning rate about every step, and may end the
        fit after one. Needs scikit-learn 1.9; the constructor's `callback` needs nothing.

        Parameters
        ----------
        *callbacks
            Objects with scikit-learn's ``FitCallback`` methods; none removes those attached.

        Returns
        -------
        SoftmaxRegression
            The estimator itself.

        Raises
        ------
        ImportError
            scikit-learn is absent or older than 1.9.
        TypeError
            Something else than callback objects.
        """
        from sklearn.callback import CallbackSupportMixin

        CallbackSupportMixin.set_callbacks(self, *callbacks)
        return self

    def to_sklearn(self) -> Any:
        """Return a fitted scikit-learn ``LogisticRegression`` that predicts the same.

        For tools that know scikit-learn's own classes only, such as exporters. Of two classes it
        keeps one row of weights, the difference w_1 - w_0. The settings of a later refit are
        scikit-learn's defaults, except for `fit_intercept`.

        Returns
        -------
        sklearn.linear_model.LogisticRegression
            With copies of the learned arrays.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ImportError
            scikit-learn is absent.

        Examples
        --------
        >>> from softmax_regression import SoftmaxRegression
        >>> model = SoftmaxRegression(tol=0.1).fit([[0.0], [1.0], [2.0]], ["a", "b", "c"])
        >>> twin = model.to_sklearn()  # doctest: +SKIP
        >>> twin.predict([[2.0]])  # doctest: +SKIP
        array(['c'], dtype='<U1')
        """
        fitted = self._fitted()  # type: ignore[attr-defined]
        from sklearn.linear_model import LogisticRegression

        return _copy_to(LogisticRegression(fit_intercept=self.fit_intercept), fitted)  # type: ignore[attr-defined]


def _copy_to(twin: Any, fitted: dict[str, Any]) -> Any:
    coef, intercept = fitted["coef_"].copy(), fitted["intercept_"].copy()
    if len(fitted["classes_"]) == 2:
        coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
    twin.coef_, twin.intercept_, twin.classes_ = coef, intercept, fitted["classes_"].copy()
    twin.n_features_in_ = fitted["n_features_in_"]
    if "feature_names_in_" in fitted:
        twin.feature_names_in_ = fitted["feature_names_in_"].copy()
    return twin


class FitTask(NamedTuple):
    """A fit as scikit-learn's callbacks see it.

    `attributes` turns parameters into the attributes that make a copy of the model predict.
    """

    X: Any
    y: Any
    sample_weight: Any
    max_iter: int
    attributes: Callable[[Any], dict[str, Any]]

    @property
    def data(self) -> dict[str, Any]:
        """What every hook is given."""
        weight = self.sample_weight
        metadata = None if weight is None else {"sample_weight": weight}
        return {"X": self.X, "y": self.y, "metadata": metadata}


def run_with_callbacks(model: Any, task: FitTask, fit: Callable[[Watch | None], T]) -> T:
    """Return ``fit(watch)``; `watch` is None unless scikit-learn attached something to `model`."""
    if not vars(model).keys() & {"_skl_callbacks", "_parent_callback_ctx"}:
        return fit(None)
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    def run(model: Any) -> T:
        root = CallbackSupportMixin._init_callback_context(model, max_subtasks=task.max_iter)
        root.call_on_fit_task_begin(estimator=model, **task.data)
        epochs = _Epochs(model, task, root)
        result = fit(epochs)
        epochs.close()
        root.call_on_fit_task_end(estimator=model, **task.data, reconstruction_attributes={})
        return result

    return with_callbacks(run)(model)  # type: ignore[no-any-return]


class _Epochs:
    """Tells scikit-learn's callbacks where an epoch begins and ends; a `Watch`."""

    def __init__(self, model: Any, task: FitTask, root: Any) -> None:
        self.model, self.task, self.root = model, task, root
        self.epoch: Any = None
        self.count = 0
        self._begin()

    def _begin(self) -> None:
        if self.count < self.task.max_iter:
            self.epoch = self.root.subcontext("epoch")
            self.epoch.call_on_fit_task_begin(estimator=self.model, **self.task.data)
            self.count += 1

    def __call__(self, parameters: Any) -> bool:
        if self.epoch is None:  # a search takes `max_iter` steps for each penalty
            return False
        stop: bool = self.epoch.call_on_fit_task_end(
            estimator=self.model,
            **self.task.data,
            reconstruction_attributes=lambda: self.task.attributes(parameters),
        )
        self.epoch = None
        if not stop:
            self._begin()
        return stop

    def close(self) -> None:
        """End an epoch that began and did not run, because the fit was done; it has no data."""
        if self.epoch is not None:
            self.epoch.call_on_fit_task_end(estimator=self.model)
