//! The numbers that stand for kinds, acts and parties in the records. They are for ever.

use innsyn_policy::{Act, CaseKind, Party, Verdict};

pub(super) const fn of_kind(kind: CaseKind) -> i64 {
    match kind {
        CaseKind::Insight => 1,
        CaseKind::Correction => 2,
        CaseKind::Deletion => 3,
        CaseKind::Blocking => 4,
        CaseKind::Reservation => 5,
    }
}

pub(super) const fn of_act(act: Act) -> i64 {
    match act {
        Act::Open => 1,
        Act::Message => 2,
        Act::Begin => 3,
        Act::Extend => 4,
        Act::Answer(Verdict::Accepted) => 5,
        Act::Answer(Verdict::Partly) => 6,
        Act::Answer(Verdict::Refused) => 7,
        Act::Appeal => 8,
    }
}

pub(super) const fn of_party(party: Party) -> i64 {
    match party {
        Party::Person => 1,
        Party::Representative => 2,
        Party::Clerk => 3,
    }
}

/// `None` for a number without a meaning; so for the others.
pub(super) fn kind(code: i64) -> Option<CaseKind> {
    CaseKind::ALL.into_iter().find(|it| of_kind(*it) == code)
}

pub(super) fn act(code: i64) -> Option<Act> {
    Act::ALL.into_iter().find(|it| of_act(*it) == code)
}

pub(super) fn party(code: i64) -> Option<Party> {
    Party::ALL.into_iter().find(|it| of_party(*it) == code)
}
