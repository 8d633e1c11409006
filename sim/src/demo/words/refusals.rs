//! Why a register did not count, in Norwegian and in English.

use innsyn_proto::wire::research::v1::RefusalReason as Reason;

/// Each reason that is told.
pub(in crate::demo) const REASONS: [(Reason, &str, &str); 4] = [
    (
        Reason::SettingsTooOld,
        "det folk har sagt om bruk av sine data, er for gammelt der",
        "what people have said about the use of their data is too old there",
    ),
    (
        Reason::Steward,
        "den som bestemmer der, sier nei",
        "their steward says no",
    ),
    (
        Reason::DataPermit,
        "godtar ikke tillatelsen",
        "the data permit is not accepted",
    ),
    (
        Reason::OutsideDataPermit,
        "leser spørsmålet som utenfor tillatelsen",
        "the query is read as outside the data permit",
    ),
];
