"""Writes views into the folders from which registers' agents read."""

import csv
import datetime
import json
import pathlib

import pyarrow
import pyarrow.parquet

# Weights of the two control digits of a national identity number.
FIRST_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2)
SECOND_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def synthetic_ids():
    """Synthetic national identity numbers (month + 80), each once."""
    day = datetime.date(1940, 1, 1)
    while day.year < 2000:
        begin = f"{day.day:02}{day.month + 80}{day.year % 100:02}"
        for serial in range(500):
            digits = [int(digit) for digit in f"{begin}{serial:03}"]
            first = -sum(w * d for w, d in zip(FIRST_WEIGHTS, digits)) % 11
            digits.append(first)
            second = -sum(w * d for w, d in zip(SECOND_WEIGHTS, digits)) % 11
            if first < 10 and second < 10:
                yield f"{begin}{serial:03}{first}{second}"
        day += datetime.timedelta(days=1)


def write(views, folders):
    """Puts each view's rows into the folder of the register that holds them. Returns the variables
    of each view."""
    ids, numbers = synthetic_ids(), {}
    for view in views:
        for person in view.rows["person"].unique():
            numbers.setdefault((view.people, person), None)
    numbers = {person: next(ids) for person in numbers}
    for node, folder in enumerate(folders):
        folder = pathlib.Path(folder)
        held, manifest = set(), []
        for view in views:
            rows = view.rows[view.rows["node"] == node]
            if rows.empty:
                continue
            people = [numbers[view.people, person] for person in rows["person"]]
            held.update(people)
            pyarrow.parquet.write_table(table(view, rows, people), folder / f"{view.name}.parquet")
            manifest.append(published(view))
        with (folder / "people.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["fnr"], *([number] for number in sorted(held))])
        head = '[persons]\nfiles = ["people.csv"]\ncolumns = { national_id = "fnr" }\n'
        (folder / "manifest.toml").write_text("\n".join([head, *manifest]))
    return {view.name: [variable.name for variable in view.variables] for view in views}


def table(view, rows, people):
    """The rows as Parquet has them."""
    columns = {"fnr": pyarrow.array(people, pyarrow.string())}
    for variable in view.variables:
        values = rows[variable.name]
        values = [None if value != value else value for value in values.astype(object)]
        if variable.kind == "date":
            days = [None if month is None else first_day(int(month)) for month in values]
            columns[variable.name] = pyarrow.array(days, pyarrow.date32())
        elif variable.kind == "code":
            columns[variable.name] = pyarrow.array(values, pyarrow.string())
        elif variable.kind == "integer":
            columns[variable.name] = pyarrow.array(values, pyarrow.int64())
        else:
            columns[variable.name] = pyarrow.array(values, pyarrow.float64())
    return pyarrow.table(columns)


def first_day(month):
    """The first day of a month counted from January 1970."""
    return datetime.date(1970 + month // 12, month % 12 + 1, 1)


def published(view):
    """The view in a manifest."""
    lines = [
        "[[view]]",
        f'name = "{view.name}"',
        f'label_nb = "{view.name}"',
        f'label_en = "{view.name}"',
        f'grain = "{"event" if view.event_date else "person"}"',
        f'files = "{view.name}.parquet"',
        'id_column = "fnr"',
        f'from = "{first_day(view.months[0]):%Y-%m}"',
        f'until = "{first_day(view.months[1]):%Y-%m}"',
        f"persons_disjoint = {json.dumps(view.disjoint)}",
    ]
    if view.event_date:
        lines.append(f'event_date = "{view.event_date}"')
    for variable in view.variables:
        lines += [
            "[[view.variable]]",
            f'name = "{variable.name}"',
            f'label_nb = "{variable.name}"',
            f'label_en = "{variable.name}"',
            f"of_person = {json.dumps(variable.of_person)}",
        ]
        if variable.kind == "code":
            lines += ['type = "code"', 'system = "own"', 'version = "1"', "is_dimension = true"]
        elif variable.kind == "date":
            lines.append('type = "date"')
        else:
            low, high, centre = (float(bound) for bound in variable.clip)
            lines += [
                'type = "number"',
                'unit = ""',
                f"is_integer = {json.dumps(variable.kind == 'integer')}",
                f"clip_from = {low}",
                f"clip_to = {high}",
                f"centre = {centre}",
            ]
    return "\n".join(lines) + "\n"
