"""Statements over Flight SQL, and what becomes of each.

    attacks.py --uri grpc://127.0.0.1:1234 --token-file FILE

Reads what to ask, one JSON object in a line: `sql`, `data_permit`, `must_be_complete`, and
`deadline_ms`, 0 for the usual.
Prints a line for each, as JSON: why it was refused, or the columns, the rows and what the schema
says beside them.
"""

import argparse
import json
import pathlib
import sys

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi
import adbc_driver_manager

HEADER = adbc_driver_flightsql.DatabaseOptions.RPC_CALL_HEADER_PREFIX.value
AUTHORIZATION = adbc_driver_flightsql.DatabaseOptions.AUTHORIZATION_HEADER.value


def told(connection, sql):
    """What whoever sends `sql` is told."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(sql)
            table = cursor.fetch_arrow_table()
        except adbc_driver_manager.Error as error:
            return {"refused": str(error)}
    metadata = table.schema.metadata or {}
    return {
        "columns": table.schema.names,
        "rows": [[str(value) for value in row.values()] for row in table.to_pylist()],
        "metadata": {key.decode(): value.decode() for key, value in metadata.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--uri", required=True)
    parser.add_argument("--token-file", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    token = "Bearer " + arguments.token_file.read_text().strip()
    connection, sent = None, None
    for line in sys.stdin:
        asked = json.loads(line)
        headers = {HEADER + "innsyn-data-permit": asked["data_permit"]}
        if asked["must_be_complete"]:
            headers[HEADER + "innsyn-must-be-complete"] = "true"
        if asked["deadline_ms"]:
            headers[HEADER + "innsyn-deadline-ms"] = str(asked["deadline_ms"])
        # One after the other with the same permit, as a researcher does.
        if headers != sent:
            if connection:
                connection.close()
            connection = adbc_driver_flightsql.dbapi.connect(
                arguments.uri, db_kwargs={AUTHORIZATION: token, **headers}, autocommit=True
            )
            sent = headers
        print(json.dumps(told(connection, asked["sql"])), flush=True)
    if connection:
        connection.close()


if __name__ == "__main__":
    main()
