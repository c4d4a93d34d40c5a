"""What other libraries call the arguments: a name that is not ours is refused with what to write."""

from collections.abc import Callable, Mapping
from functools import cache, wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, Self, TypeVar

from .._arrays import shown
from .hyperparameters import Hyperparameters

P = ParamSpec("P")
T = TypeVar("T")

COUNT = "with n = Σ w_i, the number of rows where none is weighted"

# Our name, and what others call the same thing.
RENAMED = {
    "learning_rate": "lr eta eta0 learning_rate_init step_size stepsize initial_lr",
    "max_iter": "epochs n_epochs max_epochs num_epochs nb_epoch n_iter num_iter num_iters niter "
    "maxit max_iterations iterations num_iterations num_boost_round",
    "batch_size": "batch batches minibatch_size mini_batch_size",
    "tol": "tolerance ftol gtol xtol thresh min_delta",
    "fit_intercept": "intercept bias use_bias fit_bias add_intercept add_bias",
    "class_weight": "class_weights",
    "label_smoothing": "smoothing smooth",
    "validation_fraction": "validation_split val_split val_fraction validation_size",
    "n_iter_no_change": "patience early_stopping_rounds",
    "random_state": "seed random_seed rng",
    "warm_start": "warmstart",
    "verbose": "verbosity disp print_progress trace",
}

# What is another thing here, or the same one in other units.
CONVERTED = {
    "C": f"use l2 = 1 / (n C), for two classes l2 = 2 / (n C), {COUNT}; for penalty='l1' it is "
    "l1 = 1 / (n C)",
    "penalty regularizer kernel_regularizer": "the penalties are numbers: l2 > 0 for 'l2', l1 > 0 "
    "and l2=0 for 'l1', both > 0 for 'elasticnet', l2=0 for None",
    "alpha": "SGDClassifier's alpha is l2 = 2 alpha, for two classes; MLPClassifier's, without "
    "hidden layers and for more classes, is l2 = alpha / batch_size; glmnet's is l1 = lambda alpha "
    "and l2 = lambda (1 - alpha), for 'binomial' twice that l2",
    "l1_ratio": f"use l1 = l1_ratio / (n C) and l2 = (1 - l1_ratio) / (n C), for two classes twice "
    f"that l2, {COUNT}",
    "lambda lambda_ lambd lam reg regParam reg_param reg_lambda reg_alpha regularization "
    "elasticNetParam": "for glmnet l1 = lambda alpha and l2 = lambda (1 - alpha), for 'binomial' "
    "twice that l2; a strength beside a sum of losses is divided by the number of rows",
    "weight_decay": "torch.optim.SGD's weight_decay is l2; there it falls on the intercept too",
    "l2_penalty l2_reg l2_regularization": "l2 is the factor of ‖W‖² / 2 beside a mean loss",
    "penalty_factor penalty_factors": "give l2 one number for each column: l2 times its factor, "
    "after glmnet has divided the factors by their mean",
    "l1_penalty l1_reg l1_regularization": "l1 is the factor of ‖W‖₁ beside a mean loss",
    "solver optimizer optim method algorithm updater": "leave it out: learning_rate='auto' chooses "
    "its own steps, and a number as learning_rate is plain gradient descent",
    "loss criterion objective loss_fn activation": "leave it out: the loss is the cross-entropy of "
    "the softmax",
    "multi_class multiclass multinomial": "leave it out: all classes share one softmax, as with "
    "'multinomial'",
    "power_t decay decay_rate lr_decay lr_schedule scheduler lr_scheduler": "give learning_rate a "
    "callable that maps the number of finished epochs to the rate",
    "nesterov nesterovs_momentum": "leave it out: momentum is the classical one",
    "average": "leave it out: partial_fit with learning_rate='auto' averages its steps",
    "n_jobs n_threads num_threads nthread device": "leave it out: the threads are those of NumPy's "
    "BLAS, set by OPENBLAS_NUM_THREADS or its like",
    "dual": "leave it out: optimality_gap_ is the duality gap in any case",
    "intercept_scaling": "leave it out: the intercept is never penalised",
    "standardize standardise normalize": "leave it out: no column needs scaling, and the penalty "
    "falls on the columns as they are; for one on standardised columns l2=0.01 * X.var(axis=0)",
    "hidden_layer_sizes hidden_units hidden_layers dropout": "leave it out: there are no hidden "
    "layers",
    "n_classes num_classes num_class": "leave it out: fit finds the classes in y, and partial_fit "
    "is told them as classes",
    "callbacks": "use callback, which is one callable",
    "validation_data eval_set eval_data validation_set": "it goes to fit, as "
    "fit(X, y, validation_data=(X_val, y_val))",
    "sample_weight sample_weights weights weight": "it goes to fit, as fit(X, y, sample_weight=w)",
    "classes": "it goes to partial_fit; fit finds the classes in y",
}

OURS = {theirs: name for name, names in RENAMED.items() for theirs in names.split()}
ADVICE = {theirs: text for names, text in CONVERTED.items() for theirs in names.split()}


class KeywordArguments:
    """A base whose constructor refuses arguments it does not have with what to write instead."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Return the new object, before its ``__init__``, or raise TypeError.

        In a base, because a signature is read from whichever of ``__new__`` and ``__init__`` stands
        nearer.
        """
        known = _constructor_arguments(cls)  # type: ignore[arg-type]  # classes hash
        if known is not None:
            if args:
                message = (
                    f"{cls.__name__}() takes its arguments by name only, such as "
                    f"{cls.__name__}(l2=0.01), got {shown(args[0])} without one"
                )
                raise TypeError(message)
            refuse_unknown(f"{cls.__name__}()", kwargs, known)
        return super().__new__(cls)


@cache
def _constructor_arguments(cls: type) -> frozenset[str] | None:
    """Return the names the constructor takes, or None where it takes others or nameless ones."""
    _, *arguments = signature(cls.__init__).parameters.values()  # type: ignore[misc]
    if any(argument.kind is not Parameter.KEYWORD_ONLY for argument in arguments):
        return None
    return frozenset(argument.name for argument in arguments)


def explains_unknown(method: Callable[P, T]) -> Callable[P, T]:
    """Let a method refuse arguments it does not have with what to write; its signature stays."""
    known = frozenset(signature(method).parameters)

    @wraps(method)
    def explained(*args: P.args, **kwargs: P.kwargs) -> T:
        refuse_unknown(f"{method.__name__}()", kwargs, known)
        return method(*args, **kwargs)

    return explained


def refuse_unknown(call: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise TypeError at the first argument that the call does not know."""
    for name, value in given.items():
        if name not in known:
            advice = advice_on(name, value, known)
            message = f"{call} got an unexpected keyword argument {name!r}"
            raise TypeError(f"{message}: {advice}" if advice else message)


def unknown_parameter(model: object, name: str, value: object, valid: list[str]) -> str:
    """Return the message of set_params for a parameter that the model does not have."""
    advice = advice_on(name, value, frozenset(valid))
    message = f"Invalid parameter {name!r} for estimator {model}. Valid parameters are: {valid!r}."
    return f"{message} For {name!r}: {advice}." if advice else message


def advice_on(name: str, value: object, known: frozenset[str]) -> str:
    """Return what to write for an argument that a call with the known ones does not have, or ""."""
    meant = _meant(name, known)
    if meant in ADVICE and meant not in known:
        return ADVICE[meant]
    meant = OURS.get(meant, meant)
    method = "self" in known
    if not (meant in known or (method and meant)):
        return ""
    plain = isinstance(value, (bool, int, float, str))
    written = f"{meant}={shown(value)}" if plain else meant
    return f"use {written}" if meant in known else f"give {written} to the constructor"


def _meant(name: str, known: frozenset[str]) -> str:
    """Return the name itself if it is known here or elsewhere, else the nearest one, or ""."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is wrong

    names = {each.lower(): each for each in (*ADVICE, *OURS, *Hyperparameters._fields, *known)}
    if name in names.values():
        return name
    near = get_close_matches(name.lower(), names, n=1, cutoff=0.75)
    return names[near[0]] if near else ""
