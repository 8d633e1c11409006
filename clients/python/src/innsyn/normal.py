"""The normal form of a query and its name, as `proto/query.md` tells.

The gateway makes them too, and what it says counts; a query can so be found in a ledger without
asking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .research.v1 import query_pb2 as wire

_DOMAIN = b"innsyn.research.v1.Query\n"


def query(given: wire.Query) -> wire.Query:
    """The normal form of a query that can be asked."""
    normal = wire.Query()
    normal.CopyFrom(given)
    normal.registers[:] = sorted(normal.registers, key=str.encode)
    if normal.HasField("population"):
        normal.population.CopyFrom(_rewrite(normal.population, negated=False))
    if normal.HasField("rows"):
        if normal.rows.HasField("where"):
            normal.rows.where.CopyFrom(_rewrite(normal.rows.where, negated=False))
        elif normal.rows.pick == wire.PICK_ALL:
            normal.ClearField("rows")
    return normal


def name(normal: wire.Query) -> str:
    """The name of a normal form, in hexadecimal digits."""
    return hashlib.sha256(_DOMAIN + encoded(normal)).hexdigest()


def encoded(message: wire.Query | wire.Expression) -> bytes:
    """With fields in the order of their numbers."""
    encoding: bytes = message.SerializeToString(deterministic=True)
    return encoding


def _rewrite(given: wire.Expression, *, negated: bool) -> wire.Expression:
    """The normal form of an expression, or of its negation."""
    kind = given.WhichOneof("expression")
    if kind == "not":
        return _rewrite(getattr(given, "not"), negated=not negated)
    if kind in ("all", "any"):
        operands = getattr(given, kind).of
        # Not all is any not.
        return _junction(operands, of_all=(kind == "all") != negated, negated=negated)
    leaf = wire.Expression()
    leaf.CopyFrom(given)
    if kind == "comparison":
        _rewrite_comparison(leaf)
    elif kind == "events" and leaf.events.HasField("where"):
        leaf.events.where.CopyFrom(_rewrite(leaf.events.where, negated=False))
    if leaf.HasField("codes"):
        leaf.codes.codes[:] = _codes(leaf.codes.codes, leaf.codes.with_descendants)
    if not negated:
        return leaf
    negation = wire.Expression()
    getattr(negation, "not").CopyFrom(leaf)
    return negation


def _junction(
    operands: Iterable[wire.Expression], *, of_all: bool, negated: bool
) -> wire.Expression:
    kind = "all" if of_all else "any"
    found: list[wire.Expression] = []
    for operand in operands:
        normal = _rewrite(operand, negated=negated)
        if normal.WhichOneof("expression") == kind:
            found.extend(getattr(normal, kind).of)
        else:
            found.append(normal)
    by_encoding = {encoded(one): one for one in found}
    ordered = [by_encoding[encoding] for encoding in sorted(by_encoding)]
    if len(ordered) == 1:
        return ordered[0]
    of = wire.Expressions(of=ordered)
    return wire.Expression(all=of) if of_all else wire.Expression(any=of)


def _rewrite_comparison(leaf: wire.Expression) -> None:
    comparison = leaf.comparison
    literal = comparison.literal.WhichOneof("literal")
    if literal == "code":
        codes = wire.CodeMembership(variable=comparison.variable, codes=[comparison.literal.code])
        leaf.codes.CopyFrom(codes)
    elif literal == "real" and comparison.literal.real == 0:
        comparison.literal.real = 0.0


def _codes(codes: Iterable[str], with_descendants: bool) -> list[str]:
    kept: list[str] = []
    for code in sorted(set(codes), key=str.encode):
        # Sorted, a code stands before all that begin with it, and nothing stands between.
        if not (with_descendants and kept and code.startswith(kept[-1])):
            kept.append(code)
    return kept
