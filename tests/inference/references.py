"""The reference files of tests/data/inference: designs, targets and weights as arrays."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FOLDER = Path(__file__).parents[1] / "data" / "inference"
NAMES = ("hsbdemo", "housing", "alligators", "nhanes_age")


class Reference(NamedTuple):
    expected: dict[str, Any]
    X: np.ndarray
    names: list[str]
    y: np.ndarray
    weight: np.ndarray | None
    clusters: np.ndarray | None

    @property
    def classes(self) -> list[str]:
        return self.expected["design"]["classes"]

    @property
    def weights(self) -> str | None:
        kind = self.expected["design"]["weights"]
        return None if kind == "none" else kind

    def array(self, *keys: str) -> np.ndarray:
        found: Any = self.expected
        for key in keys:
            found = found[key]
        return numbers(found)


def numbers(values: Any) -> np.ndarray:
    return np.array(values, dtype=str).astype(np.float64)


def reference(name: str) -> Reference:
    expected = json.loads((FOLDER / f"{name}.json").read_text())
    design = expected["design"]
    with (FOLDER / expected["data"]["file"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    X = np.array([[_entry(row, column) for column in design["columns"]] for row in rows])
    target, weight = design["target"], None
    if "counts" in target:
        counts = np.array([[float(row[each]) for each in target["counts"]] for row in rows])
        weight = counts.sum(axis=1)
        y = counts / weight[:, None]
    else:
        y = np.array([design["classes"].index(row[target["column"]]) for row in rows])
    if design["weight_column"]:
        weight = np.array([float(row[design["weight_column"]]) for row in rows])
    clusters = None
    if design["cluster_columns"]:
        clusters = np.array(
            ["-".join(row[each] for each in design["cluster_columns"]) for row in rows]
        )
    names = [column["name"] for column in design["columns"]]
    return Reference(expected, X, names, y, weight, clusters)


def _entry(row: dict[str, str], column: dict[str, str]) -> float:
    value = row[column["column"]]
    return float(value == column["level"]) if "level" in column else float(value)
