use std::sync::Arc;

use innsyn_policy::{Covers, Purpose, Setting, SettingKind, Settings, Timestamp};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::test_ids::person;

fn fields<'a>(kind: &'a str, purpose: &'a str, from: &'a str, until: &'a str) -> SettingFields<'a> {
    SettingFields {
        kind: Some(kind),
        purpose: Some(purpose),
        from: Some(from),
        until: Some(until),
    }
}

fn recorded(rows: &[(usize, SettingFields<'_>)]) -> RecordedSettings {
    builder(rows).finish()
}

fn builder(rows: &[(usize, SettingFields<'_>)]) -> SettingsBuilder {
    let key = Arc::new(SubjectKey::generate(&mut StdRng::seed_from_u64(1), None));
    let mut builder = SettingsBuilder::new(Arc::clone(&key));
    for (who, fields) in rows {
        builder.push(key.tag_of(&person(*who)), fields);
    }
    builder
}

#[test]
fn a_row_means_what_its_words_say() {
    let row = fields(
        "reservation",
        "research",
        "2024-06-01",
        "2024-07-01T12:00:00Z",
    );

    assert_eq!(
        row.meaning(),
        Some(Setting {
            kind: SettingKind::Reservation,
            covers: Covers::purpose(Purpose::Research),
            // Norwegian midnight in summer is 22:00 UTC the day before.
            from: Timestamp::from_seconds(1_717_192_800),
            until: Some(Timestamp::from_seconds(1_719_835_200)),
        })
    );
}

#[test]
fn without_a_purpose_it_is_every_secondary_use_and_without_an_end_it_stands() {
    let meaning = fields("samtykke", " ", "2024-06-01T08:00:00", "").meaning();

    let setting = meaning.expect("a defined row");
    assert_eq!(setting.kind, SettingKind::Consent);
    assert_eq!(
        (setting.covers, setting.until),
        (Covers::secondary_use(), None)
    );
    // 08:00 in Norway is 06:00 UTC in June.
    assert_eq!(setting.from, Timestamp::from_seconds(1_717_221_600));
}

#[test]
fn an_unknown_word_or_a_malformed_date_makes_only_that_person_undefined() {
    let undefined = [
        fields("maybe", "", "2024-01-01", ""),
        fields("block", "marketing", "2024-01-01", ""),
        fields("block", "", "", ""),
        fields("block", "", "yesterday", ""),
        fields("block", "", "2024-13-01", ""),
        fields("block", "", "2024-01-01", "never"),
        fields("block", "", "2024-02-01", "2024-01-01"),
        SettingFields::default(),
    ];
    for row in undefined {
        let good = fields("consent", "", "2024-01-01", "");
        let settings = recorded(&[(0, good), (0, row), (1, good)]);

        assert_eq!(settings.of(&person(0)), Settings::Undefined);
        assert!(matches!(settings.of(&person(1)), Settings::Known([_])));
    }
}

#[test]
fn nothing_recorded_is_known_to_be_nothing() {
    let settings = recorded(&[(0, fields("block", "", "2024-01-01", ""))]);

    assert_eq!(settings.of(&person(1)), Settings::Known(&[]));
}

#[test]
fn all_rows_of_a_person_are_given_together() {
    let consent = fields("consent", "", "2024-01-01", "");
    let block = fields("block", "treatment", "2024-01-01", "");
    let settings = recorded(&[(0, consent), (1, consent), (0, block)]);

    let Settings::Known(known) = settings.of(&person(0)) else {
        panic!("defined rows are known");
    };
    let kinds: Vec<_> = known.iter().map(|setting| setting.kind).collect();
    assert_eq!(kinds, [SettingKind::Consent, SettingKind::Block]);
}

#[test]
fn a_table_that_broke_off_counts_for_nothing() {
    let mut builder = builder(&[(0, fields("consent", "", "2024-01-01", ""))]);
    builder.unreadable();
    let settings = builder.finish();

    assert!(settings.is_unreadable());
    assert_eq!(settings.of(&person(0)), Settings::Unreadable);
    assert_eq!(settings.of(&person(1)), Settings::Unreadable);
}
