"""Classes that columns part: the coefficients for which no maximum likelihood estimate exists.

The log-likelihood has a maximum unless it rises for ever along some direction δ (K, D), which is so
where c · δ >= 0 for the pairs (row i, class k not its own y), c = (e_y − e_k) ⊗ x_i, and > 0 for
some (Albert and Anderson, 1984, Biometrika 71(1)). `multipliers` proves from a fit that pairs are
not parted so; `faces` decides what is left; `search` puts them together; `result` names what is
infinite.
"""

from .result import Contrast, Separation
from .search import empty_classes, find_separation

__all__ = ["Contrast", "Separation", "empty_classes", "find_separation"]
