"""Statements over Flight SQL, and what becomes of each.

    attacks.py --uri grpc://127.0.0.1:1234 --token-file FILE --permit-file FILE --statements FILE

Prints a line for each statement, as JSON: why it was refused, or the rows.
"""

import argparse
import json
import pathlib

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
            return {"rows": [[str(value) for value in row] for row in cursor.fetchall()]}
        except adbc_driver_manager.Error as error:
            return {"refused": str(error)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--uri", required=True)
    for name in ("--token-file", "--permit-file", "--statements"):
        parser.add_argument(name, type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    options = {
        AUTHORIZATION: "Bearer " + arguments.token_file.read_text().strip(),
        HEADER + "innsyn-data-permit": arguments.permit_file.read_text().strip(),
    }
    database = adbc_driver_flightsql.dbapi
    with database.connect(arguments.uri, db_kwargs=options, autocommit=True) as connection:
        for sql in arguments.statements.read_text().splitlines():
            print(json.dumps(told(connection, sql)))


if __name__ == "__main__":
    main()
