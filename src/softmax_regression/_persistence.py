"""Models on disk: one .npz file of plain arrays and a JSON header; reading it runs nothing.

The file is a zip archive of uncompressed .npy members, which ``numpy.load`` reads too:

    header               uint8, the JSON text: everything that is not an array of numbers, and the
                         dtype and shape of every array
    coef_, intercept_    what was learned
    classes_             the labels, where they are not strings; strings stand in the header
    l2, l2_              the penalties of the columns, where these have one each, asked for and used
    loss_curve_, validation_curve_
    _velocity            the last step, from which momentum goes on
    _stream.*            where a `partial_fit` without a learning rate goes on from

A slim file has neither _velocity nor _stream, and null for the generator in its header; that of a
model set by hand has no curves either, and null for n_iter.

The same model gives the same bytes. Reading trusts nothing: sizes are compared with the size of
the file before anything is read, and every array with what the header says of it.
"""

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ._archive import Members, pack, replace
from ._arrays import shown
from ._exceptions import InconsistentVersionWarning, ModelFileError, sibling
from ._fitted import learned_attributes
from ._input.hyperparameters import Draws, check_hyperparameters
from ._optimum import AveragedDescent, RowMetric
from ._selection import Selection
from ._version import __version__
from ._warn import warn

Model = TypeVar("Model")
Header: TypeAlias = dict[str, Any]
Arrays: TypeAlias = dict[str, NDArray[Any]]

FORMAT = "softmax_regression"
VERSION = 3  # to be raised by any change after which an older library would misread a file
BEFORE_L2 = 2  # of files that a library without an l2 for each column reads too

# A header of a file someone else wrote must not fill the memory, nor may labels padded by NumPy.
HEADER_BYTES = 1 << 24
LABEL_BYTES = 1 << 24

PARAMETERS = ("coef_", "intercept_")
CURVES = ("loss_curve_", "validation_curve_")
STREAM_ARRAYS = ("parameters", "average", "penalty")
STREAM_NUMBERS = ("rows", "behind")
METRIC_ARRAYS = ("mean", "variance", "covariance", "inverse")
METRIC_NUMBERS = ("rows", "seen", "curvature", "covariance_rows", "waiting")
# What format 1 kept of the metric, which was about no mean.
FORMER_ARRAYS = ("moment", "metric")
OPTIONAL_ARRAYS = {
    "classes_",
    "l2",
    "l2_",
    *(f"_stream.{name}" for name in (*STREAM_ARRAYS, *FORMER_ARRAYS)),
    *(f"_stream.metric.{name}" for name in METRIC_ARRAYS),
}
LABEL_DTYPE = re.compile(r"\|b1|[|<>][iu][1248]|[<>]f[248]|\|S\d{1,9}|[<>][mM]8(\[\d*[a-zA-Z]+\])?")
STRING_DTYPE = re.compile(r"[<>]U\d{1,7}")


def save_model(model: Any, path: str | os.PathLike[str], *, slim: bool = False) -> None:
    """Write a fitted model to `path`; a file already there is replaced at once or not at all."""
    replace(_as_path(path).resolve(), _to_bytes(model, slim))


def load_model(estimator: type[Model], path: str | os.PathLike[str]) -> Model:
    """Return the model that `save_model` wrote to `path`, as an instance of `estimator`."""
    path = _as_path(path)
    with path.open("rb") as file:
        try:
            members = Members(file)
            header = _read_header(members)
            if header["version"] <= VERSION:
                return _restore(estimator, header, _read_arrays(members, header))
        except MemoryError:
            raise
        except Exception as error:
            # Damage shows as whatever the parsers of zip, JSON and NumPy stumble over.
            message = f"not a softmax_regression model file or damaged: {path}"
            raise ModelFileError(message) from error
    message = (
        f"{path} has format version {header['version']}, written by softmax_regression "
        f"{header.get('library')!s:.40}; this is {__version__}, which reads up to version "
        f"{VERSION}. Install a newer softmax_regression"
    )
    raise ModelFileError(message)


def _as_path(path: Any) -> Path:
    if isinstance(path, (str, os.PathLike)):
        return Path(path)
    message = f"path must be text or a pathlib.Path, got {shown(path)}; give the name of a file"
    raise TypeError(message)


def pickled_state(model: Any) -> dict[str, Any]:
    """Return the model's attributes and the library's version."""
    return {**vars(model), "_version": __version__}


def restore_pickled_state(model: Any, state: Mapping[str, Any]) -> None:
    """Give `model` the attributes, and warn where another version has written them."""
    attributes = dict(state)
    version = str(attributes.pop("_version", "unknown"))
    if "_generator" in attributes:
        attributes["_draws"] = Draws(attributes.pop("_generator"))
    stream = attributes.get("_stream")
    if stream is not None and not isinstance(stream.metric, RowMetric):
        attributes["_stream"] = _former(vars(stream), vars(stream), attributes["n_features_in_"])
    vars(model).update(attributes)
    if version.split(".")[:2] != __version__.split(".")[:2]:
        warn(sibling(InconsistentVersionWarning)(type(model).__name__, __version__, version))


# From a model to a header and arrays, and back


def _to_bytes(model: Any, slim: bool = False) -> bytes:
    header, arrays = _describe(model, slim)
    text = json.dumps(header, sort_keys=True, allow_nan=False).encode("ascii")
    if len(text) > HEADER_BYTES:
        message = (
            f"the labels and feature names take {len(text)} bytes, a model file holds "
            f"{HEADER_BYTES}; use pickle"
        )
        raise ValueError(message)
    return pack({"header": np.frombuffer(text, np.uint8)} | arrays)


def _describe(model: Any, slim: bool) -> tuple[Header, Arrays]:
    fitted = learned_attributes(model)
    by_fit, resumable = "n_iter_" in fitted, "_draws" in fitted and not slim
    parameters, penalty = model.get_params(), _penalties(model, fitted)
    parameters |= {"l2": None} if "l2" in penalty else {}
    header = {
        "format": FORMAT,
        "version": VERSION if penalty else BEFORE_L2,
        "library": __version__,
        "parameters": {name: _plain(name, value) for name, value in parameters.items()},
        "feature_names": list(map(str, fitted.get("feature_names_in_", ()))) or None,
        "n_iter": int(fitted["n_iter_"]) if by_fit else None,
        "l2": None if "l2_" in penalty else fitted.get("l2_"),
        "selection": fitted["selection_"].to_dict() if "selection_" in fitted else None,
        "converged": bool(fitted["converged_"]) if by_fit else None,
        "stop_reason": fitted.get("stop_reason_"),
        "optimality_gap": _finite_or_none(fitted["optimality_gap_"]) if by_fit else None,
        "epoch": int(fitted.get("_epoch", 0)),
        "generator": _generator_state(fitted["_draws"].generator) if resumable else None,
    }
    header["labels"], labels = _describe_labels(fitted["classes_"])
    header["stream"], stream = _describe_stream(fitted["_stream"] if resumable else None)
    floats = {name: np.asarray(fitted[name]) for name in _float_arrays(header)}
    floats |= stream | penalty
    little = {name: array.astype(array.dtype.newbyteorder("<")) for name, array in floats.items()}
    arrays = little | labels
    header["arrays"] = {name: [a.dtype.str, list(a.shape)] for name, a in arrays.items()}
    _check_learned(header, arrays, fitted["classes_"])
    return header, arrays


def _penalties(model: Any, fitted: dict[str, Any]) -> Arrays:
    """Return the penalties that are arrays: that asked for, and that of the fit."""
    settings = check_hyperparameters(model)
    asked = settings.l2 if "l2" in model.get_params() else None
    penalties = {"l2": asked, "l2_": fitted.get("l2_")}
    return {name: each for name, each in penalties.items() if isinstance(each, np.ndarray)}


def _float_arrays(header: Header) -> tuple[str, ...]:
    """Return the arrays of every file of that kind: by a fit or by hand, whole or slim."""
    curves = () if header["n_iter"] is None else CURVES
    return (*PARAMETERS, *curves, *(() if header["generator"] is None else ("_velocity",)))


def _restore(estimator: type[Model], header: Header, arrays: Arrays) -> Model:
    classes = _restore_labels(header["labels"], arrays)
    _check_learned(header, arrays, classes)
    parameters = {name: _from_plain(value) for name, value in header["parameters"].items()}
    if "l2" in arrays:
        parameters["l2"] = _native(arrays["l2"])
    model: Any = estimator(**parameters)
    check_hyperparameters(model)
    fitted = {
        "classes_": classes,
        "n_features_in_": arrays["coef_"].shape[1],
        **({} if header["n_iter"] is None else _restore_report(header)),
        **({} if header["generator"] is None else _restore_state(header, arrays)),
    }
    fitted |= {name: _native(arrays[name]) for name in _float_arrays(header)}
    if header.get("stop_reason") is not None:  # the first files of format 1 do not have it
        fitted["stop_reason_"] = _typed(str, header["stop_reason"])
    fitted |= _restore_penalty(header, parameters, arrays)
    if header["feature_names"] is not None:
        fitted["feature_names_in_"] = np.array(header["feature_names"], dtype=object)
    vars(model).update(fitted)
    return model  # type: ignore[no-any-return]


def _restore_report(header: Header) -> dict[str, Any]:
    """Return what the fit said of itself."""
    gap = header["optimality_gap"]
    return {
        "n_iter_": _typed(int, header["n_iter"]),
        "converged_": _typed(bool, header["converged"]),
        "optimality_gap_": math.inf if gap is None else _typed(float, gap),
        "_epoch": _typed(int, header["epoch"]),
    }


def _restore_penalty(
    header: Header, parameters: Mapping[str, Any], arrays: Arrays
) -> dict[str, Any]:
    """Return the l2 of the fit and how it was chosen; the first files have the parameter alone."""
    if header["n_iter"] is None:
        return {}
    found: dict[str, Any] = {}
    if "l2_" in arrays:
        found["l2_"] = _native(arrays["l2_"])
        if found["l2_"].shape != arrays["coef_"].shape[1:] or not (found["l2_"] >= 0.0).all():
            message = f"l2_ of shape {found['l2_'].shape} does not fit"
            raise ValueError(message)
    else:
        found["l2_"] = _typed(float, float(header.get("l2", parameters.get("l2", 0.0))))
    selection = header.get("selection")
    if selection is not None:
        found["selection_"] = Selection.from_dict(selection)
    return found


def _restore_state(header: Header, arrays: Arrays) -> dict[str, Any]:
    """Return what another fit goes on from; a slim file has none."""
    return {
        "_draws": Draws(_restore_generator(header["generator"])),
        "_stream": _restore_stream(header, arrays),
    }


def _check_learned(header: Header, arrays: Arrays, classes: NDArray[Any]) -> None:
    """Raise ValueError where shapes, dtypes, names or values do not fit together."""
    n_classes, n_features = arrays["coef_"].shape
    shapes = {
        "coef_": (n_classes, n_features),
        "intercept_": (n_classes,),
        "_velocity": (n_classes * (n_features + 1),),
    }
    for name in _float_arrays(header):
        array = arrays[name]
        curve = name.endswith("curve_")
        if array.dtype.str not in (("<f8",) if curve else ("<f4", "<f8")):
            message = f"{name} must be float32 or float64, got {array.dtype}"
            raise ValueError(message)
        if array.shape != shapes.get(name, (array.size,)):
            message = f"{name} of shape {array.shape} does not fit coef_ of shape {shapes['coef_']}"
            raise ValueError(message)
        if name in PARAMETERS and not np.isfinite(array).all():
            message = f"{name} must be finite"
            raise ValueError(message)
    different = len(set(classes[classes == classes].tolist()))  # noqa: PLR0124 - NaN is no label
    if classes.shape != (n_classes,) or different < max(n_classes, 2):
        message = f"classes_ must hold {n_classes} distinct labels, at least 2"
        raise ValueError(message)
    names = header["feature_names"]
    if names is not None and not (_are_strings(names) and len(names) == n_features):
        message = f"feature_names_in_ must hold {n_features} strings"
        raise ValueError(message)


def _plain(name: str, value: Any) -> Any:
    """Return a hyper-parameter as JSON has it, a dict as its keys and its values."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        keys = [_plain(f"a key of {name}", key) for key in value]
        return {"keys": keys, "values": [_plain(name, item) for item in value.values()]}
    message = (
        f"{name} is a {type(value).__name__}, but a model file holds plain values only; change it "
        "with set_params before saving, or use pickle"
    )
    raise TypeError(message)


def _from_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return dict(zip(value["keys"], value["values"], strict=True))
    return value


def _describe_labels(classes: NDArray[Any]) -> tuple[Header, Arrays]:
    """Return what the header says of the labels, and those it does not hold, as an array."""
    dtype = classes.dtype
    if STRING_DTYPE.fullmatch(dtype.str):
        if classes.nbytes > LABEL_BYTES:
            message = f"labels of dtype {dtype} take {classes.nbytes} bytes; use y.astype(object)"
            raise ValueError(message)
        return {"kind": dtype.str, "values": classes.tolist()}, {}
    if dtype == np.dtypes.StringDType():
        return {"kind": "StringDType", "values": classes.tolist()}, {}
    if dtype == object and {type(label) for label in classes} <= {str, np.str_}:
        return {"kind": "object", "values": [str(label) for label in classes]}, {}
    if LABEL_DTYPE.fullmatch(dtype.str):
        return {"kind": "array"}, {"classes_": classes}
    kinds = sorted({type(label).__name__ for label in classes})
    message = (
        f"a model file holds labels that are all strings, numbers, booleans, bytes or dates, got "
        f"{dtype} labels of type {', '.join(kinds)}; use pickle"
    )
    raise TypeError(message)


def _restore_labels(labels: Header, arrays: Arrays) -> NDArray[Any]:
    kind = labels["kind"]
    if kind == "array":
        return arrays["classes_"].copy()
    values = labels["values"]
    if not _are_strings(values):
        message = "labels must be strings"
        raise ValueError(message)
    if kind == "object":
        return np.array(values, dtype=object)
    if kind == "StringDType":
        return np.array(values, dtype=np.dtypes.StringDType())
    if not STRING_DTYPE.fullmatch(kind) or len(values) * np.dtype(kind).itemsize > LABEL_BYTES:
        message = f"labels cannot be of dtype {kind}"
        raise ValueError(message)
    classes = np.array(values, dtype=kind)
    if classes.tolist() != values:
        message = f"labels do not fit in dtype {kind}"
        raise ValueError(message)
    return classes


def _describe_stream(stream: AveragedDescent | None) -> tuple[Header | None, Arrays]:
    if stream is None:
        return None, {}
    numbers = {name: float(getattr(stream, name)) for name in STREAM_NUMBERS}
    numbers |= {f"metric.{name}": float(getattr(stream.metric, name)) for name in METRIC_NUMBERS}
    arrays = {f"_stream.{name}": getattr(stream, name) for name in STREAM_ARRAYS}
    arrays |= {f"_stream.metric.{name}": getattr(stream.metric, name) for name in METRIC_ARRAYS}
    return numbers, {name: array for name, array in arrays.items() if array is not None}


def _restore_stream(header: Header, arrays: Arrays) -> AveragedDescent | None:
    if header["stream"] is None:
        return None
    found = {
        name.removeprefix("_stream."): _native(array)
        for name, array in arrays.items()
        if name.startswith("_stream.")
    }
    _check_stream(found, arrays["coef_"].shape)
    if header["version"] == 1:
        return _former(found, header["stream"], arrays["coef_"].shape[1])
    numbers = {name: _typed(float, number) for name, number in header["stream"].items()}
    metric = RowMetric(found["metric.mean"], found["metric.variance"])
    metric.covariance, metric.inverse = found.get("metric.covariance"), found["metric.inverse"]
    vars(metric).update({name: numbers[f"metric.{name}"] for name in METRIC_NUMBERS})
    stream = AveragedDescent(found["parameters"], found["penalty"], metric)
    stream.average = found["average"]
    vars(stream).update({name: numbers[name] for name in STREAM_NUMBERS})
    return stream


def _check_stream(found: Arrays, shape: tuple[int, ...]) -> None:
    """Raise ValueError where an array of the stream does not fit coef_."""
    (n_classes, n_features), n_columns = shape, found["penalty"].size
    legal: dict[str, list[tuple[int, ...]]] = {
        "parameters": [(n_classes, n_columns)],
        "average": [(n_classes, n_columns)],
        "penalty": [(n_features,), (n_features + 1,)],
        "metric.mean": [(n_features,)],
        "metric.variance": [(n_features,)],
        "metric.covariance": [(n_features, n_features)],
        "metric.inverse": [(0,), (n_features,), (n_features, n_features)],
    }
    for name, array in found.items():
        shapes = legal.get(name, [(n_columns,), (n_columns, n_columns)])
        if array.shape not in shapes or array.dtype.char not in "fd":
            message = f"the stream's {name} of shape {array.shape} does not fit"
            raise ValueError(message)


def _former(
    arrays: Mapping[str, Any], numbers: Mapping[str, Any], n_features: int
) -> AveragedDescent:
    """Return a stream of format 1 where it stood, with a metric that begins anew."""
    metric = RowMetric(np.zeros(n_features), np.zeros(n_features))
    stream = AveragedDescent(arrays["parameters"], arrays["penalty"], metric)
    stream.average = arrays["average"]
    stream.rows = float(max(_typed(int, numbers["rows"]), _typed(int, numbers["steps"])))
    return stream


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy in this machine's byte order, free to be written to."""
    return array.astype(array.dtype.newbyteorder("="))


def _are_strings(values: Any) -> bool:
    return type(values) is list and {type(value) for value in values} == {str}


def _generator_state(generator: "np.random.Generator") -> Header:
    state = generator.bit_generator.state
    if state["bit_generator"] != "PCG64":
        message = (
            f"the fit used random_state with a {state['bit_generator']} generator, a model file "
            "holds PCG64 only; use pickle"
        )
        raise TypeError(message)
    return dict(state)


def _restore_generator(state: Header) -> "np.random.Generator":
    bit_generator = np.random.PCG64(0)
    bit_generator.state = state  # type: ignore[assignment]  # a wrong one raises, or differs below
    if bit_generator.state != state:
        message = "no state of PCG64"
        raise ValueError(message)
    return np.random.Generator(bit_generator)


def _finite_or_none(value: float) -> float | None:
    # JSON has no infinity; it is the only other value of a gap.
    return float(value) if value < math.inf else None


def _typed(kind: type, value: Any) -> Any:
    """Return `value`, known to be of exactly that type and, if an int, not negative."""
    if type(value) is not kind or value < kind():
        message = f"{value!r} is no {kind.__name__}"
        raise ValueError(message)
    return value


# From a file to header and arrays


def _read_header(members: Members) -> Header:
    """Return the header, known to be one of ours with a version."""
    n_bytes = members.data_bytes("header")
    if n_bytes > HEADER_BYTES:
        message = f"a header of {n_bytes} bytes"
        raise ValueError(message)
    text = members.read("header", "|u1", (n_bytes,)).tobytes()
    header: Header = json.loads(text, parse_constant=_refuse_constant)
    if header["format"] != FORMAT or _typed(int, header["version"]) < 1:
        message = "another format"
        raise ValueError(message)
    return header


def _read_arrays(members: Members, header: Header) -> Arrays:
    """Return the arrays as the header describes them; sizes are checked before anything is read."""
    described = header["arrays"]
    files = {"header.npy", *(f"{name}.npy" for name in described)}
    needed = set(_float_arrays(header))
    if set(described) - OPTIONAL_ARRAYS != needed or members.names() != files:
        message = "members are missing, or there are too many"
        raise ValueError(message)
    for name, (dtype, shape) in described.items():
        if not LABEL_DTYPE.fullmatch(dtype) or {type(length) for length in shape} - {int}:
            message = f"{name} has dtype {dtype} and shape {shape}"
            raise ValueError(message)
        if members.data_bytes(name) != math.prod(shape) * np.dtype(dtype).itemsize:
            message = f"{name} has another size than its shape"
            raise ValueError(message)
    return {
        name: members.read(name, dtype, tuple(shape)) for name, (dtype, shape) in described.items()
    }


def _refuse_constant(text: str) -> None:
    message = f"{text} is no JSON"
    raise ValueError(message)
