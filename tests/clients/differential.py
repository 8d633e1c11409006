"""Answers a researcher's queries with DuckDB, over a register's Parquet files.

One JSON object a line comes in, one a line goes out:

    {"views": [...]}                        a register: its views, their variables and files -> {}
    {"query": {...}, "included": [1, 2]}    -> {"cells": [...], "counted": [1]}

What a query means is read from `proto/query.md` and the comments of the .proto files. Nothing is
shared with the agents' own engine or its statements for PostgreSQL: this is what they are held
against.
"""

import json
import sys

import duckdb

MONTHS = {"year": 12, "quarter": 3, "month": 1}


def month(date):
    return f"((year({date}) - 1970) * 12 + month({date}) - 1)"


def start(months, length):
    """The first month of the period that `months`, counted from 1970, is in."""
    return f"(CAST(floor({months} / {length}.0) AS INTEGER) * {length})"


def text(code):
    return "'" + code.replace("'", "''") + "'"


class Register:
    """The views of a register, as tables."""

    def __init__(self, views):
        self.database = duckdb.connect(":memory:", config={"threads": 1})
        self.views = {view["name"]: view for view in views}
        for view in views:
            files = ", ".join(text(file) for file in view["files"])
            self.database.execute(
                f'CREATE TABLE "{view["name"]}" AS SELECT * FROM read_parquet([{files}])'
            )

    def published(self, name):
        """The rows of included persons, of the months that the view covers."""
        view = self.views[name]
        rows = f'SELECT * FROM "{name}" WHERE person IN (SELECT person FROM included)'
        if view["event_date"]:
            date = month(f'"{view["event_date"]}"')
            rows += f" AND {date} >= {view['from_month']} AND {date} < {view['until_month']}"
        return rows

    def condition(self, expression):
        (kind, what), = expression.items()
        if kind == "all":
            return "(" + " AND ".join(map(self.condition, what)) + ")"
        if kind == "any":
            return "(" + " OR ".join(map(self.condition, what)) + ")"
        if kind == "not":
            return f"(NOT {self.condition(what)})"
        if kind == "events":
            rows = self.published(what["view"])
            if what["where"]:
                rows = f"SELECT * FROM ({rows}) WHERE {self.condition(what['where'])}"
            return (
                f"(person IN (SELECT person FROM ({rows}) GROUP BY person "
                f"HAVING count(*) >= {what['at_least']}))"
            )
        column = f'"{what["variable"]}"'
        if kind == "comparison":
            literal = what["literal"]
            literal = text(literal) if isinstance(literal, str) else repr(literal)
            leaf = f"{column} {what['operator']} {literal}"
        elif kind == "codes":
            of_one = "starts_with({0}, {1})" if what["with_descendants"] else "{0} = {1}"
            leaf = " OR ".join(of_one.format(column, text(code)) for code in what["codes"])
        elif kind == "dates":
            ends = []
            if what["from_month"] is not None:
                ends.append(f"{month(column)} >= {what['from_month']}")
            if what["until_month"] is not None:
                ends.append(f"{month(column)} < {what['until_month']}")
            leaf = " AND ".join(ends)
        else:
            raise ValueError(kind)
        return f"ifnull(({leaf}), false)"

    def answer(self, query, included):
        self.database.execute("CREATE OR REPLACE TEMP TABLE included (person UINTEGER)")
        self.database.execute(
            "INSERT INTO included SELECT unnest(?::UINTEGER[])", [included]
        )
        asked = Asked(self, query)
        rows = self.database.execute(asked.cells()).fetchall()
        counted = self.database.execute(f"SELECT DISTINCT person FROM ({asked.counting()})")
        return {
            "cells": [asked.cell(row) for row in rows],
            "counted": [person for person, in counted.fetchall()],
        }


class Asked:
    """One query over a register."""

    def __init__(self, register, query):
        self.register = register
        self.query = query
        self.view = register.views[query["view"]]
        self.of_events = bool(self.view["event_date"])
        self.pick = query["pick"]
        self.together = self.of_events and self.pick == "all"

    def variable(self, name):
        return next(one for one in self.view["variables"] if one["name"] == name)

    def counting(self):
        """The rows that count, each with its period."""
        rows = self.register.published(self.query["view"])
        conditions = [self.query["population"], self.query["where"]]
        conditions = [self.register.condition(one) for one in conditions if one]
        period = "0"
        if self.query["period"]:
            date = month(f'"{self.view["event_date"]}"')
            period = start(date, MONTHS[self.query["period"]])
        where = " AND ".join(conditions) or "true"
        return f"SELECT *, {period} AS own_period FROM ({rows}) WHERE {where}"

    def asked_for(self):
        """The variables that a row is asked for, in the order of the catalogue."""
        names = set()
        for one in self.query["dimensions"] + self.query["measures"]:
            names.update(
                one[key] for key in ("variable", "entry", "event", "exit") if one.get(key)
            )
        return [one for one in self.view["variables"] if one["name"] in names]

    def rows(self):
        """One row for each person, or person and period."""
        if self.together:
            return self.together_rows()
        direction = "DESC NULLS LAST" if self.pick == "last" else "ASC NULLS FIRST"
        order = [f'"{self.view["event_date"]}"'] if self.of_events else []
        for variable in self.asked_for():
            name = f'"{variable["name"]}"'
            order.append(month(name) if variable["type"] == "date" else name)
        order = ", ".join(f"{one} {direction}" for one in order) or "person"
        return (
            f"SELECT *, 1 AS own_events FROM ({self.counting()}) QUALIFY row_number() OVER "
            f"(PARTITION BY person, own_period ORDER BY {order}) = 1"
        )

    def together_rows(self):
        own, lists = ["person"], ["person", "own_period", "count(*) AS own_events"]
        for variable in self.view["variables"]:
            name = f'"{variable["name"]}"'
            if variable["of_person"]:
                own.append(f"min({name}) AS {name}")
            elif variable["type"] in ("whole", "real"):
                lists.append(f"list({name}) FILTER (WHERE {name} IS NOT NULL) AS {name}")
        return (
            f"SELECT * FROM (SELECT {', '.join(lists)} FROM ({self.counting()}) "
            f"GROUP BY person, own_period) JOIN (SELECT {', '.join(own)} "
            f"FROM ({self.counting()}) GROUP BY person) USING (person)"
        )

    def dimension(self, one):
        kind = one["kind"]
        if kind == "period":
            return "own_period"
        name = f'"{one["variable"]}"'
        if kind == "code":
            levels = self.variable(one["variable"])["levels"]
            return f"left({name}, {levels[one['level'] - 1]})" if one["level"] else name
        if kind == "bands":
            bands = " + ".join(f"(CASE WHEN {name} >= {at} THEN 1 ELSE 0 END)" for at in one["begins"])
            return f"(CASE WHEN {name} IS NOT NULL THEN {bands} END)"
        if kind == "date":
            return start(month(name), MONTHS[one["period"]])
        raise ValueError(kind)

    def measure(self, one):
        """The columns that a measure takes."""
        kind = one["kind"]
        if kind in ("persons", "events"):
            return []
        if kind == "histogram":
            name = f'"{one["variable"]}"'
            bins = one["bins"]
            at = f"floor(({name} - {one['from']}) / {one['width']}.0)"
            # A missing value is in none; `least` and `greatest` would pass over it.
            bin = f"CASE WHEN {name} IS NOT NULL THEN least(greatest({at}, 0), {bins - 1}) END"
            return [f"count(*) FILTER (WHERE ({bin}) = {at})" for at in range(bins)]
        if kind == "life_table":
            return self.life_table(one)
        if kind == "person_time":
            is_there, _, months = self.followed(one)
            most = self.view["until_month"] - self.view["from_month"]
            months = f"least({months}, {most})"
            return [
                f"count(*) FILTER (WHERE {is_there})",
                f"ifnull(sum({months}) FILTER (WHERE {is_there}), 0)",
            ]
        variable = self.variable(one["variable"])
        name = f'"{variable["name"]}"'

        def differences(value):
            clipped = f"least(greatest({value}, {variable['clip_from']}), {variable['clip_to']})"
            difference = f"CAST({clipped} AS DOUBLE) - {variable['centre']}"
            return f"(CASE WHEN {value} IS NOT NULL THEN {difference} END)"

        if self.together and not variable["of_person"]:
            values = f"sum(len({name}))"
            each = f"list_sum(list_transform({name}, lambda x: {{0}}))"
        else:
            values, each = f"count({name})", "{0}"
        x = "x" if self.together and not variable["of_person"] else name
        of_sum = each.format(differences(x))
        of_squares = each.format(f"{differences(x)} * {differences(x)}")
        sums = [f"ifnull({values}, 0)", f"ifnull(sum({of_sum}), 0)"]
        if kind == "variance":
            sums.append(f"ifnull(sum({of_squares}), 0)")
        return sums

    def followed(self, one):
        """Whether someone is followed, whether they have the event, and for how many months."""
        entry, event, exit = (month(f'"{one[key]}"') for key in ("entry", "event", "exit"))
        last = self.view["until_month"] - 1
        had = f"ifnull({event} <= ifnull({exit}, {event}), false)"
        end = f"(CASE WHEN {had} THEN {event} ELSE ifnull({exit}, {last}) END)"
        return f"ifnull({end} >= {entry}, false)", had, f"({end} - {entry})"

    def life_table(self, one):
        is_there, had, months = self.followed(one)
        step = f"({months} // {MONTHS[one['step']]})"
        steps = range(one["steps"])
        columns = [
            f"count(*) FILTER (WHERE {is_there} AND {which} AND {step} = {at})"
            for which in (had, f"NOT {had}")
            for at in steps
        ]
        columns.append(f"count(*) FILTER (WHERE {is_there} AND {step} >= {one['steps']})")
        return columns

    def cells(self):
        keys = [self.dimension(one) for one in self.query["dimensions"]]
        columns = keys + ["count(*)", "sum(own_events)"]
        for one in self.query["measures"]:
            columns += self.measure(one)
        by = f" GROUP BY {', '.join(keys)}" if keys else " HAVING count(*) > 0"
        return f"SELECT {', '.join(columns)} FROM ({self.rows()}){by}"

    def cell(self, row):
        row = list(row)
        key = [row.pop(0) for _ in self.query["dimensions"]]
        persons, events = int(row.pop(0)), int(row.pop(0))
        measures = []
        for one in self.query["measures"]:
            values = [row.pop(0) for _ in self.measure(one)]
            if one["kind"] in ("histogram", "life_table"):
                values = [int(value) for value in values]
            elif values:
                values = [int(values[0])] + [float(value) for value in values[1:]]
            measures.append(values)
        return {"key": key, "persons": persons, "events": events, "measures": measures}


def main():
    register = None
    for line in sys.stdin:
        said = json.loads(line)
        if "views" in said:
            register = Register(said["views"])
            answer = {}
        else:
            answer = register.answer(said["query"], said["included"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
