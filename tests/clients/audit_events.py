"""Validates an export of the log of use as a bundle of FHIR R4 AuditEvent.

With the R4B models of `fhir.resources`, whose AuditEvent is that of R4: R4B changed others only.
Prints how many events there are. Each is also taken apart: without any one of the elements that
FHIR demands, the same library must refuse it, so that a library that accepts everything is found.
"""

import copy
import json
import sys

from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
from pydantic import ValidationError

DEMANDED = ["type", "recorded", "agent", "source"]


def refused(event: dict) -> bool:
    try:
        AuditEvent.model_validate(event)
    except ValidationError:
        return True
    return False


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        written = json.load(file)
    bundle = Bundle.model_validate(copy.deepcopy(written))
    assert bundle.type == "collection"
    for entry in written["entry"]:
        event = entry["resource"]
        AuditEvent.model_validate(copy.deepcopy(event))
        for element in DEMANDED:
            lacking = copy.deepcopy(event)
            del lacking[element]
            assert refused(lacking), f"an event without `{element}` is accepted"
    print(f"{len(bundle.entry)} events")


main(sys.argv[1])
