"""SoftmaxRegression: parameters in, learned state out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import signature
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arrays import is_dask
from ._display import model_html, model_text
from ._exceptions import ConvergenceWarning, sibling
from ._fit import learn, learn_batchwise
from ._fitted import is_begun, settings_of
from ._input.features import SparseMatrix, feature_names
from ._input.given import (
    Description,
    Judged,
    check_rows,
    learning_problem,
    validation_problem,
)
from ._input.hyperparameters import (
    ClassWeight,
    LearningRate,
    RandomState,
    check_hyperparameters,
)
from ._input.labels import refuse_misfit
from ._input.peers import KeywordArguments, explains_unknown, unknown_parameter
from ._input.streaming import streaming_problem
from ._input.weights import refuse_all_zero
from ._learned import Learned, parameters_of, start_of
from ._objective import mean_gradient, mean_loss
from ._prediction import decision, likeliest, log_probabilities, probabilities
from ._progress import Progress, Watch
from ._sklearn import FitTask, ScikitLearnMethods
from ._state import LearnedState
from ._warn import warn

if TYPE_CHECKING:
    from ._inference import Explanation, Inference, Table
    from ._selection import LeaveOneOut


class SoftmaxRegression(KeywordArguments, LearnedState, ScikitLearnMethods):
    """Multinomial logistic (softmax) regression.

    Minimises, over W (n_classes, n_features) and b (n_classes,),

        F(W, b) = (1 / Σ w_i) Σ_i w_i CE(y_i, softmax(W x_i + b)) + l1 ‖W‖₁ + ½ Σ_j l2_j ‖W_j‖²

    where CE is the cross-entropy in nats, w the sample weights, times the class weights, and y the
    targets, smoothed where asked. W_j is the column of feature j, and l2_j is `l2` where that is
    one number. The intercept b is not penalised. F is a mean, so repeated rows,
    scaled weights and `batch_size` do not change it. `loss` and `gradient` are its first term,
    without class weights and smoothing, and that term's derivative.

    With ``learning_rate="auto"`` the fit needs no tuning: it ends at the optimum of F, from mini-
    batches and curvature, whatever the scales of the features, and proves by the duality gap how
    close it is. With a number or a callable it is the textbook's mini-batch gradient descent with
    the gradient (ŷ - y) xᵀ.

    Parameters
    ----------
    l2 : float, array-like of shape (n_features,) or "auto", default=1e-4
        Strength of the L2 penalty, >= 0: one number, or one for each column of X in their order.
        It is in nats per squared unit of the weights, so that a column times c takes l2 times c²;
        ``l2=0.01 * X.var(axis=0)`` is what 0.01 is on standardised columns. 0 leaves a column
        without a penalty. Where columns that no penalty holds part a class from others, F has no
        minimum. ``learning_rate="auto"`` then warns and names the log-odds that grow for ever;
        beyond 500 free coefficients it finds only classes that are parted altogether, and says so.
        Gradient descent does not look.

        "auto": `fit` finds one number, that of least log-loss on rows that are left out in turn,
        without refits (`leave_one_out`); with more than 4,000 free parameters by 5 folds. Rows that
        come in groups, from one writer or patient each, are more alike than new rows will be: give
        `fit` the `groups`, or the penalty comes out too small. Not with a number as
        `learning_rate`, with `l1`, `early_stopping`, `partial_fit` or `fit_blocks`.
    l1 : float, default=0.0
        Strength of the L1 penalty, >= 0. Weights it holds at zero are exactly 0. scikit-learn's
        ``SelectFromModel`` keeps the features with any other weight if it is given
        ``threshold=1e-10``; by its default, the mean, it drops weak ones too.
    learning_rate : "auto", float or callable, default="auto"
        "auto": nothing to choose. A number > 0: the step of plain gradient descent. A callable
        maps the number of finished epochs (0 in the first) to the step of the next; each call of
        `partial_fit` is an epoch.
    batch_size : "auto" or int, default="auto"
        Rows per mini-batch, >= 1; "auto" is 1024 with ``learning_rate="auto"``, else 256.
    momentum : float, default=0.0
        Share of the last step that is taken again, in [0, 1). Needs a number or a callable as
        `learning_rate`.
    max_iter : int, default=1000
        Epochs of gradient descent at most, each one pass over the data. With
        ``learning_rate="auto"`` no step begins after so many passes for steps: a step that has
        begun is finished, and what survey, curvature and proof read comes on top. 0 leaves the
        parameters where the fit begins, at zero or, with `warm_start`, at those of the last fit.
    tol : float, default=1e-6
        In nats, >= 0. With ``learning_rate="auto"``: stop when F is within `tol` of its minimum,
        proven where there is a proof (`optimality_gap_`), estimated otherwise; 0 goes on until
        float64 has no more digits, and `converged_` is False then. Below 1e-6 it goes on until the
        probabilities no longer tell by which way it came, to 1e-7, where the Hessian of all
        parameters is within reach; at 1e-6 small fits do so to about 1e-6. Else: stop when the loss curve
        has not fallen by `tol` in `n_iter_no_change` epochs; 0 runs all `max_iter` epochs unless `early_stopping`
        ends the fit.
    fit_intercept : bool, default=True
        Whether b is learned; it is 0 otherwise.
    class_weight : dict, "balanced" or None, default=None
        Factor c on the weight of each row, by its class. A probability row is a row of every
        class, -Σ_k c_k y_k log ŷ_k. A class the dict does not name counts 1; a dict that names
        every class of y may name others too. `fit` does not learn a class of weight 0 in labels,
        and warns. "balanced" makes all classes weigh the same.
    label_smoothing : float, default=0.0
        Share s of every target that learning spreads evenly over the classes, in [0, 1). Class
        weights come first: a row of class k keeps the weight c_k for all of its smoothed target.
    early_stopping : bool, default=False
        Watch the log-loss of held-out rows instead of the training loss, stop when it has not
        fallen by `tol` in `n_iter_no_change` epochs, and keep the best epoch's parameters. With
        ``learning_rate="auto"`` steps count for epochs, and the optimum ends the fit too.
    validation_fraction : float, default=0.1
        Share of the rows held out, class by class, for `early_stopping` without
        `validation_data`; in (0, 1). A row of every class is learned from in any case.
    n_iter_no_change : int, default=5
        Epochs without a fall of `tol` before gradient descent or `early_stopping` ends, >= 1.
    shuffle : bool, default=True
        Whether `fit` draws mini-batches in a new random order in every epoch.
    random_state : int, Generator, RandomState, SeedSequence or None, default=None
        Seed of the shuffling and of the held-out split.
    warm_start : bool, default=False
        Whether `fit` goes on from the last fit (parameters, momentum, epoch count, random state
        and curves) instead of from zero.
    verbose : int, default=0
        1 prints a line per epoch or step, at most two a second, and with
        ``learning_rate="auto"`` one on how the fit ended. The logger "softmax_regression" of
        `logging` gets them all, the last at level INFO and the others at DEBUG, and by itself
        shows none.
    callback : callable or None, default=None
        Called with a `Progress` after every epoch, or with ``learning_rate="auto"`` at the start
        and after every step, which takes one epoch or a few. It ends the fit by returning True;
        any other value lets it go on. A fit that ends so warns, unless the callback has returned
        False before.

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_features)
        W; two classes keep two rows. float32 after a fit on float32, else float64.
    intercept_ : ndarray of shape (n_classes,)
        b.
    classes_ : ndarray of shape (n_classes,)
        The labels in sorted order. For probability rows the columns of the data frame as they are
        called, or 0 … n_classes-1 where they have no names.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Column names, where X had string names.
    n_iter_ : int
        Epochs run: how often all rows were read. With ``learning_rate="auto"`` every reading
        counts, for means and scales, mini-batches, F, curvature and proof, and n_iter_ may exceed
        `max_iter`; the look for log-odds that grow for ever does not count. A warm start and
        `partial_fit` go on counting, and their curves go on too.
    loss_curve_ : ndarray
        Gradient descent: for each epoch the mean, over its batches, of F on the batch at the
        parameters from which the batch's step starts; for a full batch that is F itself.
        ``learning_rate="auto"``: F at the start, after every step, and of the
        parameters kept.
    validation_curve_ : ndarray
        Mean cross-entropy of the validation data, one entry for every epoch, or for the start and
        every step with ``learning_rate="auto"``; empty without such data.
    l2_ : float or ndarray of shape (n_features,)
        The L2 penalty of the last fit: `l2`, or what "auto" found.
    selection_ : Selection
        With ``l2="auto"``: every l2 tried, its held-out loss and errors, and how they came about.
    optimality_gap_ : float
        Proven upper bound, in nats, on F - F*; ``inf`` where no proof exists: without a penalty,
        and for plain gradient descent. Where only some columns are without one, their curvature
        is the proof; ``inf`` where that fails, as in collinear columns or too many.
    converged_ : bool
        Whether the fit ended because it had reached what `tol` asks for, and F has a minimum.
    stop_reason_ : str
        What ended the fit: "tol" or "validation" where it converged; "max_iter", "callback",
        "rounding" or "float32" (the precision has no more digits), "separable" (F has no
        minimum), "rise" (the loss rose), "divergence", or "partial_fit". With ``tol=0`` a fit that
        ended by "max_iter" (gradient descent), "rounding" or "float32" did what was asked.

    References
    ----------
    Jurafsky & Martin, Speech and Language Processing (3rd ed. draft), chapter 5.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [3.0, 3.0], [4.0, 3.0], [0.0, 5.0], [1.0, 6.0]])
    >>> y = np.array(["low", "low", "right", "right", "up", "up"])
    >>> model = SoftmaxRegression(l2=0.01).fit(X, y)
    >>> model.predict([[0.5, 0.5], [3.0, 2.0]])
    array(['low', 'right'], dtype='<U5')
    >>> model.converged_, model.optimality_gap_ <= 1e-6
    (True, True)

    The first column without a penalty, the second held to small weights:

    >>> SoftmaxRegression(l2=[0.0, 1.0]).fit(X, ["a", "b", "a", "b", "b", "a"]).coef_.round(2)
    array([[-0.07,  0.05],
           [ 0.07, -0.05]])
    """

    def __init__(
        self,
        *,
        l2: float | ArrayLike | Literal["auto"] = 1e-4,
        l1: float = 0.0,
        learning_rate: LearningRate = "auto",
        batch_size: int | Literal["auto"] = "auto",
        momentum: float = 0.0,
        max_iter: int = 1000,
        tol: float = 1e-6,
        fit_intercept: bool = True,
        class_weight: ClassWeight = None,
        label_smoothing: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        shuffle: bool = True,
        random_state: RandomState = None,
        warm_start: bool = False,
        verbose: int = 0,
        callback: Callable[[Progress], object] | None = None,
    ) -> None:
        self.l2 = l2
        self.l1 = l1
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.momentum = momentum
        self.max_iter = max_iter
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.callback = callback

    # Learning

    @explains_unknown
    def fit(
        self,
        X: ArrayLike | SparseMatrix,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        validation_data: tuple[Any, ...] | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Learn W and b from rows X and targets y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            float32 and float64 are used as they are; other numbers are converted to float64. With
            Dask collections as X, y and weights this is `fit_blocks` of their partitions, by the
            active scheduler; it computes them in every reading, so ``persist()`` what fits into the
            cluster.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Class labels, or one probability row per sample (one-hot included), divided by its sum
            where that was rounded. The columns of a data frame name the classes.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row, >= 0; only ratios matter, and a row of weight 0 is absent.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows whose log-loss is recorded in `validation_curve_` after every epoch, and watched
            when `early_stopping` is set.
        groups : array-like of shape (n_samples,), optional
            For ``l2="auto"``: rows of the same group are left out together, as those of one writer,
            patient or day, of which new rows will not be.

        Returns
        -------
        SoftmaxRegression
            The estimator itself.

        Raises
        ------
        TypeError
            An argument of the wrong kind.
        ValueError
            An argument with an illegal value, fewer than two classes, or weights that float32
            cannot hold.
        DivergenceError
            The loss left the finite numbers. Gradient descent keeps the last finite parameters;
            with ``learning_rate="auto"`` the model stays as it was.

        Warns
        -----
        ConvergenceWarning
            The fit ended before it reached what `tol` asks for; F has no minimum, or it is not
            known whether it has (`l2`), or no row has a class; or the loss rose: a full batch's
            F above that at the start, or the mean over several batches, or with `early_stopping`
            the best validation loss, above twice its value there.
        """
        if is_dask(X) and hasattr(X, "to_delayed"):
            from ._dask import computed, partitions

            parts = partitions(X, y, sample_weight, groups)
            return self.fit_blocks(parts, map=computed, validation_data=validation_data)
        settings = check_hyperparameters(self)
        names = feature_names(X)
        classes, problem, judged = learning_problem(settings, X, y, sample_weight, groups)
        settings = settings.for_columns(problem.X.shape[1], names)
        description = Description(classes, problem.X.shape[1], names)
        validation = validation_problem(validation_data, description)
        start = start_of(settings, description, problem.X, self._left(settings))

        def keep(learned: Learned) -> None:
            self._adopt(learned, description, start)

        def run(watch: Watch | None) -> Learned:
            choose = None if judged is None else _chooser(judged, groups)
            return learn(problem, settings, start, validation, keep, watch=watch, choose=choose)

        task = FitTask(X, y, sample_weight, settings.max_iter, description.with_parameters)
        return self._run(task, run, description, start)

    @explains_unknown
    def fit_blocks(
        self,
        blocks: Sequence[Any],
        *,
        classes: ArrayLike | None = None,
        map: Callable[..., Iterable[Any]] = map,
        validation_data: tuple[Any, ...] | None = None,
    ) -> Self:
        """Learn W and b from blocks of rows that need not fit into memory together.

        The optimum that `fit` finds on all rows at once, with the same proof, in a handful of
        readings of the rows: one that describes them and takes a sample of at most 64 MiB, one for
        where the sample's optimum stands among all rows, and one for every step from there. Where
        the sample is all rows, one reading does, and what is learned is what `fit` learns.

        Same blocks, same bits, whatever `map` runs them. Cut otherwise, the rows give the same
        optimum within what `tol` proves. `batch_size` and `shuffle` are for `fit` and not used here.

        Parameters
        ----------
        blocks : sequence of tuples (X, y) or (X, y, sample_weight), or of callables
            The rows, in blocks as `fit` takes them; a callable returns one, whenever it is called.
            What `map` itself turns into one, such as a future, goes through untouched. Blocks may
            be empty and may lack classes; their columns agree.
        classes : array-like of shape (n_classes,), optional
            Every label there may be. A class without rows keeps a row of W. By default the labels
            of all blocks, sorted.
        map : callable, default=map
            Any map that keeps the order: of a pool of threads or processes, of a cluster. With
            processes, callables must be picklable. Every reading is one call.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows whose log-loss is recorded in `validation_curve_` after every reading, and watched
            when `early_stopping` is set.

        Returns
        -------
        SoftmaxRegression
            The estimator itself; `n_iter_` counts the readings of the blocks.

        Raises
        ------
        TypeError
            An argument of the wrong kind, such as an iterator that can be read but once.
        ValueError
            An illegal value, fewer than two classes, blocks that do not belong together or hold
            other rows than in an earlier reading, or a setting that needs all rows in memory.
        DivergenceError
            The loss left the finite numbers.
        Exception
            What a callable raised, with a note of its block. The model stays as it was.

        Warns
        -----
        ConvergenceWarning
            As `fit`. Without a penalty, whether F has a minimum is known where the rows of the
            sample are not parted by any direction, and else not.

        References
        ----------
        Chan, Golub and LeVeque (1983), The American Statistician 37(3), 242-247; Nocedal and
        Wright, Numerical Optimization, 2nd ed., algorithm 7.4.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.arange(12.0).reshape(6, 2) % 5
        >>> y = np.array(["a", "b", "a", "b", "b", "a"])
        >>> model = SoftmaxRegression().fit_blocks([(X[:2], y[:2]), (X[2:], y[2:])])
        >>> bool((model.coef_ == SoftmaxRegression().fit(X, y).coef_).all())
        True
        >>> model.n_iter_
        1
        """
        from ._blocks import prepared

        settings = check_hyperparameters(self)
        left = self._left(settings)
        fit = prepared(blocks, settings, left, validation_data, classes=classes, map=map)
        task = FitTask(blocks, None, None, settings.max_iter, fit.description.with_parameters)
        return self._run(task, fit.run, fit.description, fit.start)

    @explains_unknown
    def partial_fit(
        self,
        X: ArrayLike | SparseMatrix,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Take one pass over some more rows, in the order given, a step per `batch_size` rows.

        With ``learning_rate="auto"`` these are averaged steps in the metric of the rows seen so
        far, near the optimum but without proof. After such a fit they begin at its optimum, which
        counts as much as the rows behind it; far from the minimum, as after another `l2`, as much
        as rows that leave so large an error. From parameters set by hand, after gradient descent
        or with another `fit_intercept` a new average begins. With a number as `learning_rate`, chunks that end
        where batches end give bit for bit what ``fit(shuffle=False, max_iter=1)`` gives on all
        rows at once. A callable is asked once per call, for the number of calls before.

        `max_iter`, `tol`, `validation_fraction`, `n_iter_no_change`, `shuffle`, `random_state`,
        `warm_start`, `verbose` and `callback` are for `fit` and not used here.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Class labels or probability rows.
        classes : array-like of shape (n_classes,), optional
            Every label that may ever come; needed on the first call, unless y holds probability
            rows.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row, >= 0; only ratios within a batch matter. A row of weight 0 is
            absent, and takes no place in a batch.

        Returns
        -------
        SoftmaxRegression
            The estimator itself.

        Raises
        ------
        TypeError
            An argument of the wrong kind, or text labels where the classes are numbers.
        ValueError
            An illegal value, an unknown label, other `classes` than before, or a setting that
            needs all rows at once (``early_stopping``, ``class_weight="balanced"``, and `l1` with
            ``learning_rate="auto"``).
        DivergenceError
            The loss left the finite numbers; the model stays as it was.

        Warns
        -----
        ConvergenceWarning
            With a number or a callable as `learning_rate`: the loss of the last 256 rows, or of
            more where a call has more, is above twice that of equal odds, ln K nats, by more than
            chance.

        Examples
        --------
        >>> model = SoftmaxRegression()
        >>> for X, y in ([[[0.0], [1.0]], ["a", "b"]], [[[3.0], [0.0]], ["b", "a"]]) * 10:
        ...     model = model.partial_fit(X, y, classes=["a", "b"])
        >>> model.n_iter_, model.predict([[0.0], [3.0]])
        (20, array(['a', 'b'], dtype='<U1'))
        """
        settings = check_hyperparameters(self)
        fitted = self._fitted() if is_begun(vars(self)) else {}
        description, problem = streaming_problem(
            settings, fitted, X, y, classes=classes, sample_weight=sample_weight
        )
        settings = settings.for_columns(description.n_features, description.names)
        start = start_of(settings, description, problem.X, fitted)
        learned = learn_batchwise(problem, settings, start)
        self._adopt(learned, description, start)
        if learned.advice is not None:
            warn(learned.advice, sibling(ConvergenceWarning))
        return self

    # What was learned

    def decision_function(self, X: ArrayLike | SparseMatrix) -> NDArray[Any]:
        """Return the logits z = X Wᵀ + b.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes z_1 - z_0, positive where the second class is predicted.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            X is of the wrong kind, such as a masked array.
        ValueError
            X is not a finite matrix with the columns seen in `fit`.
        """
        return self._by_blocks(X, decision, self._fitted())

    def predict_log_proba(self, X: ArrayLike | SparseMatrix) -> NDArray[Any]:
        """Return log ŷ, the log-softmax of the logits, equation (5.47).

        It stays finite and right to the last digits where ŷ underflows to 0 or rounds to 1.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `decision_function`.
        """
        return self._by_blocks(X, log_probabilities, self._fitted())

    def predict_proba(self, X: ArrayLike | SparseMatrix) -> NDArray[Any]:
        """Return ŷ, the softmax of the logits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; rows sum to 1 up to rounding. A float32 model gives
            float32 for float32 rows, and NumPy's ``Generator.multinomial`` refuses such
            probabilities where they add up to more than 1 by a few 1e-7. Samplers want float64:
            pass ``X.astype(float)``.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `decision_function`.

        Examples
        --------
        >>> model = SoftmaxRegression(l2=0.1).fit([[0.0], [1.0], [2.0]], ["a", "b", "c"])
        >>> model.predict_proba([[0.0], [1.0]]).round(2)
        array([[0.67, 0.28, 0.05],
               [0.28, 0.43, 0.28]])
        """
        return self._by_blocks(X, probabilities, self._fitted())

    def predict(self, X: ArrayLike | SparseMatrix) -> NDArray[Any]:
        """Return the most probable class of each row, the first one in a tie.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes_`.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `decision_function`.
        """
        fitted = self._fitted()
        best = self._by_blocks(X, likeliest, fitted)
        return fitted["classes_"][best]  # type: ignore[no-any-return]

    def score(
        self, X: ArrayLike | SparseMatrix, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the accuracy, the weighted share of rows whose predicted class is the true one.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, or probability rows, whose largest entry is then the true class.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        float
            Between 0 and 1.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `decision_function`, and for a y that does not match X or the classes' kind.

        Examples
        --------
        >>> model = SoftmaxRegression(l2=0.1).fit([[0.0], [1.0], [2.0]], ["a", "b", "c"])
        >>> model.score([[0.0], [0.1], [2.0], [2.1]], ["a", "b", "c", "c"])
        0.75
        """
        classes = self._fitted()["classes_"]
        predicted = self.predict(X)
        true, weight = check_rows(predicted, y, sample_weight, classes)
        refuse_all_zero(weight)
        refuse_misfit(true, classes)
        if true.ndim == 2:
            true = classes[true.argmax(axis=1)]
        return float(np.average(predicted == true, weights=weight))

    def loss(
        self, X: ArrayLike | SparseMatrix, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the mean cross-entropy in nats: the negative log-likelihood of the true class.

        (1 / Σ w_i) Σ_i w_i CE(y_i, softmax(W x_i + b)), equations (5.45) to (5.47), without
        penalty, label smoothing or class weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Class labels, or probability rows with a column for every class in the order of
            `classes_`, called so where a data frame names them.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        float
            >= 0.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `score`, and for a y with an unknown label.

        Examples
        --------
        >>> model = SoftmaxRegression(max_iter=0).fit([[0.0], [1.0]], ["a", "b"])
        >>> model.loss([[0.0], [5.0]], ["a", "b"])  # ŷ is 1/2 everywhere: ln 2 nats
        0.6931471805599453
        """
        fitted = self._fitted()
        problem = self._given_problem(X, y, sample_weight, fitted)
        return mean_loss(problem, parameters_of(fitted))

    def gradient(
        self, X: ArrayLike | SparseMatrix, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the gradient of `loss` at the learned parameters, equation (5.48).

        ∂L/∂W = (1 / Σ w_i) Σ_i w_i (ŷ_i - y_i) x_iᵀ and ∂L/∂b the same without x_i.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Class labels, or probability rows with a column for every class in the order of
            `classes_`, called so where a data frame names them.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        d_coef : ndarray of shape (n_classes, n_features)
            float64.
        d_intercept : ndarray of shape (n_classes,)
            float64; also where `fit_intercept` is False.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `loss`.

        Examples
        --------
        >>> model = SoftmaxRegression(max_iter=0).fit([[0.0], [1.0]], ["a", "b"])
        >>> d_coef, d_intercept = model.gradient([[4.0]], ["a"])  # ŷ - y is (-1/2, 1/2)
        >>> d_coef
        array([[-2.],
               [ 2.]])
        >>> d_intercept
        array([-0.5,  0.5])
        """
        fitted = self._fitted()
        problem = self._given_problem(X, y, sample_weight, fitted)
        d_coef, d_intercept = mean_gradient(problem, parameters_of(fitted))
        return d_coef, d_intercept

    # How good it is on rows it has not seen

    def leave_one_out(
        self,
        X: ArrayLike | SparseMatrix,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        exact: int = 0,
        random_state: RandomState = None,
    ) -> LeaveOneOut:
        """Return the loss of every row of the fit for a fit without that row, without refits.

        From the minimum of F one Newton step on F without the row, in closed form: one Hessian and
        its inverse serve all rows. Row i leaves with its whole weight, and `l1` and `l2` stay. With
        ``l1 > 0`` weights that are zero stay zero. It is good where a row does not decide alone: to
        a few 1e-5 nats of the exact loss for penalties worth choosing; on separable data and with
        far too small a penalty it may be half the exact loss. `exact` measures that.

        Time is about that of two or three Hessians, n (K - 1)² D² / 4 multiplications, and of
        inverting one, (K - 1)³ D³, with D = d + 1, or n where X has at least twice as many columns
        as rows; memory 8 (K - 1)² D² bytes a few times.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows of the fit.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Their targets.
        sample_weight : array-like of shape (n_samples,), optional
            Their weights.
        groups : array-like of shape (n_samples,), optional
            Rows of the same group leave together: those of one writer, patient or day, of which new
            rows will not be. It takes the inverse of a Hessian for each group.
        exact : int, default=0
            How many rows, or groups, drawn at random, are left out by a refit. The loss gets the
            mean difference, which makes it unbiased for the exact one, and `correction_error` is
            the standard error of that: too small where a few rows make most of it and are not drawn.
        random_state : int, Generator, RandomState, SeedSequence or None, default=None
            Draws the rows for `exact`.

        Returns
        -------
        LeaveOneOut
            Frozen: `loss`, `standard_error`, `training_loss`, and of every row `losses`,
            `probabilities` and `leverage`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            An argument of the wrong kind.
        ValueError
            An illegal value, other rows than those of the fit, or a fit far from its minimum; a
            class that is in one row or group only; F without some row has no minimum; or more than
            4,000 free parameters.

        References
        ----------
        Rad and Maleki (2020), Journal of the Royal Statistical Society B 82(4), 965-996.

        Examples
        --------
        >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], ["a", "a", "b", "a", "b", "b"]
        >>> model = SoftmaxRegression(l2=0.1).fit(X, y)
        >>> held_out = model.leave_one_out(X, y)
        >>> print(f"{held_out.loss:.3f} nats held out, {model.loss(X, y):.3f} in training")
        0.743 nats held out, 0.418 in training
        >>> held_out.probabilities[:2].round(2)
        array([[0.89, 0.11],
               [0.72, 0.28]])
        """
        from ._selection import Model, leave_one_out

        fitted = self._fitted()
        model = Model(settings_of(self, fitted), fitted["classes_"], parameters_of(fitted))
        features = self._checked(X, fitted)
        return leave_one_out(
            model, features, y, sample_weight, groups, exact=exact, random_state=random_state
        )

    # How to read it

    def coefficients(self, reference: Any = None, *, top: int | None = None) -> Table:
        """Return the learned weights with their names, of any fit.

        Single weights of a softmax mean little: only differences between classes do, which
        `reference` gives.

        Parameters
        ----------
        reference : label, optional
            The class whose weights are taken from those of the others: the rows are log-odds
            against it.
        top : int, optional
            Only so many features of each class, the largest first, without the intercept.

        Returns
        -------
        Table
            Prints in 88 columns. `.columns` is a dict of equal arrays: class (with a `reference`:
            of, against), feature (x0, x1, … where X had no names), estimate, and odds_ratio, which
            is exp(estimate), NaN for intercepts.

        Raises
        ------
        NotFittedError
            Before `fit`.
        KeyError
            No class of this label.
        TypeError, ValueError
            `top` is no number >= 1.

        Examples
        --------
        >>> model = SoftmaxRegression(l2=0.1).fit([[0.0], [1.0], [2.0], [3.0]], ["a", "b", "a", "b"])
        >>> model.coefficients(reference="a")
        log-odds           weight  odds ratio
        -------------------------------------
        b : a
          x0               0.7436       2.103
          (intercept)      -1.115
        """
        from ._inference import coefficient_table, names_of

        fitted = self._fitted()
        names = names_of(fitted)
        k = None if reference is None else names.find_class(reference, "reference")
        parameters = parameters_of(fitted)
        intercept = bool(self.fit_intercept or parameters.intercept.any())
        return coefficient_table(parameters, names, intercept=intercept, reference=k, top=top)

    def inference(
        self,
        X: ArrayLike | SparseMatrix,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        weights: str | None = None,
        covariance: str | None = None,
        groups: ArrayLike | None = None,
    ) -> Inference:
        """Return standard errors, tests, effects and intervals from the rows of the fit.

        With ``l2=0`` of maximum likelihood; with ``l2 > 0`` those of the Gaussian approximation of
        the posterior, W_kj ~ N(0, 1 / (n l2_j)) a priori, flat where an l2_j is 0. The fit must
        stand within half a standard error of the optimum on these rows, from where Newton's method
        goes on to the last digit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows of the fit.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Their targets. Probability rows with frequency weights are counts.
        sample_weight : array-like of shape (n_samples,), optional
            Their weights, whose meaning `weights` must say.
        weights : {"frequency", "sampling"}, optional
            "frequency": row i stands for `sample_weight[i]` equal rows. "sampling": survey or
            importance weights, of which only ratios matter.
        covariance : {"observed", "robust", "cluster"}, optional
            "observed": the inverse information, the default without sampling weights. "robust":
            I⁻¹ (Σ s sᵀ) I⁻¹ n / (n - 1) of the rows' scores s, the default with them. "cluster":
            the same of scores summed by cluster, times G / (G - 1).
        groups : array-like of shape (n_samples,), optional
            The cluster of each row, for ``covariance="cluster"``.

        Returns
        -------
        Inference
            Frozen: `summary`, `contrast`, `covariance`, `test`, `marginal_effect`,
            `average_difference`, `predict_interval`, and seven figures.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            An argument of the wrong kind.
        ValueError
            An illegal value, a setting or combination under which errors would mean nothing,
            other rows than those of the fit, collinear columns, or more than 5,000 free
            parameters.
        SeparationError
            No maximum likelihood estimate exists.

        Warns
        -----
        UserWarning
            The penalty moved a log-odds by more than half a standard error.

        References
        ----------
        Agresti (2013), Categorical Data Analysis, 3rd ed., section 8.1; White (1982), Econometrica
        50(1), 1-25.

        Examples
        --------
        >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], ["a", "a", "b", "a", "b", "b"]
        >>> inference = SoftmaxRegression(l2=0).fit(X, y).inference(X, y)
        >>> inference.contrast("b", "a").columns["estimate"].round(3)
        array([ 1.214, -3.035])
        """
        from ._inference import Model, Question, infer, names_of

        fitted = self._fitted()
        fitted = self._fitted()
        settings, names = settings_of(self, fitted), names_of(fitted)
        model = Model(settings, names, fitted.get("feature_names_in_"), parameters_of(fitted))
        features = self._checked(X, fitted)
        return infer(model, features, y, sample_weight, Question(weights, covariance, groups))

    def explain(
        self,
        x: ArrayLike | SparseMatrix,
        of: Any = None,
        against: Any = None,
        baseline: ArrayLike | None = None,
    ) -> Explanation:
        """Return why a row has the class it is predicted: its log-odds as a sum over features.

        log p_a / p_b = (b_a - b_b + Σ_j m_j Δ_j) + Σ_j (x_j - m_j) Δ_j with Δ_j = W_aj - W_bj, which
        is exact. With the mean of the rows as `baseline` m the terms are linear SHAP values.

        Parameters
        ----------
        x : array-like of shape (n_features,) or (n_samples, n_features)
            One row, or several.
        of : label, optional
            Class a; the predicted one where there is none.
        against : label, optional
            Class b; the most probable other one where there is none.
        baseline : array-like of shape (n_features,), optional
            The row m from which features are counted; zeros where there is none.

        Returns
        -------
        Explanation
            A table, the largest terms first: prints with bars. `.columns`: feature, value,
            contribution; `.of`, `.against`, `.baseline` (the first bracket) and `.log_odds`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        KeyError
            No class of this label.
        TypeError, ValueError
            As `predict`; `of` is `against`; or a baseline of another length.

        Examples
        --------
        >>> model = SoftmaxRegression(l2=0.1).fit([[0.0], [1.0], [2.0], [3.0]], ["a", "b", "a", "b"])
        >>> explained = model.explain([3.0])
        >>> print(explained.of, "against", explained.against)
        b against a
        >>> explained.columns["contribution"].round(3), round(explained.baseline, 3)
        (array([2.231]), -1.115)
        """
        from ._inference import explanation, names_of
        from ._inference.explanation import baseline_row, rows_of

        fitted = self._fitted()
        names = names_of(fitted)
        a = None if of is None else names.find_class(of, "of")
        b = None if against is None else names.find_class(against, "against")
        names.refuse_equal(a, b)
        rows = self._checked(rows_of(x), fitted)
        m = None if baseline is None else baseline_row(baseline, rows.shape[1])
        return explanation(rows, parameters_of(fitted), names, of=a, against=b, baseline=m)

    # The estimator's own parameters

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the constructor's arguments as a dict; a subclass has its own constructor's.

        Parameters
        ----------
        deep : bool, default=True
            Part of the protocol; there are no nested estimators.

        Returns
        -------
        dict
            Name to value, unchecked.
        """
        return {name: getattr(self, name) for name in _defaults(type(self))}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments; they are checked by the next `fit`.

        Parameters
        ----------
        **params
            Name and new value.

        Returns
        -------
        SoftmaxRegression
            The estimator itself.

        Raises
        ------
        ValueError
            A name the constructor does not have; nothing is changed then.
        """
        valid = list(_defaults(type(self)))
        for name, value in params.items():
            if name not in valid:
                raise ValueError(unknown_parameter(self, name, value, valid))
        for name, value in params.items():
            setattr(self, name, value)
        return self

    # On disk and on screen

    def save(self, path: str | PathLike[str], *, slim: bool = False) -> None:
        """Write the fitted model to a file, from which `load` reads it back exactly.

        The file is a NumPy ``.npz`` archive with a JSON header and without pickled objects. A file
        already there is replaced at once, with its mode kept, or stays as it was. Attributes that
        are not the model's own are left out.

        NumPy alone reads it too. The archive holds `coef_`, `intercept_`, the curves and the state
        that a later fit goes on from as arrays, and ``header``, the bytes of a JSON object with

        - "parameters", the constructor's arguments, and "feature_names", a list or null; an `l2` for
          each column is the array ``l2`` of the archive;
        - "labels", {"kind", "values"} with the classes where these are text; otherwise they are the
          array `classes_`, and "kind" is "array";
        - "n_iter", "converged" and "optimality_gap" (null for infinity), what the fit reported;
        - "arrays", the dtype and shape of every array, and "format", "version" and "library".

        Parameters
        ----------
        path : str or path-like
            Where to write; no ending is added.
        slim : bool, default=False
            Whether to leave out what only a later fit needs: velocity, random state and the state
            of the stream. The loaded model predicts the same; its `partial_fit` and `warm_start`
            begin at its parameters, as if these had been set by hand.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            A callable or generator among the parameters, or labels of a kind the file cannot
            hold; ``pickle`` can. Or no path.
        ValueError
            Illegal parameters, or labels and feature names of more than 16 MiB.
        OSError
            The file cannot be written.

        Examples
        --------
        >>> import json, tempfile, pathlib
        >>> model = SoftmaxRegression(tol=0.1).fit([[0.0], [1.0], [2.0]], ["a", "b", "c"])
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name) / "model.npz"
        >>> model.save(path)
        >>> SoftmaxRegression.load(path).predict([[2.0]])
        array(['c'], dtype='<U1')

        With NumPy alone:

        >>> import numpy as np
        >>> with np.load(path) as file:
        ...     header = json.loads(file["header"].tobytes())
        ...     logits = np.array([[2.0]]) @ file["coef_"].T + file["intercept_"]
        >>> header["labels"]["values"][logits.argmax()]
        'c'
        >>> folder.cleanup()
        """
        from ._persistence import save_model

        save_model(self, path, slim=slim)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Return the model that `save` wrote; `partial_fit` and `warm_start` go on where it was.

        From a slim file they begin at its parameters, as from parameters set by hand.

        Safe for files from strangers: nothing in the file is run, and no more memory is taken
        than its size accounts for.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        SoftmaxRegression
            A new, fitted estimator. Where the parameters held NumPy scalars, it has Python's; an
            `l2` for each column is an array.

        Raises
        ------
        ModelFileError
            Not a model file, a damaged one, or one of a newer format.
        OSError
            The file cannot be opened.
        """
        from ._persistence import load_model

        return load_model(cls, path)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, with the library's version, for pickle and copy."""
        from ._persistence import pickled_state

        return pickled_state(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes over; warn where another major or minor version has written them."""
        from ._persistence import restore_pickled_state

        restore_pickled_state(self, state)

    def __repr__(self) -> str:
        """Return the constructor call with the arguments that differ from their defaults."""
        return model_text(self, _defaults(type(self)))

    def _repr_html_(self) -> str:
        """Return what notebooks show."""
        return model_html(self, _defaults(type(self)))


def _chooser(judged: Judged, groups: Any) -> Any:
    from ._selection import chooser

    return chooser(judged, groups)


def _defaults(estimator: type[SoftmaxRegression]) -> dict[str, Any]:
    """Return the constructor's arguments and their defaults; a subclass may have its own."""
    _, *arguments = signature(estimator.__init__).parameters.values()
    return {
        each.name: each.default
        for each in arguments
        if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    }
