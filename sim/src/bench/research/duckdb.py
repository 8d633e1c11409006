"""DuckDB over one Parquet file: a line of SQL in, a line of JSON out.

Usage: duckdb.py FOLDER, the folder of the pooled data. The registers' files become one, as DuckDB
itself writes it. Each answer is {"ms": how long the query took, "rows": its rows}; the first line
says that the data stand ready.
"""

import json
import sys
import time
from pathlib import Path

import duckdb


def main() -> None:
    """Answers queries until there are no more."""
    folder = Path(sys.argv[1])
    pooled = folder / "events.one"
    connection = duckdb.connect()
    # Its progress would stand among the answers.
    connection.execute("SET enable_progress_bar = false")
    parts = [str(path) for path in sorted(folder.glob("*.parquet")) if path.name != "reserved.parquet"]
    connection.execute(
        f"COPY (SELECT * FROM read_parquet({parts})) TO '{pooled}' (FORMAT parquet, COMPRESSION zstd)"
    )
    connection.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{pooled}')")
    connection.execute(
        "CREATE VIEW included AS SELECT * FROM events WHERE person NOT IN "
        f"(SELECT person FROM read_parquet('{folder / 'reserved.parquet'}'))"
    )
    threads = connection.execute("SELECT current_setting('threads')").fetchone()[0]
    tell({"version": duckdb.__version__, "threads": threads, "bytes": pooled.stat().st_size})
    for sql in sys.stdin:
        began = time.perf_counter()
        rows = connection.execute(sql).fetchall()
        tell({"ms": (time.perf_counter() - began) * 1000, "rows": rows})


def tell(answer: dict) -> None:
    """Writes one line."""
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
