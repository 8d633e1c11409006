"""Fits models to released tables: what counts in cells are enough for.

Needs `pip install innsyn[stats]`. Counts are rounded before they are released, so that estimates
are as exact as the rounding lets them be; with cells of some hundred persons that is little.

A table with hidden cells is refused, because leaving them out is a choice that only the
researcher can make: ``hidden="drop"`` leaves them out with a warning, a number takes each for so
many, and ``hidden="bounds"``, where there is one, shows what they could do.
"""

from .histograms import quantiles
from .models import glm_from_table
from .rates import rates
from .survival import Survival, kaplan_meier, logrank
from .tables import Hidden, HiddenCellsWarning

__all__ = [
    "Hidden",
    "HiddenCellsWarning",
    "Survival",
    "glm_from_table",
    "kaplan_meier",
    "logrank",
    "quantiles",
    "rates",
]
