"""Federated equals pooled, on real data.

    pooled.py write --work FOLDER --node FOLDER...     a folder of data for each of 7 registers
    pooled.py check --work FOLDER --target HOST:PORT --token-file FILE --permit-file FILE

`check` asks the registers through a research gateway that shows everything exactly, computes the
same of the pooled rows with pandas, statsmodels and lifelines, and prints one line for each kind of
comparison: how many were made, and how far apart the two were at most.
"""

import argparse
import json
import pathlib
import pickle
import sys
import warnings

import pandas

import publishing
import real_data

# The largest differences that are accepted, relative to the pooled value.
TOLERANCES = {
    "counts": 0.0,
    "moments": 1e-12,
    "rates": 1e-12,
    "kaplan-meier": 1e-12,
    "log-rank": 1e-9,
    "glm": 1e-8,
    "cox by poisson": 0.005,
    "medians": 0.0,
    # In widths of a bin.
    "quantiles": 1.0,
    # Printed values by days, in months or halves of a unit.
    "printed": 1.0,
}


class Account:
    """Every comparison that was made."""

    def __init__(self):
        self.made = dict.fromkeys(TOLERANCES, 0)
        self.worst = dict.fromkeys(TOLERANCES, 0.0)
        self.failed = []

    def near(self, kind, what, told, pooled, scale=None):
        """Compares two numbers; `scale` is what their difference is measured in."""
        difference = abs(told - pooled)
        scale = abs(pooled) if scale is None else scale
        apart = difference / scale if scale else difference
        self.made[kind] += 1
        self.worst[kind] = max(self.worst[kind], apart)
        # What is no number is not near anything.
        if not apart <= TOLERANCES[kind]:
            self.failed.append(f"{kind}: {what}: {told!r}, pooled {pooled!r}")

    def each(self, kind, what, told, pooled, scale=None):
        """Compares two tables, cell by cell; neither may have a cell that the other has not."""
        told, pooled = keyed(told), keyed(pooled)
        if not told or told.keys() != pooled.keys():
            apart = set(told) ^ set(pooled)
            self.failed.append(f"{kind}: {what}: cells {sorted(map(str, apart))[:5]} of one only")
            return
        for key, value in pooled.items():
            self.near(kind, f"{what} {key}", told[key], value, scale)

    def closed(self):
        """Prints the account; whether everything agreed."""
        for failure in self.failed:
            print(f"apart: {failure}", file=sys.stderr)
        for kind, tolerance in TOLERANCES.items():
            made, worst = self.made[kind], self.worst[kind]
            print(f"{kind}: {made} compared, {worst:.2e} apart, {tolerance} allowed")
        print(f"pooled: {sum(self.made.values())} compared, {len(self.failed)} apart")
        return not self.failed and all(self.made.values())


def keyed(cells):
    """A series as a dictionary of its cells; a missing category is `None`."""

    def plain(key):
        key = key if isinstance(key, tuple) else (key,)
        return tuple(None if pandas.isna(one) else str(one) for one in key)

    return {plain(key): value for key, value in cells.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("command", choices=["write", "check"])
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--node", action="append", type=pathlib.Path)
    parser.add_argument("--target")
    parser.add_argument("--token-file", type=pathlib.Path)
    parser.add_argument("--permit-file", type=pathlib.Path)
    args = parser.parse_args()
    # Libraries warn of one another's deprecations; what matters is compared.
    warnings.simplefilter("ignore")
    kept = args.work / "views.pickle"
    if args.command == "write":
        if len(args.node) != real_data.NODES:
            parser.error(f"--node is needed {real_data.NODES} times")
        views = real_data.views(args.work)
        kept.write_bytes(pickle.dumps(views))
        print(json.dumps(publishing.write(views, args.node)))
        return 0
    # The stubs are made when it is imported, and only here they are needed.
    import pooled_checks

    views = {view.name: view.rows for view in pickle.loads(kept.read_bytes())}
    token, permit = (file.read_text().strip() for file in (args.token_file, args.permit_file))
    account = Account()
    pooled_checks.all_of(args.target, token, permit, views, account)
    return 0 if account.closed() else 1


if __name__ == "__main__":
    sys.exit(main())
