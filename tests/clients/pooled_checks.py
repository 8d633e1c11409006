"""What is asked of each data set, and what the pooled rows say of it."""

import lifelines
import numpy
import pandas
import statsmodels.api
from lifelines.statistics import multivariate_logrank_test

import from_tables
import plain_grpc
from plain_grpc import ask, bands, query

BINOMIAL = statsmodels.api.families.Binomial()
POISSON = statsmodels.api.families.Poisson()


class Comparing:
    """The registers on one side, the pooled rows on the other."""

    def __init__(self, researcher, views, account):
        self.researcher, self.views, self.account = researcher, views, account

    def counts(self, view, by, rows=None):
        """Persons by codes."""
        table = self.researcher.run(ask(view, plain_grpc.PERSONS, by=by))
        rows = self.views[view] if rows is None else rows
        pooled = rows.groupby(by, dropna=False).size()
        self.account.each("counts", view, table.set_index(by)["persons"], pooled[pooled > 0])
        return table

    def moments(self, view, by, variables):
        """Means, variances and sums by codes. Of one value there is no variance."""
        measures = [plain_grpc.PERSONS]
        for name in variables:
            measures += [plain_grpc.mean(name), plain_grpc.variance(name), plain_grpc.total(name)]
        table = self.researcher.run(ask(view, *measures, by=by))
        groups = self.views[view].groupby(by, dropna=False)
        table = table.set_index(by)
        self.account.each("counts", view, table["persons"], groups.size())
        for name in variables:
            pooled = groups[name].agg(["mean", "var", "sum", "count"])
            many = pooled["count"] > 1
            for column, of_pooled in [("mean", "mean"), ("variance", "var"), ("sum", "sum")]:
                told = table[f"{column}_{name}"]
                what = f"{view} {column} of {name}"
                if column == "variance":
                    told = told[told.notna()]
                    self.account.each("moments", what, told, pooled.loc[many, of_pooled])
                else:
                    self.account.each("moments", what, told, pooled[of_pooled])

    def life_tables(self, view, dates, by, step, steps):
        measure = plain_grpc.life_table(*dates, step, steps)
        return self.researcher.run(ask(view, measure, by=by))

    def survival(self, view, dates, by, steps, step=query.PERIOD_MONTH, months=1):
        """Kaplan-Meier in each group, the log-rank test of all, and the medians."""
        table = self.life_tables(view, dates, [by], step, steps)
        rows = self.views[view].assign(step=lambda rows: rows["duration"] // months)
        groups, medians = [], {}
        for name, group in table.groupby(by):
            followed = from_tables.Followed(group)
            groups.append(followed)
            curve = followed.survival()
            own = rows[rows[by] == name]
            fitter = lifelines.KaplanMeierFitter().fit(own["step"], own["event"])
            reached = fitter.survival_function_["KM_estimate"]
            for at in sorted(own["step"].unique()):
                what = f"{view} {by} {name} at {at}"
                self.account.near("kaplan-meier", what, curve[at], reached.loc[at])
            if reached.min() <= 0.5:
                medians[name] = followed.median()
                pooled = fitter.median_survival_time_
                self.account.near("medians", f"{view} {by} {name}", medians[name], pooled)
        pooled = multivariate_logrank_test(rows["step"], rows[by], rows["event"]).test_statistic
        told = from_tables.log_rank(groups)
        self.account.near("log-rank", f"{view} {by}", told, pooled)
        return told, medians

    def cox(self, view, dates, by, covariates, steps):
        """A Cox model of categories, by the Poisson model that takes its place; `covariates` are
        the columns that the table is divided by, as the pooled rows have them."""
        table = self.life_tables(view, dates, by, query.PERIOD_MONTH, steps)
        told = from_tables.piecewise_exponential(table, list(covariates))
        rows = self.views[view].assign(**covariates)
        columns = from_tables.indicators(rows, list(covariates))
        # What happened in a month happened in the middle of it.
        columns = columns.assign(duration=rows["duration"] + 0.5, event=rows["event"])
        pooled = lifelines.CoxPHFitter().fit(columns, "duration", "event").params_
        for name, coefficient in pooled.items():
            self.account.near("cox by poisson", f"{view} {name}", told[name], coefficient)


def all_of(target, token, permit, views, account):
    """Asks everything that is asked here."""
    comparing = Comparing(plain_grpc.Researcher(target, token, permit), views, account)
    checks = [dmlate, registers_of_dmlate, testis, rwm, rotterdam, flchain, lung, birthwt, randhie]
    for check in checks:
        check(comparing)


def dmlate(it):
    dates = ("diagnosed", "died", "left")
    it.moments("dmlate", ["sex"], ["age", "born_year"])
    statistic, medians = it.survival("dmlate", dates, "sex", 181)
    # Printed of it: 8.305635 by days, and medians of 14.7899 and 13.7687 years.
    it.account.near("printed", "dmlate log-rank by days", statistic, 8.305635, scale=0.5)
    it.account.near("printed", "dmlate median, F", medians["F"], 14.7899 * 12, scale=1)
    it.account.near("printed", "dmlate median, M", medians["M"], 13.7687 * 12, scale=1)
    rows = it.views["dmlate"]
    it.cox("dmlate", dates, ["sex"], {"sex": rows["sex"]}, 181)
    months = plain_grpc.person_time(*dates)
    table = it.researcher.run(ask("dmlate", plain_grpc.PERSONS, months, by=["sex"]))
    told = table.set_index("sex")["person_time_died"]
    pooled = rows.groupby("sex")[["duration", "event"]].sum()
    it.account.each("counts", "dmlate months", told, pooled["duration"])
    deaths = it.life_tables("dmlate", dates, ["sex"], query.PERIOD_YEAR, 20)
    deaths = deaths[deaths["left_by"] == "event"].groupby("sex")["persons"].sum()
    it.account.each("rates", "dmlate deaths", deaths / told, pooled["event"] / pooled["duration"])
    begins = [50, 60, 70, 80]
    labels = ["<50", "[50,60)", "[60,70)", "[70,80)", ">=80"]
    age_band = pandas.cut(rows["age"], [0, *begins, 128], right=False, labels=labels)
    covariates = {"sex": rows["sex"], "age_band": age_band}
    it.cox("dmlate", dates, ["sex", bands("age", begins)], covariates, 181)


def registers_of_dmlate(it):
    """Each of the four knows one thing; what would need two of them is not asked."""
    run, account, views = it.researcher.run, it.account, it.views
    begins = list(range(1900, 2011, 10))
    by = ["sex", bands("born_year", begins)]
    table = run(ask("dm_birth", plain_grpc.PERSONS, by=by))
    told = table.set_index(["sex", table["born_year_band"].map(begin_of)])["persons"]
    rows = views["dm_birth"]
    decade = rows["born_year"].map(lambda year: max([b for b in begins if b <= year], default=None))
    account.each("counts", "births", told, rows.groupby(["sex", decade], dropna=False).size())
    for view, variable in [("dm_diabetes", "diagnosed"), ("dm_death", "died")]:
        table = run(ask(view, plain_grpc.PERSONS, by=[plain_grpc.years_of(variable)]))
        told = table.set_index(f"{variable}_year")["persons"]
        pooled = views[view].groupby(year_of(views[view], variable)).size()
        account.each("counts", view, told, pooled)
    rows = views["dm_prescriptions"]
    it_first = ask(
        "dm_prescriptions", plain_grpc.PERSONS, by=[plain_grpc.years_of("dispensed")], first=True
    )
    first = rows.groupby("person")["dispensed"].min()
    told = run(it_first).set_index("dispensed_year")["persons"]
    account.each("counts", "first", told, first.groupby(1970 + first.astype(int) // 12).size())
    both = query.Expression(all=query.Expressions(of=[dispensed("A10A"), dispensed("A10B")]))
    everyone = ask("dm_prescriptions", plain_grpc.PERSONS, plain_grpc.EVENTS, population=both)
    told = run(everyone)
    drugs = rows.groupby("person")["drug"].nunique()
    account.near("counts", "both drugs", told["persons"].sum(), (drugs == 2).sum())
    account.near("counts", "their events", told["events"].sum(), 2 * (drugs == 2).sum())


def dispensed(drug):
    """Who was given `drug`."""
    where = query.Expression(codes=query.CodeMembership(variable="drug", codes=[drug]))
    events = query.Events(view="dm_prescriptions", where=where, at_least=1)
    return query.Expression(events=events)


def testis(it):
    """Rates, an age-standardised rate, and a Poisson model of them."""
    ages, years = list(range(10, 90, 10)), [1953, 1963, 1973, 1983]
    by = [bands("age", ages), bands("year", years)]
    measures = [plain_grpc.PERSONS, plain_grpc.total("cases"), plain_grpc.total("years")]
    table = it.researcher.run(ask("testis", *measures, by=by))
    table = table.assign(
        age=table["age_band"].map(begin_of).fillna(0),
        period=table["year_band"].map(begin_of).fillna(1943),
    )
    rows = it.views["testis"]
    rows = rows.assign(age=rows["age"] // 10 * 10, period=(rows["year"] - 1943) // 10 * 10 + 1943)
    # The last period has four years more.
    rows["period"] = rows["period"].clip(upper=1983)
    pooled = rows.groupby(["age", "period"])[["cases", "years"]].sum()
    told = table.astype({"age": int, "period": int}).set_index(["age", "period"])
    it.account.each("counts", "testis cases", told["sum_cases"], pooled["cases"])
    it.account.each("moments", "testis person-years", told["sum_years"], pooled["years"])
    rates = told["sum_cases"] / told["sum_years"]
    it.account.each("rates", "testis", rates, pooled["cases"] / pooled["years"])

    def standardised(cases, years):
        weights = pooled["years"].groupby("age").sum()
        rates = cases.groupby("age").sum() / years.groupby("age").sum()
        return (weights * rates).sum() / weights.sum()

    told_rate = standardised(told["sum_cases"], told["sum_years"])
    pooled_rate = standardised(pooled["cases"], pooled["years"])
    it.account.near("rates", "testis, standardised", told_rate, pooled_rate)
    covariates = ["age", "period"]
    # Some rows are of no cases in a group that has none at all.
    has_cases = told.groupby("age")["sum_cases"].transform("sum") > 0
    table = told[has_cases].reset_index()
    rows = rows[rows["age"].isin(table["age"])]
    fitted = from_tables.model(table, covariates, "sum_cases", POISSON, offset="sum_years")
    whole = from_tables.model(rows, covariates, "cases", POISSON, offset="years")
    it.account.each("glm", "testis", fitted.params, whole.params)
    it.account.each("glm", "testis, errors", fitted.bse, whole.bse)


def rwm(it):
    """Persons are in several registers: a count of persons is one of registrations, but in a year
    everybody has one row."""
    rows = it.views["rwm"]
    table = it.researcher.run(ask("rwm", plain_grpc.PERSONS, plain_grpc.EVENTS, by=["female"]))
    registrations = rows.groupby(["female", "node"])["person"].nunique().groupby("female").sum()
    told = table.set_index("female")
    it.account.each("counts", "rwm registrations", told["registrations"], registrations)
    it.account.each("counts", "rwm rows", told["events"], rows.groupby("female").size())
    covariates = ["female", "married", "outwork", "edlevel"]
    of_visits = [plain_grpc.mean, plain_grpc.variance, plain_grpc.total]
    measures = [plain_grpc.PERSONS, *[one("docvis") for one in of_visits]]
    by = [plain_grpc.OWN_PERIOD, *covariates]
    year = query.PERIOD_YEAR
    table = it.researcher.run(ask("rwm", *measures, by=by, period=year, first=True))
    groups = rows.astype({"year": int}).groupby(["year", *covariates])["docvis"]
    told = table.set_index(["year", *covariates])
    it.account.each("counts", "rwm by year", told["registrations"], groups.size())
    it.account.each("moments", "rwm mean", told["mean_docvis"], groups.mean())
    spread = told["variance_docvis"]
    it.account.each("moments", "rwm variance", spread[spread.notna()], groups.var().dropna())
    measures = [plain_grpc.PERSONS, plain_grpc.mean("hhninc"), plain_grpc.variance("hhninc")]
    by = [plain_grpc.OWN_PERIOD, "female"]
    income = it.researcher.run(ask("rwm", *measures, by=by, period=year, first=True))
    income = income.set_index(["year", "female"])
    groups = rows.groupby(["year", "female"])["hhninc"]
    it.account.each("moments", "rwm income", income["mean_hhninc"], groups.mean())
    it.account.each("moments", "rwm income, variance", income["variance_hhninc"], groups.var())
    table = table.assign(rate=table["sum_docvis"] / table["registrations"])
    told = from_tables.model(table, covariates, "rate", POISSON, weights="registrations")
    pooled = from_tables.model(rows, covariates, "docvis", POISSON)
    it.account.each("glm", "rwm", told.params, pooled.params)
    it.account.each("glm", "rwm, errors", told.bse, pooled.bse)


def rotterdam(it):
    dates = ("entered", "died", "left")
    it.counts("rotterdam", ["meno", "size", "grade", "hormon", "chemo"])
    it.moments("rotterdam", ["grade", "size"], ["nodes", "pgr", "age"])
    for by in ("size", "grade", "meno"):
        it.survival("rotterdam", dates, by, 240)
    it.survival("rotterdam", dates, "hormon", 80, query.PERIOD_QUARTER, 3)
    by = ["meno", "size", "grade"]
    it.cox("rotterdam", dates, by, dict(it.views["rotterdam"][by]), 240)


def flchain(it):
    dates = ("entered", "died", "left")
    it.counts("flchain", ["chapter", "sex"])
    it.counts("flchain", ["flc_grp", "mgus", "sex"])
    it.moments("flchain", ["sex"], ["kappa", "lambda", "creatinine", "age"])
    for by in ("flc_grp", "sex"):
        it.survival("flchain", dates, by, 180)
    width = 5
    table = it.researcher.run(ask("flchain", plain_grpc.histogram("age", 50, width, 11), by=["sex"]))
    for sex, bins in table.groupby("sex"):
        ages = it.views["flchain"].query("sex == @sex")["age"]
        begins = bins["age_bin"].map(begin_of).fillna(50).to_numpy()
        pooled = (ages // width * width).value_counts().sort_index()
        told = pandas.Series(bins["persons"].to_numpy(), begins.astype(int))
        it.account.each("counts", "flchain ages", told, pooled)
        for share in (0.1, 0.25, 0.5, 0.75, 0.9):
            told = quantile(begins, bins["persons"].to_numpy(), width, share)
            pooled = numpy.quantile(ages, share)
            it.account.near("quantiles", f"flchain {sex} {share}", told, pooled, scale=width)


def lung(it):
    dates = ("entered", "died", "left")
    it.counts("lung", ["sex", "ecog"])
    it.moments("lung", ["sex"], ["age"])
    statistic, medians = it.survival("lung", dates, "sex", 1024)
    # As printed everywhere.
    it.account.near("log-rank", "lung, printed", round(statistic, 6), 10.326742)
    it.account.near("medians", "lung, men", medians["1"], 270)
    it.account.near("medians", "lung, women", medians["2"], 426)
    everyone = from_tables.Followed(it.life_tables("lung", dates, [], query.PERIOD_MONTH, 1024))
    it.account.near("medians", "lung", everyone.median(), 310)


def birthwt(it):
    covariates = ["race", "smoke", "ptd", "ht", "ui"]
    table = it.counts("birthwt", ["low", *covariates])
    it.moments("birthwt", ["race", "smoke"], ["bwt", "age", "lwt"])
    table = table.astype({"low": int})
    told = from_tables.model(table, covariates, "low", BINOMIAL, weights="persons")
    rows = it.views["birthwt"].astype({"low": int})
    pooled = from_tables.model(rows, covariates, "low", BINOMIAL)
    it.account.each("glm", "birthwt", told.params, pooled.params)
    it.account.each("glm", "birthwt, errors", told.bse, pooled.bse)
    it.account.near("glm", "birthwt, deviance", told.deviance, pooled.deviance)


def randhie(it):
    covariates = ["coins", "idp", "hlthg", "hlthf", "hlthp"]
    it.moments("randhie", ["hlthg", "hlthf", "hlthp"], ["mdvis", "lpi"])
    visits = ask("randhie", plain_grpc.PERSONS, plain_grpc.total("mdvis"), by=covariates)
    table = it.researcher.run(visits)
    table = table.assign(rate=table["sum_mdvis"] / table["persons"])
    told = from_tables.model(table, covariates, "rate", POISSON, weights="persons")
    pooled = from_tables.model(it.views["randhie"], covariates, "mdvis", POISSON)
    it.account.each("glm", "randhie", told.params, pooled.params)
    it.account.each("glm", "randhie, errors", told.bse, pooled.bse)


def begin_of(band):
    """Where a band begins; nothing for the lowest, which has no beginning."""
    if band is None or band.startswith("<"):
        return None
    return int(band.strip("[>=)").split(",")[0])


def year_of(rows, variable):
    return 1970 + rows[variable].astype(int) // 12


def quantile(begins, persons, width, share):
    """A quantile of a histogram, evenly within its bin."""
    order = numpy.argsort(begins)
    begins, persons = begins[order], persons[order]
    reached = persons.cumsum()
    bin_ = int(numpy.searchsorted(reached, share * reached[-1]))
    before = reached[bin_] - persons[bin_]
    return begins[bin_] + width * (share * reached[-1] - before) / persons[bin_]
