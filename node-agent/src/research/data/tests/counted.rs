//! Who may be counted.

use std::time::Duration;

use innsyn_policy::decision::secondary_use;
use innsyn_policy::{Identifiability, LegalBasis, Purpose, Timestamp, Use};
use proptest::prelude::*;

use super::super::ResearchData;
use super::world::{Agent, Folder, HOUR, VIEW, at};
use crate::research::compute::{Countable as _, SettingsRead};
use crate::test_ids::person;
use Purpose::{Administration, OwnInsight, QualityImprovement, Research, Treatment};

/// Statistics of whatever the register has.
fn of_all(purpose: Purpose) -> Use {
    Use::of_all(purpose, Identifiability::Aggregate)
}

const PEOPLE: [usize; 6] = [0, 1, 2, 3, 4, 5];

/// A register of six people with these settings, the sixth of whom is deleted from it.
async fn agent(basis: LegalBasis, settings: &[(usize, &str)]) -> (Folder, Agent) {
    let folder = Folder::of(&[], VIEW);
    folder.write_persons(&PEOPLE[..5], &PEOPLE[5..]);
    let rows = PEOPLE.map(|who| (who, "A10"));
    folder.write_prescriptions(&rows);
    folder.write_settings(settings);
    let agent = Agent::with_basis(&folder, basis).await;
    agent.publish().await;
    (folder, agent)
}

fn numbers(research: &ResearchData, purpose: Purpose, now: Timestamp) -> Vec<u32> {
    research
        .included(&of_all(purpose), now)
        .persons()
        .iter()
        .collect()
}

impl Agent {
    fn counted(&self, purpose: Purpose, now: Timestamp) -> Vec<u32> {
        let research = self.store.current().research().expect("published");
        numbers(&research, purpose, now)
    }

    fn settings(&self, purpose: Purpose, now: Timestamp) -> SettingsRead {
        let research = self.store.current().research().expect("published");
        research.settings(&of_all(purpose), now)
    }
}

#[tokio::test]
async fn promise_5_who_said_no_is_not_counted_and_who_was_deleted_never() {
    let said = [
        (0, "reservation,research,2026-01-01,"),
        (1, "block,,2026-01-01,2026-02-01"),
        (2, "consent,research,2026-01-01,"),
        (2, "block,quality_improvement,2026-01-01,"),
        (5, "consent,research,2026-01-01,"),
    ];
    let (_folder, agent) = agent(LegalBasis::MandatoryWithReservation, &said).await;
    let now = agent.now();

    assert_eq!(agent.counted(Research, now), [1, 2, 3, 4]);
    assert_eq!(agent.counted(QualityImprovement, now), [0, 1, 3, 4]);
    assert_eq!(agent.counted(Administration, now), [0, 1, 2, 3, 4]);
    let while_blocked = at("2026-01-15T12:00:00Z");
    assert_eq!(agent.counted(Administration, while_blocked), [0, 2, 3, 4]);
    assert!(agent.counted(OwnInsight, now).is_empty());
    assert!(agent.counted(Treatment, now).is_empty());
}

#[tokio::test]
async fn promise_5_where_consent_is_needed_only_those_who_gave_it_are_counted() {
    let said = [
        (0, "consent,research,2026-01-01,"),
        (1, "consent,research,2026-01-01,2026-02-01"),
        (2, "consent,quality_improvement,2026-01-01,"),
        (3, "consent,,2026-01-01,"),
        (3, "reservation,research,2026-03-01,"),
        (5, "consent,,2026-01-01,"),
    ];
    let (_folder, agent) = agent(LegalBasis::Consent, &said).await;
    let now = agent.now();

    assert_eq!(agent.counted(Research, now), [0]);
    assert_eq!(agent.counted(QualityImprovement, now), [2, 3]);
    assert_eq!(agent.counted(Administration, now), [3]);
}

#[tokio::test]
async fn promise_5_what_is_unreadable_stale_or_undefined_means_that_nobody_is_counted() {
    let said = [
        (0, "consent,research,2026-01-01,"),
        (1, "maybe,research,2026-01-01,"),
    ];
    let (folder, agent) = agent(LegalBasis::Mandatory, &said).await;
    let now = agent.now();
    assert_eq!(agent.counted(Research, now), [0, 2, 3, 4]);

    // At the last moment they are still relied on, a microsecond later not.
    let last = now.plus(HOUR);
    assert_eq!(agent.counted(Research, last), [0, 2, 3, 4]);
    let too_late = last.plus(Duration::from_micros(1));
    assert!(agent.counted(Research, too_late).is_empty());
    let settings = |at| agent.settings(Research, at);
    assert!(!settings(last).is_too_old && settings(too_late).is_too_old);
    assert_eq!(settings(too_late).seen_at, Some(now));
    // Seeing that the source says still the same makes them fresh again.
    agent.clock.0.advance(HOUR);
    agent.store.refresh().await.unwrap();
    assert_eq!(agent.counted(Research, too_late), [0, 2, 3, 4]);
    assert!(!agent.settings(Research, too_late).is_too_old);

    folder.write("settings.csv", "something,else\n");
    agent.reload().await;
    agent.publish().await;
    for purpose in [Research, QualityImprovement, Administration] {
        assert!(agent.counted(purpose, agent.now()).is_empty());
        // That is no matter of age.
        assert!(!agent.settings(purpose, agent.now()).is_too_old);
    }
}

fn a_setting() -> impl Strategy<Value = (usize, String)> {
    let kind = prop::sample::select(vec!["consent", "reservation", "block", "nonsense"]);
    let kind = prop_oneof![9 => Just("consent"), 9 => kind];
    let purpose = prop::sample::select(vec!["", "research", "quality_improvement", "treatment"]);
    let day = 1_u32..28;
    (
        0_usize..8,
        kind,
        purpose,
        day.clone(),
        prop::option::of(day),
    )
        .prop_map(|(who, kind, purpose, from, until)| {
            let until = until.map_or(String::new(), |day| format!("2026-02-{day:02}"));
            (who, format!("{kind},{purpose},2026-01-{from:02},{until}"))
        })
}

const BASES: [LegalBasis; 4] = [
    LegalBasis::Mandatory,
    LegalBasis::Reservation,
    LegalBasis::Consent,
    LegalBasis::Pseudonymous,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Deciding about everybody at once is deciding about each.
    #[test]
    fn everybody_at_once_is_decided_as_each_alone(
        said in prop::collection::vec(a_setting(), 0..12),
        basis in prop::sample::select(BASES.to_vec()),
        day in 1_u32..28,
    ) {
        let said: Vec<_> = said.iter().map(|(who, rest)| (*who, rest.as_str())).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (_folder, agent) = runtime.block_on(agent(basis, &said));
        let now = at(&format!("2026-02-{day:02}T12:00:00Z"));
        let data = agent.store.current();
        for purpose in [Research, QualityImprovement, Administration] {
            let alone: Vec<_> = (0..5_u32)
                .filter(|number| {
                    let settings = data.settings_of(&person(*number as usize), now);
                    secondary_use(&of_all(purpose), basis, settings.as_settings(), now).is_ok()
                })
                .collect();
            prop_assert_eq!(agent.counted(purpose, now), alone);
        }
    }
}
