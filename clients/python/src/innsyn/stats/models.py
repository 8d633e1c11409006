"""Generalised linear models of categorical variables, from counts in cells.

With categorical variables only, the table is all that the likelihood needs: the fit over its
cells is the fit over the persons.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd

from ..errors import QueryError
from ..result import Result
from .tables import Hidden, HiddenCellsWarning, counts, need_dimensions, person_column

#: The name of a missing category as a level of its own.
MISSING = "(missing)"


def glm_from_table(
    result: Result,
    formula: str | None = None,
    *,
    response: str | None = None,
    success: str | Sequence[str] | None = None,
    by: Sequence[str] | None = None,
    family: Literal["binomial", "poisson"] = "binomial",
    weight: str | None = None,
    exposure: str | None = None,
    missing: Literal["drop", "level"] = "drop",
    hidden: Hidden = "refuse",
) -> Any:
    """Fits a model to the table's cells and gives the fitted model of statsmodels.

    *Binomial*: `response` is a dimension, `success` its category (or categories) that count as
    1; each cell stands for as many persons as `weight` has, by default the column of persons.
    *Poisson*: `response` is a count, and `exposure` another, such as persons, whose logarithm is
    the offset. Covariates are the dimensions `by`, by default all others, or those of a
    `formula` such as ``"stage ~ sex + diagnosed_year"``. The first category of each is the
    reference. Persons whose category is missing are left out, unless `missing` is ``"level"``.
    """
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    if formula is not None:
        left, tilde, right = formula.partition("~")
        if not tilde or response is not None or by is not None:
            raise QueryError("write `response ~ covariates`, or name `response` and `by` instead")
        response = left.strip()
    if response is None:
        raise QueryError("name the `response`, or write a `formula`")
    if family == "binomial":
        need_dimensions(result, [response])
        weight = weight or person_column(result)
        frame = counts(result, weight, hidden)
    elif family == "poisson":
        frame = counts(result, response, hidden)
        if exposure is not None:
            of_exposure = counts(result, exposure, hidden)[exposure]
            frame = frame.loc[frame.index.intersection(of_exposure.index)]
            frame[exposure] = of_exposure.loc[frame.index]
    else:
        raise QueryError("`family` is 'binomial' or 'poisson'")
    covariates = [name for name in result.dimensions if name != response] if by is None else by
    need_dimensions(result, covariates)
    right = formula.partition("~")[2] if formula else " + ".join(covariates) or "1"
    used = [name for name in result.dimensions if name == response or name in right]
    frame = _categorical(frame, used, missing, weight if family == "binomial" else response)
    if family == "binomial":
        frame["_response"] = _is_success(frame[response], success).astype(float)
        frame = frame[frame[weight] > 0]
        return smf.glm(
            f"_response ~ {right}",
            frame,
            family=sm.families.Binomial(),
            freq_weights=frame[weight].to_numpy(),
        ).fit()
    options: dict[str, Any] = {}
    if exposure is not None:
        frame = frame[frame[exposure] > 0]
        options["exposure"] = frame[exposure].to_numpy()
    return smf.glm(f"{response} ~ {right}", frame, family=sm.families.Poisson(), **options).fit()


def _categorical(
    frame: pd.DataFrame, used: Sequence[str], missing: str, weight: str | None
) -> pd.DataFrame:
    """With categories in the order of the table, and missing ones as told."""
    frame = frame.copy()
    without = frame[list(used)].isna().any(axis=1)
    if missing == "drop" and without.any():
        number = frame.loc[without, weight].sum() if weight else without.sum()
        warnings.warn(
            f"{number:g} persons or events are left out, because a category is missing",
            HiddenCellsWarning,
            stacklevel=4,
        )
        frame = frame[~without].copy()
    for name in used:
        values = frame[name].astype(object).where(frame[name].notna(), MISSING)
        frame[name] = pd.Categorical(values, categories=list(dict.fromkeys(values)))
    return frame


def _is_success(values: pd.Series[Any], success: str | Sequence[str] | None) -> pd.Series[Any]:
    categories = list(values.cat.categories)
    if success is None:
        if len(categories) != 2:
            raise QueryError(f"name the `success` among {categories}")
        success = str(categories[1])
    wanted = [success] if isinstance(success, str) else list(success)
    unknown = [category for category in wanted if category not in categories]
    if unknown:
        raise QueryError(f"no cell has {unknown}; there are {categories}")
    return values.isin(wanted)
