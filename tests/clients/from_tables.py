"""What can be computed of a released life table: curves, tests, models."""

import numpy
import pandas
import statsmodels.api


class Followed:
    """A life table of one group: events and leavers by step, and who was at risk."""

    def __init__(self, table):
        step = table["step"].astype(int)
        self.steps = int(step.max()) + 1
        self.events = self._by_step(table[table["left_by"] == "event"])
        self.left = self._by_step(table[table["left_by"] != "event"])
        gone = self.events + self.left
        self.at_risk = gone[::-1].cumsum()[::-1]

    def _by_step(self, rows):
        counts = numpy.zeros(self.steps)
        numpy.add.at(counts, rows["step"].astype(int).to_numpy(), rows["persons"].to_numpy())
        return counts

    def survival(self):
        """The Kaplan-Meier curve after each step."""
        return numpy.cumprod(1 - self.events / self.at_risk)

    def median(self):
        """The first step after which at most half are left."""
        return int(numpy.argmax(self.survival() <= 0.5))

    def person_time(self):
        """Steps lived in each step: half of it by those who did not live through it."""
        return self.at_risk - (self.events + self.left) / 2


def log_rank(groups):
    """The log-rank statistic of any number of groups."""
    steps = max(group.steps for group in groups)

    def padded(values):
        return numpy.pad(values, (0, steps - len(values)))

    events = numpy.array([padded(group.events) for group in groups])
    at_risk = numpy.array([padded(group.at_risk) for group in groups])
    d, n = events.sum(axis=0), at_risk.sum(axis=0)
    happened = d > 0
    events, at_risk, d, n = events[:, happened], at_risk[:, happened], d[happened], n[happened]
    difference = (events - at_risk * d / n).sum(axis=1)[:-1]
    factor = d * numpy.where(n > 1, (n - d) / numpy.maximum(n - 1, 1), 0)
    share = at_risk / n
    covariance = numpy.diag((factor * share).sum(axis=1)) - (factor * share) @ share.T
    return float(difference @ numpy.linalg.solve(covariance[:-1, :-1], difference))


def piecewise_exponential(table, covariates):
    """Coefficients of a Poisson model with one rate for each step and person-time as offset: what a
    Cox model of the same covariates comes to."""
    parts = []
    for values, group in table.groupby(covariates, dropna=False):
        followed = Followed(group)
        part = pandas.DataFrame(
            {
                "step": range(followed.steps),
                "events": followed.events,
                "time": followed.person_time(),
            }
        )
        parts.append(part.assign(**dict(zip(covariates, values))))
    cells = pandas.concat(parts)
    cells = cells[cells["time"] > 0]
    # A step in which nobody had the event says nothing of any covariate.
    happened = cells.groupby("step")["events"].transform("sum") > 0
    cells = cells[happened]
    regressors = pandas.concat(
        [indicators(cells, covariates), pandas.get_dummies(cells["step"], dtype=float)], axis=1
    )
    regressors.columns = [str(column) for column in regressors.columns]
    model = statsmodels.api.GLM(
        cells["events"].to_numpy(),
        regressors,
        family=statsmodels.api.families.Poisson(),
        offset=numpy.log(cells["time"].to_numpy()),
    )
    return model.fit(tol=1e-12).params


def indicators(rows, covariates):
    """A column for each category but the first of each covariate."""
    return pandas.get_dummies(rows[covariates].astype(str), drop_first=True, dtype=float)


def model(rows, covariates, outcome, family, offset=None, weights=None):
    """A generalised linear model of categories, fitted until nothing moves."""
    regressors = statsmodels.api.add_constant(indicators(rows, covariates), has_constant="add")
    fitted = statsmodels.api.GLM(
        rows[outcome].to_numpy(dtype=float),
        regressors,
        family=family,
        offset=None if offset is None else numpy.log(rows[offset].to_numpy()),
        freq_weights=None if weights is None else rows[weights].to_numpy(),
    )
    return fitted.fit(tol=1e-14, maxiter=100)
