//! What may be done in a case, by whom and from where.

mod clock;
mod conduct;

use proptest::prelude::*;

use super::{Act, Case, CaseKind, CaseState, CaseText, CaseTextError, Party, Step, StepError};
use super::{CASE_TEXT_BYTES_MAX, MESSAGES_OF_A_SIDE_MAX, Standing, Verdict};
use crate::time::Timestamp;

const DAY: i64 = 24 * 3600;

fn step(act: Act, by: Party, day: i64) -> Step {
    Step {
        act,
        by,
        // 2027-01-10 at noon, and so many days.
        at: Timestamp::from_seconds(1_799_582_400 + day * DAY),
        has_words: true,
    }
}

fn opened() -> Case {
    Case::open(CaseKind::Correction, step(Act::Open, Party::Person, 0)).unwrap()
}

/// A case in each state that there is.
fn cases() -> Vec<Case> {
    let clerk = |act| step(act, Party::Clerk, 1);
    let mut cases = vec![opened()];
    let mut begun = opened();
    begun.take(clerk(Act::Begin)).unwrap();
    cases.push(begun.clone());
    for verdict in Verdict::ALL {
        let mut answered = begun.clone();
        answered.take(clerk(Act::Answer(verdict))).unwrap();
        cases.push(answered);
    }
    let mut appealed = cases[4].clone();
    let appeal = step(Act::Appeal, Party::Person, 2);
    appealed.take(appeal).unwrap();
    cases.push(appealed.clone());
    appealed
        .take(step(Act::Answer(Verdict::Refused), Party::Clerk, 3))
        .unwrap();
    cases.push(appealed);
    cases
}

/// Who may do what from where, written down anew: a row for each act, a column for each case of
/// [`cases`]; `c` is the citizen's side, `r` the register, `b` both.
const TABLE: [(&str, &str); 6] = [
    ("open", "-------"),
    ("message", "bb---b-"),
    ("begin", "r------"),
    ("extend", "rr-----"),
    ("answer", "rr---r-"),
    ("appeal", "--ccc--"),
];

#[test]
fn every_act_is_allowed_from_where_the_table_says_and_to_whom() {
    for act in Act::ALL {
        let row = TABLE.iter().find(|(name, _)| *name == act.name()).unwrap();
        for (case, who) in cases().into_iter().zip(row.1.chars()) {
            for by in Party::ALL {
                let allowed = match who {
                    'b' => true,
                    'c' => by != Party::Clerk,
                    'r' => by == Party::Clerk,
                    _ => false,
                };
                let taken = case.clone().take(step(act, by, 4));
                assert_eq!(taken.is_ok(), allowed, "{act:?} {by:?} {:?}", case.state());
            }
        }
    }
}

#[test]
fn the_register_cannot_open_a_case_for_a_citizen() {
    let open = |by| Case::open(CaseKind::Deletion, step(Act::Open, by, 0)).map(|case| case.state());
    assert_eq!(open(Party::Person), Ok(CaseState::Received));
    assert_eq!(open(Party::Representative), Ok(CaseState::Received));
    assert_eq!(open(Party::Clerk), Err(StepError::CitizensAlone));
}

#[test]
fn a_no_in_whole_or_in_part_needs_a_reason_and_so_does_an_extension() {
    for act in Act::ALL {
        for mut case in cases() {
            for by in Party::ALL {
                let silent = Step {
                    has_words: false,
                    ..step(act, by, 4)
                };
                if case.clone().take(step(act, by, 4)).is_ok() && act.needs_words() {
                    assert_eq!(case.take(silent), Err(StepError::WordsMissing), "{act:?}");
                }
            }
        }
    }
    assert!(Act::Answer(Verdict::Refused).needs_words());
    assert!(Act::Answer(Verdict::Partly).needs_words());
    assert!(Act::Extend.needs_words());
}

#[test]
fn a_case_is_extended_once_within_the_first_month() {
    let extend = |day| step(Act::Extend, Party::Clerk, day);
    let mut case = opened();
    // Received on 10 January, due on 10 February: the 31st day after.
    assert_eq!(
        case.clone().take(extend(32)),
        Err(StepError::TooLateToExtend)
    );
    case.take(extend(31)).unwrap();
    assert_eq!(case.deadline().due().to_string(), "2027-04-10");
    assert_eq!(case.take(extend(31)), Err(StepError::ExtendedBefore));

    let mut appealed = cases().remove(5);
    assert_eq!(appealed.take(extend(5)), Err(StepError::ExtendedBefore));
}

#[test]
fn an_answered_case_is_late_or_not_by_when_it_was_answered() {
    let at = |day| step(Act::Message, Party::Clerk, day).at;
    let mut case = opened();
    assert_eq!(case.standing(at(29)), Standing::InTime);
    assert_eq!(case.standing(at(31)), Standing::PastTarget);
    assert_eq!(case.standing(at(32)), Standing::Overdue);
    let mut in_time = case.clone();
    in_time
        .take(step(Act::Answer(Verdict::Accepted), Party::Clerk, 20))
        .unwrap();
    assert_eq!(in_time.standing(at(500)), Standing::InTime);
    case.take(step(Act::Answer(Verdict::Accepted), Party::Clerk, 40))
        .unwrap();
    assert_eq!(case.standing(at(500)), Standing::Overdue);
    // An appeal has a month of its own.
    case.take(step(Act::Appeal, Party::Person, 41)).unwrap();
    assert_eq!(case.standing(at(42)), Standing::InTime);
    assert_eq!(case.standing(at(41 + 32)), Standing::Overdue);
}

#[test]
fn one_side_cannot_fill_a_case_for_the_other() {
    let mut case = opened();
    for _ in 0..MESSAGES_OF_A_SIDE_MAX {
        case.take(step(Act::Message, Party::Representative, 1))
            .unwrap();
    }
    let more = case.take(step(Act::Message, Party::Person, 1));
    assert_eq!(more, Err(StepError::TooManyMessages));
    case.take(step(Act::Message, Party::Clerk, 1)).unwrap();
    case.take(step(Act::Answer(Verdict::Refused), Party::Clerk, 1))
        .unwrap();
}

#[test]
fn a_text_is_something_to_read_and_is_not_printed() {
    assert_eq!(CaseText::parse(" \n\t"), Err(CaseTextError::Blank));
    let longest = "å".repeat(CASE_TEXT_BYTES_MAX / 2);
    assert_eq!(CaseText::parse(&longest).unwrap().expose(), longest);
    let longer = format!("{longest}a");
    assert_eq!(CaseText::parse(&longer), Err(CaseTextError::TooLong));
    let steers = CaseText::parse("rød \u{1b}[31m");
    assert_eq!(steers, Err(CaseTextError::ControlCharacters));
    let text = CaseText::parse(" Fødselsåret er feil.\r\n").unwrap();
    assert_eq!(text.expose(), "Fødselsåret er feil.");
    assert!(!format!("{text:?}").contains("feil"));
}

proptest! {
    /// Whatever is tried in whatever order: a step that is refused changes nothing, a case is
    /// answered at most twice, extended and appealed at most once, and what was taken can be
    /// taken again from the beginning with the same end.
    #[test]
    fn a_case_is_what_its_steps_make_of_it(
        kind in prop::sample::select(CaseKind::ALL.to_vec()),
        tried in prop::collection::vec(
            (
                prop::sample::select(Act::ALL.to_vec()),
                prop::sample::select(Party::ALL.to_vec()),
                -1_i64..40,
                any::<bool>(),
            ),
            0..60,
        ),
    ) {
        let first = step(Act::Open, Party::Person, 0);
        let mut case = Case::open(kind, first).unwrap();
        let mut taken = vec![first];
        let mut day = 0;
        for (act, by, later, has_words) in tried {
            let next = Step { has_words, ..step(act, by, day + later) };
            let before = case.clone();
            if case.take(next).is_ok() {
                prop_assert!(later >= 0);
                prop_assert!(has_words || !act.needs_words());
                let may_stay = matches!(act, Act::Message | Act::Extend);
                prop_assert!(may_stay || before.state() != case.state());
                taken.push(next);
                day += later;
            } else {
                prop_assert_eq!(&before, &case);
            }
        }
        let count = |name| taken.iter().filter(|step| step.act.name() == name).count();
        prop_assert!(count("answer") <= 2);
        prop_assert!(count("appeal") <= 1);
        prop_assert!(count("extend") <= 1);
        prop_assert_eq!(case.state().is_open(), count("answer") == count("appeal"));
        prop_assert_eq!(Case::replay(kind, taken), Ok(case));
    }
}
