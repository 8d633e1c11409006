"""Plain words for a gateway that is not there, or that goes away during a call.

A gateway's refusal says itself what to do. When a connection ends, nobody is left to say anything
but the library below, and its words are about sockets; they stand last, for whoever looks for the
fault.

That nothing is charged twice may be said of every call: a gateway writes a table into its ledger
before it leaves, under the name of the query, and charges with that one entry. Whatever became of
the call, the same query asked again finds the entry, or makes the first one. Registers, too,
charge a query over the same data once.
"""

from __future__ import annotations


def broke_off(target: str, cause: str) -> str:
    """A run had begun."""
    return (
        f"the gateway at {target} broke off in the middle of the run: it was stopped or started "
        "again, or the network failed. Ask the same query again in a moment; nothing is charged "
        "twice: if its table was released already, you get that one, and if not, a new one "
        f"({cause})"
    )


def unreachable(target: str, cause: str) -> str:
    """No gateway has answered."""
    return (
        f"the gateway at {target} cannot be reached, or went away before it answered. Try again in "
        "a moment; a query that is asked again is not charged twice. If that does not help, see "
        "whether address, network and certificates are right, and ask whoever runs the gateway "
        f"({cause})"
    )


def too_late(target: str) -> str:
    """The caller has stopped waiting."""
    return (
        f"the gateway at {target} did not end within the time that it was given, and may be cut "
        "off. Ask the same query again; nothing is charged twice: if its table was released "
        "already, you get that one, and if not, a new one"
    )
