"""What both clients share: the command line, and how a listing is shown.

A national identity number and a token are read from files, never from the command line, where
every other user of the machine could read them.
"""

import argparse
import ipaddress
import json
import pathlib
import sys

# What a client waits beyond the listing's own deadline, in milliseconds.
GRACE_MS = 2_000
# The deadline that a gateway takes if it is told none, in milliseconds.
DEADLINE_DEFAULT_MS = 3_000


class ListingError(Exception):
    """The gateway gave no listing. Says why, and never about whom."""


def arguments(description, where, where_help):
    """Reads the command line; `where` is the option that says where the gateway is."""
    # Without abbreviations, so that `--national-id NUMBER` is not taken for a file.
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument(where, required=True, help=where_help)
    parser.add_argument("--token-file", required=True, type=pathlib.Path, help="the citizen's token")
    parser.add_argument(
        "--national-id-file", required=True, type=pathlib.Path, help="the number asked about"
    )
    parser.add_argument(
        "--ca-file", type=pathlib.Path, help="certificates to trust, instead of the system's"
    )
    parser.add_argument("--deadline-ms", type=int, help="how long to wait for registers, 200 to 10000")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def is_loopback(host):
    """Whether `host` is this machine, so that TLS may be left out."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def timeout_seconds(args):
    """How long a client waits for the whole listing."""
    return ((args.deadline_ms or DEADLINE_DEFAULT_MS) + GRACE_MS) / 1_000


def run(parser, fetch):
    """Fetches a listing and prints it. Returns the program's exit code."""
    args = parser.parse_args()
    try:
        token = args.token_file.read_text().strip()
        national_id = args.national_id_file.read_text().strip()
        listing = fetch(args, token, national_id)
        # Over gRPC they come as they answer; in one order two listings can be compared.
        listing["registrations"].sort(key=lambda registration: registration["registerId"])
    except (ListingError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(listing, indent=2, ensure_ascii=False) if args.json else table(listing))
    return 0


def table(listing):
    """The listing as text: a line for every register, then the account of all."""
    rows = [
        (
            registration["registerId"],
            registration["outcome"],
            registration.get("reason") or "",
            registration.get("registeredSince") or "",
        )
        for registration in listing["registrations"]
    ]
    rows.insert(0, ("REGISTER", "OUTCOME", "REASON", "SINCE"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    summary = listing["summary"]
    complete = "complete" if summary["complete"] else "NOT complete"
    lines.append("")
    lines.append(
        f"{summary['registers']} registers, {summary['answered']} of {summary['asked']} asked"
        f" answered: {complete}"
    )
    return "\n".join(lines)
