//! The books balance whatever is told.

use innsyn_policy::{CannotBeAskedReason, Presence, WithheldReason};
use proptest::prelude::*;

use super::*;

fn update(register: usize, outcome: Outcome) -> Update {
    Update {
        register,
        outcome,
        use_log_leaf: None,
    }
}

fn outcomes() -> [Outcome; 7] {
    [
        Outcome::Registered(Presence::default()),
        Outcome::NotRegistered,
        Outcome::Deleted(Presence::default()),
        Outcome::Withheld(WithheldReason::AreaNotCovered),
        Outcome::CannotBeAsked(CannotBeAskedReason::Deidentified),
        Outcome::NoAnswer(NoAnswerReason::Down),
        Outcome::NotConnected,
    ]
}

#[test]
fn the_summary_counts_what_was_asked_and_what_answered() {
    let mut account = Account::new(7);
    for (register, outcome) in outcomes().into_iter().enumerate() {
        account.book(&update(register, outcome)).unwrap();
    }

    let summary = account.summary(Duration::from_millis(42));

    assert_eq!(summary.registers, 7);
    assert_eq!(summary.asked, 5);
    assert_eq!(summary.answered, 4);
    assert!(!summary.complete);
    assert_eq!(summary.counts.len(), 7);
    assert_eq!(summary.elapsed_ms, 42);
}

#[test]
fn a_listing_is_complete_when_all_that_can_be_asked_have_answered() {
    let mut account = Account::new(3);
    account.book(&update(0, Outcome::NotRegistered)).unwrap();
    account.book(&update(1, Outcome::NotConnected)).unwrap();
    let withheld = Outcome::Withheld(WithheldReason::AreaNotCovered);
    account.book(&update(2, withheld)).unwrap();

    assert!(account.summary(Duration::ZERO).complete);
}

proptest! {
    /// Whatever a fan-out tells (too little, twice, of registers that there are not), every
    /// register has one outcome in the end and the counts add up.
    #[test]
    fn promise_1_every_register_is_accounted_for(
        registers in 1_usize..40,
        told in prop::collection::vec((0_usize..50, 0_usize..7), 0..120),
    ) {
        let mut account = Account::new(registers);
        let mut rows = vec![0; registers];
        for (register, outcome) in told {
            if account.book(&update(register, outcomes()[outcome])).is_ok() {
                rows[register] += 1;
            }
        }
        for missing in account.close(NoAnswerReason::InvalidAnswer) {
            rows[missing.register] += 1;
        }

        prop_assert_eq!(account.open(), 0);
        prop_assert!(rows.iter().all(|outcomes| *outcomes == 1));
        let summary = account.summary(Duration::ZERO);
        prop_assert_eq!(summary.registers as usize, registers);
        prop_assert_eq!(summary.counts.iter().map(|c| c.registers).sum::<u32>(), summary.registers);
    }
}
