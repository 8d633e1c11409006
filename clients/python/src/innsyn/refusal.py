"""Why a register refused to count, as far as it tells: never for what is in its data."""

from __future__ import annotations

from dataclasses import dataclass

from .research.v1 import research_pb2 as wire

_WORDS = {
    "settings_too_old": "what people there have said about the use of their data is too old",
    "steward": "its steward says no",
    "data_permit": "it does not accept the data permit",
    "outside_data_permit": "it reads the query as outside the data permit",
}


@dataclass(frozen=True)
class Refusal:
    """A register's no."""

    #: `settings_too_old`, `steward`, `data_permit` or `outside_data_permit`; empty if it is not
    #: told, or for a reason that this version does not know.
    reason: str
    #: What the register has signed of it, a signed note with lines of text; empty if nothing.
    receipt: str = ""
    #: Whether the gateway has checked the receipt's signature.
    is_signature_checked: bool = False

    @property
    def why(self) -> str:
        """The reason in words; empty if it is not told."""
        return _WORDS.get(self.reason, "")

    @staticmethod
    def of(register: wire.RegisterProgress) -> Refusal | None:
        """What was told of a register; nothing of one that did not refuse."""
        if register.state != wire.REGISTER_STATE_REFUSED:
            return None
        receipt = register.refusal_receipt
        return Refusal(_reason(register.refusal_reason), receipt.text, receipt.is_signature_checked)


def _reason(reason: int) -> str:
    try:
        name = wire.RefusalReason.Name(wire.RefusalReason.ValueType(reason))
    except ValueError:
        return ""
    name = name.removeprefix("REFUSAL_REASON_").lower()
    return "" if name == "unspecified" else name
