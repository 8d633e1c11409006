"""A researcher's own tools against the research gateway: ADBC, Arrow and pandas, nothing of ours.

    flight_sql.py --uri grpc://127.0.0.1:1234 --token-file token --permit-file permit story
    flight_sql.py … cancel     says `asking`, waits for a line, cancels, and tells how it ended

Prints what it was told as JSON, one object in a line.
"""

import argparse
import json
import pathlib
import sys
import threading
import time

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi
import adbc_driver_manager
import pandas
from adbc_driver_manager import StatementOptions

HEADER = adbc_driver_flightsql.DatabaseOptions.RPC_CALL_HEADER_PREFIX.value
AUTHORIZATION = adbc_driver_flightsql.DatabaseOptions.AUTHORIZATION_HEADER.value

BY_SEX = "SELECT sex, COUNT(DISTINCT person) AS n FROM persons GROUP BY sex ORDER BY n DESC"


def connect(arguments, **headers):
    """A connection with the token, the permit and other headers on every call."""
    options = {
        AUTHORIZATION: "Bearer " + arguments.token_file.read_text().strip(),
        HEADER + "innsyn-data-permit": arguments.permit_file.read_text().strip(),
    }
    for name, value in headers.items():
        options[HEADER + "innsyn-" + name.replace("_", "-")] = value
    # There are no transactions; without autocommit the driver would ask for them.
    return adbc_driver_flightsql.dbapi.connect(arguments.uri, db_kwargs=options, autocommit=True)


def texts(metadata):
    return {key.decode(): value.decode() for key, value in (metadata or {}).items()}


def catalogue(connection):
    """Every table with its columns and their types."""
    objects = connection.adbc_get_objects(depth="all").read_all().to_pylist()
    return {
        f"{catalog['catalog_name']}.{schema['db_schema_name']}.{table['table_name']}": {
            column["column_name"]: column["xdbc_type_name"]
            for column in table["table_columns"]
        }
        for catalog in objects
        for schema in catalog["catalog_db_schemas"]
        for table in schema["db_schema_tables"]
    }


def described(connection, table):
    """What is said of each column of a table, and of the table."""
    schema = connection.adbc_get_table_schema(table)
    return {
        "table": texts(schema.metadata),
        "columns": {field.name: texts(field.metadata) for field in schema},
    }


def asked(connection):
    """One question, as an Arrow table and as a data frame."""
    with connection.cursor() as cursor:
        cursor.execute(BY_SEX)
        table = cursor.fetch_arrow_table()
    with connection.cursor() as cursor:
        cursor.execute(BY_SEX)
        frame = cursor.fetch_df()
    return {
        "metadata": texts(table.schema.metadata),
        "columns": list(frame.columns),
        "rows": json.loads(frame.to_json(orient="values")),
        "arrow_rows": [list(row.values()) for row in table.to_pylist()],
    }


def unprepared(connection):
    """The driver's other way to ask: in partitions, as a cluster would fetch them."""
    with connection.cursor() as cursor:
        partitions, schema = cursor.adbc_execute_partitions(BY_SEX)
        rows = []
        for partition in partitions:
            cursor.adbc_read_partition(partition)
            rows += [list(row) for row in cursor.fetchall()]
        return {"partitions": len(partitions), "columns": schema.names, "rows": rows}


def polled(connection):
    """A query that is polled for (`PollFlightInfo`), with the progress that is told meanwhile."""
    with connection.cursor() as cursor:
        statement = cursor.adbc_statement
        statement.set_options(**{StatementOptions.INCREMENTAL.value: "true"})
        statement.set_sql_query(BY_SEX)
        partitions, progress = [], []
        while True:
            found, _, _ = statement.execute_partitions()
            progress.append(statement.get_option_float(StatementOptions.PROGRESS.value))
            if not found:
                break
            partitions += found
        rows = []
        for partition in partitions:
            cursor.adbc_read_partition(partition)
            rows += [list(row) for row in cursor.fetchall()]
        return {"progress": progress, "rows": rows}


def refused(connection, sql):
    """What becomes of a statement that cannot be asked."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(sql)
        except adbc_driver_manager.Error as error:
            details = dict(error.details)
            return {
                "kind": type(error).__name__,
                "text": str(error),
                "reason": details[b"innsyn-reason"].decode(),
            }
        return {"kind": "none", "text": str(cursor.fetchall()), "reason": None}


def story(arguments):
    with connect(arguments) as connection:
        told = {
            "info": connection.adbc_get_info()["vendor_name"],
            "table_types": connection.adbc_get_table_types(),
            "catalogue": catalogue(connection),
            "persons": described(connection, "persons"),
            "asked": asked(connection),
            "unprepared": unprepared(connection),
            "polled": polled(connection),
        }
        frame = pandas.read_sql(BY_SEX, connection)
        told["read_sql"] = json.loads(frame.to_json(orient="values"))
        report = pandas.read_sql("SELECT * FROM query_report", connection)
        told["report"] = dict(zip(report["register"], report["outcome"], strict=True))
        told["refused"] = refused(connection, "SELECT * FROM persons")
        told["written"] = refused(connection, "DELETE FROM persons")
    with connect(arguments, must_be_complete="true", deadline_ms="2000") as connection:
        told["complete"] = refused(connection, BY_SEX + " LIMIT 1")
    print(json.dumps(told))


def cancel(arguments):
    """A query that hangs is cancelled from another thread."""
    with connect(arguments, deadline_ms="60000") as connection, connection.cursor() as cursor:
        ended = {}

        def ask():
            try:
                cursor.execute("SELECT COUNT(*) AS n FROM persons")
                ended["rows"] = len(cursor.fetchall())
            except adbc_driver_manager.Error as error:
                ended["text"] = str(error)
            ended["at"] = time.monotonic()

        thread = threading.Thread(target=ask)
        thread.start()
        print("asking", flush=True)
        sys.stdin.readline()
        cancelled_at = time.monotonic()
        cursor.adbc_cancel()
        thread.join()
        ended["seconds"] = ended.pop("at") - cancelled_at
    print(json.dumps(ended), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uri", required=True)
    parser.add_argument("--token-file", type=pathlib.Path, required=True)
    parser.add_argument("--permit-file", type=pathlib.Path, required=True)
    parser.add_argument("what", choices=["story", "cancel"])
    arguments = parser.parse_args()
    {"story": story, "cancel": cancel}[arguments.what](arguments)


if __name__ == "__main__":
    main()
