from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_REGISTERED: _ClassVar[Outcome]
    OUTCOME_NOT_REGISTERED: _ClassVar[Outcome]
    OUTCOME_DELETED: _ClassVar[Outcome]
    OUTCOME_WITHHELD: _ClassVar[Outcome]
    OUTCOME_CANNOT_BE_ASKED: _ClassVar[Outcome]
    OUTCOME_NO_ANSWER: _ClassVar[Outcome]
    OUTCOME_NOT_CONNECTED: _ClassVar[Outcome]

class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASON_UNSPECIFIED: _ClassVar[Reason]
    REASON_AREA_NOT_COVERED: _ClassVar[Reason]
    REASON_SENSITIVE_FROM_TWELVE: _ClassVar[Reason]
    REASON_DEIDENTIFIED: _ClassVar[Reason]
    REASON_PSEUDONYMOUS: _ClassVar[Reason]
    REASON_TIMEOUT: _ClassVar[Reason]
    REASON_UNRESPONSIVE: _ClassVar[Reason]
    REASON_DOWN: _ClassVar[Reason]
    REASON_RELAY_DOWN: _ClassVar[Reason]
    REASON_LOG_UNAVAILABLE: _ClassVar[Reason]
    REASON_OVER_CAP: _ClassVar[Reason]
    REASON_REFUSED: _ClassVar[Reason]
    REASON_SOURCE_UNAVAILABLE: _ClassVar[Reason]
    REASON_INVALID_ANSWER: _ClassVar[Reason]
    REASON_OVERLOADED: _ClassVar[Reason]

class RegisterKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REGISTER_KIND_UNSPECIFIED: _ClassVar[RegisterKind]
    REGISTER_KIND_CENTRAL: _ClassVar[RegisterKind]
    REGISTER_KIND_QUALITY: _ClassVar[RegisterKind]
    REGISTER_KIND_SURVEY: _ClassVar[RegisterKind]
    REGISTER_KIND_BIOBANK: _ClassVar[RegisterKind]

class LegalBasis(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEGAL_BASIS_UNSPECIFIED: _ClassVar[LegalBasis]
    LEGAL_BASIS_MANDATORY: _ClassVar[LegalBasis]
    LEGAL_BASIS_MANDATORY_WITH_RESERVATION: _ClassVar[LegalBasis]
    LEGAL_BASIS_RESERVATION: _ClassVar[LegalBasis]
    LEGAL_BASIS_CONSENT: _ClassVar[LegalBasis]
    LEGAL_BASIS_PSEUDONYMOUS: _ClassVar[LegalBasis]
    LEGAL_BASIS_DEIDENTIFIED: _ClassVar[LegalBasis]

class Purpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PURPOSE_UNSPECIFIED: _ClassVar[Purpose]
    PURPOSE_OWN_INSIGHT: _ClassVar[Purpose]
    PURPOSE_TREATMENT: _ClassVar[Purpose]
    PURPOSE_QUALITY_IMPROVEMENT: _ClassVar[Purpose]
    PURPOSE_RESEARCH: _ClassVar[Purpose]
    PURPOSE_ADMINISTRATION: _ClassVar[Purpose]

class InsightMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INSIGHT_METHOD_UNSPECIFIED: _ClassVar[InsightMethod]
    INSIGHT_METHOD_LIVE_QUERY: _ClassVar[InsightMethod]
    INSIGHT_METHOD_DIALOG: _ClassVar[InsightMethod]
    INSIGHT_METHOD_LINK: _ClassVar[InsightMethod]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_REGISTERED: Outcome
OUTCOME_NOT_REGISTERED: Outcome
OUTCOME_DELETED: Outcome
OUTCOME_WITHHELD: Outcome
OUTCOME_CANNOT_BE_ASKED: Outcome
OUTCOME_NO_ANSWER: Outcome
OUTCOME_NOT_CONNECTED: Outcome
REASON_UNSPECIFIED: Reason
REASON_AREA_NOT_COVERED: Reason
REASON_SENSITIVE_FROM_TWELVE: Reason
REASON_DEIDENTIFIED: Reason
REASON_PSEUDONYMOUS: Reason
REASON_TIMEOUT: Reason
REASON_UNRESPONSIVE: Reason
REASON_DOWN: Reason
REASON_RELAY_DOWN: Reason
REASON_LOG_UNAVAILABLE: Reason
REASON_OVER_CAP: Reason
REASON_REFUSED: Reason
REASON_SOURCE_UNAVAILABLE: Reason
REASON_INVALID_ANSWER: Reason
REASON_OVERLOADED: Reason
REGISTER_KIND_UNSPECIFIED: RegisterKind
REGISTER_KIND_CENTRAL: RegisterKind
REGISTER_KIND_QUALITY: RegisterKind
REGISTER_KIND_SURVEY: RegisterKind
REGISTER_KIND_BIOBANK: RegisterKind
LEGAL_BASIS_UNSPECIFIED: LegalBasis
LEGAL_BASIS_MANDATORY: LegalBasis
LEGAL_BASIS_MANDATORY_WITH_RESERVATION: LegalBasis
LEGAL_BASIS_RESERVATION: LegalBasis
LEGAL_BASIS_CONSENT: LegalBasis
LEGAL_BASIS_PSEUDONYMOUS: LegalBasis
LEGAL_BASIS_DEIDENTIFIED: LegalBasis
PURPOSE_UNSPECIFIED: Purpose
PURPOSE_OWN_INSIGHT: Purpose
PURPOSE_TREATMENT: Purpose
PURPOSE_QUALITY_IMPROVEMENT: Purpose
PURPOSE_RESEARCH: Purpose
PURPOSE_ADMINISTRATION: Purpose
INSIGHT_METHOD_UNSPECIFIED: InsightMethod
INSIGHT_METHOD_LIVE_QUERY: InsightMethod
INSIGHT_METHOD_DIALOG: InsightMethod
INSIGHT_METHOD_LINK: InsightMethod

class Register(_message.Message):
    __slots__ = ("id", "name", "name_en", "description", "kind", "legal_basis", "membership_is_sensitive", "controller", "contact_email", "insight_method", "insight_link")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_EN_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_IS_SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_FIELD_NUMBER: _ClassVar[int]
    CONTACT_EMAIL_FIELD_NUMBER: _ClassVar[int]
    INSIGHT_METHOD_FIELD_NUMBER: _ClassVar[int]
    INSIGHT_LINK_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    name_en: str
    description: str
    kind: RegisterKind
    legal_basis: LegalBasis
    membership_is_sensitive: bool
    controller: str
    contact_email: str
    insight_method: InsightMethod
    insight_link: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., name_en: _Optional[str] = ..., description: _Optional[str] = ..., kind: _Optional[_Union[RegisterKind, str]] = ..., legal_basis: _Optional[_Union[LegalBasis, str]] = ..., membership_is_sensitive: _Optional[bool] = ..., controller: _Optional[str] = ..., contact_email: _Optional[str] = ..., insight_method: _Optional[_Union[InsightMethod, str]] = ..., insight_link: _Optional[str] = ...) -> None: ...
