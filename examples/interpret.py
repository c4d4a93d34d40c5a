"""Read a fit end to end: who is satisfied with their housing, by how much, and how sure that is.

Section 5.9 of the book: often the weights are what a model is for. 1,681 residents of Copenhagen
said how satisfied they are; the table has 72 patterns of answers and how many residents gave each.
"""

import csv
from pathlib import Path

import numpy as np

from softmax_regression import SoftmaxRegression


class Table:
    """Numbers with names of their columns: as much of a data frame as the library looks at."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.columns = values, NAMES

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        """Return the numbers."""
        return np.array(self.values, dtype=dtype)


with (Path(__file__).parent / "data" / "housing.csv").open(newline="") as file:
    patterns = list(csv.DictReader(file))

# Each level but the first of a factor becomes a column of zeros and ones.
LEVELS = [
    ("Infl", "Medium"),
    ("Infl", "High"),
    ("Type", "Apartment"),
    ("Type", "Atrium"),
    ("Type", "Terrace"),
    ("Cont", "High"),
]
NAMES = [f"{factor}={level}" for factor, level in LEVELS]
X = np.array([[float(row[factor] == level) for factor, level in LEVELS] for row in patterns])
satisfaction = np.array([row["Sat"] for row in patterns])
residents = np.array([float(row["Freq"]) for row in patterns])

# Without a penalty the fit is the maximum likelihood estimate. A weight is a number of equal rows.
model = SoftmaxRegression(l2=0).fit(Table(X), satisfaction, residents)
inference = model.inference(Table(X), satisfaction, residents, weights="frequency")

print("1. The log-odds of each answer against a low satisfaction, with their errors\n")
print(inference.summary(reference="Low"))

print("\n2. Any other comparison, without another fit\n")
print(inference.contrast("High", "Medium"))

print("\n3. Does the type of housing matter at all? All its columns, over all answers\n")
print(inference.test([name for name in NAMES if name.startswith("Type")]))
print("\nAnd are a low and a medium satisfaction answers to the same question?\n")
print(inference.test(classes=("Low", "Medium")))

print("\n4. What a resident's influence does to the probabilities: from low to high\n")
before, after = X.copy(), X.copy()
before[:, [0, 1]] = 0.0, 0.0
after[:, [0, 1]] = 0.0, 1.0
print(inference.average_difference(Table(before), Table(after)))

print("\n5. A resident of an atrium house with high influence and high contact\n")
resident = Table(np.array([[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]))
print(inference.predict_interval(resident))

print("\n6. And why: log-odds against the average resident, term by term\n")
average = np.average(X, axis=0, weights=residents)
print(model.explain(resident, baseline=average))
