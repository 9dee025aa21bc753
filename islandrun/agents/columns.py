"""The types of columns: one entry for each island of a fleet, or for each model that they offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

Figures = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Column = TypeVar("Column", bound=npt.NDArray[Any])

FIGURE_MAX: Final = 1 << 62
"""No single figure of a column is larger; a sum of two does not wrap round."""


def figures(values: Sequence[int], at_most: int = FIGURE_MAX) -> Figures:
    """Make a column that can only be read, with every value cut at `at_most`."""
    return sealed(np.array([min(value, at_most) for value in values], dtype=np.int64))


def marked(size: int, places: Sequence[int] | Figures) -> Mask:
    """Make a mask of this size that is true at these places."""
    mask = np.zeros(size, dtype=np.bool_)
    mask[np.asarray(places, dtype=np.intp)] = True
    return mask


def sealed(column: Column) -> Column:
    """Return the column, which can only be read from now on."""
    column.flags.writeable = False
    return column
