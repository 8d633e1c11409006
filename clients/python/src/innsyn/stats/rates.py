"""Rates with exact intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..result import Result
from .tables import Hidden, counts, person_column


def rates(
    result: Result,
    events: str = "events",
    exposure: str | None = None,
    *,
    per: float = 1_000.0,
    hidden: Hidden = "refuse",
) -> pd.DataFrame:
    """Events per so much `exposure` in each row, with an exact Poisson interval of 95 %.

    The exposure is the column of persons, or another, such as person-time.

    Adds `rate`, `lower` and `upper` to the table's dimensions and the two counts.
    """
    from scipy.stats import chi2

    exposure = exposure or person_column(result)
    frame = counts(result, events, hidden)
    of_exposure = counts(result, exposure, hidden)[exposure]
    frame = frame.loc[frame.index.intersection(of_exposure.index)]
    frame[exposure] = of_exposure.loc[frame.index]
    number = frame[events]
    scale = per / frame[exposure].where(frame[exposure] > 0)
    frame["rate"] = number * scale
    # Of no event at all the lower end is 0, where the quantile is not defined.
    frame["lower"] = np.nan_to_num(chi2.ppf(0.025, 2 * number) / 2) * scale
    frame["upper"] = chi2.ppf(0.975, 2 * (number + 1)) / 2 * scale
    return frame[[*result.dimensions, events, exposure, "rate", "lower", "upper"]]
