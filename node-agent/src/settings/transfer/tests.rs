//! A late agent brought up from a whole one: what counts then, what is refused, and crashes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use innsyn_policy::{NationalId, SettingKind, Timestamp};
use innsyn_proto::setting::{Change, ChangeId, Item};
use proptest::prelude::*;

use super::*;
use crate::settings::kept::{OfPerson, Said, Writer};
use crate::test_ids::{NUMBERS, digits, person};

mod refused;
mod represented;
mod rule;
mod story;

use story::*;

#[tokio::test]
async fn a_late_agent_is_whole_after_an_import_and_goes_on_with_the_next_item() {
    let story = Story::new();
    let mut kreft = story.kreft.agent().await;
    // It was met after the fifth, and gets the sixth, of which nobody else hears more than the number.
    kreft.takes(items("kreft", 6..=6)).await;
    kreft.hears(6);
    assert!(!kreft.is_current() && kreft.applied() == 0);
    kreft.clock.advance(Duration::from_secs(46));
    kreft.hears(6);
    assert_eq!(kreft.keeper.stuck().len(), 1);
    story.exported(&kreft).await;

    let told = story.kreft.imports(&mut kreft, &story.file, "").await;
    let TransferOutcome::Done(told) = told.unwrap() else {
        panic!("not imported");
    };
    assert!(told.contains("4 changes were new"), "{told}");
    assert!(told.contains("number 5 of gateway `helsenorge`"), "{told}");
    assert_eq!(kreft.applied(), 6);
    kreft.hears(6);
    assert!(kreft.is_current() && kreft.keeper.stuck().is_empty());
    let stands = |agent: &Agent| {
        assert_eq!(agent.said(1, OPT_OUT), Some(true));
        assert_eq!(agent.said(2, OPT_OUT), Some(false));
        assert_eq!(agent.said(3, OF_NPR), None, "the other register's own");
        assert_eq!(agent.said(3, CONSENT), Some(false));
        assert_eq!(agent.said(4, OF_KREFT), Some(true));
        let OfPerson::Known(settings) = agent.keeper.kept().of(&person(3)) else {
            panic!("undefined");
        };
        assert_eq!(settings[0].kind, SettingKind::Reservation, "taken back");
    };
    stands(&kreft);
    kreft.takes([item(7, "kreft", 5, (OPT_OUT, true))]).await;
    assert_eq!((kreft.applied(), kreft.said(5, OPT_OUT)), (7, Some(true)));

    // One entry for each change, also after a start, and nothing twice.
    kreft.ends().await;
    let questions: BTreeSet<_> = story.kreft.changes().iter().map(|it| it.question).collect();
    assert_eq!((questions.len(), story.kreft.changes().len()), (6, 6));
    let mut kreft = story.kreft.agent().await;
    assert_eq!(kreft.applied(), 7);
    stands(&kreft);
    let again = story.kreft.imports(&mut kreft, &story.file, "").await;
    let TransferOutcome::Done(told) = again.unwrap() else {
        panic!("not imported");
    };
    assert!(told.contains("0 changes were new"), "{told}");
    stands(&kreft);
    assert_eq!(kreft.applied(), 7);
    kreft.ends().await;
    assert_eq!(story.kreft.changes().len(), 6);
}

/// What a person said of the register's own after the agent was met waits at the relay while it is
/// brought up, and an export by others has nothing of it.
#[tokio::test]
async fn promise_5_items_of_its_own_definitions_are_not_passed_over() {
    for comes_later in [false, true] {
        let story = Story::new();
        let mut kreft = story.kreft.agent().await;
        let own = Item {
            number: 4,
            ..item(4, "kreft", 6, (OF_KREFT, true))
        };
        let fifth = items("kreft", 5..=5);
        if !comes_later {
            kreft.takes([own.clone()]).await;
            kreft.takes(fifth.clone()).await;
        }
        story.exported(&kreft).await;
        let told = story.kreft.imports(&mut kreft, &story.file, "").await;
        assert!(matches!(told, Ok(TransferOutcome::Done(_))), "{told:?}");
        if comes_later {
            kreft.takes([own]).await;
            kreft.takes(fifth).await;
        }
        assert_eq!(kreft.applied(), 5, "{comes_later}");
        assert_eq!(kreft.said(6, OF_KREFT), Some(true), "{comes_later}");
        kreft.ends().await;
        assert_eq!(story.kreft.changes().len(), 5, "each once: {comes_later}");
    }
}

#[tokio::test]
async fn promise_8_an_import_that_a_crash_cuts_leaves_nothing_and_is_done_once_after_it() {
    let story = Story::new();
    let mut kreft = story.kreft.agent().await;
    story.exported(&kreft).await;
    // It fails in the last moment, when everything is logged.
    let records = kreft.keeper.records().clone();
    sqlx::raw_sql(
        "CREATE TRIGGER crash BEFORE INSERT ON setting_brought_up BEGIN SELECT RAISE(ABORT, 'crash'); END",
    )
    .execute(records.pool())
    .await
    .unwrap();
    let failed = story.kreft.imports(&mut kreft, &story.file, "").await;
    assert!(failed.is_err());
    assert_eq!((kreft.applied(), kreft.said(1, OPT_OUT)), (0, None));
    let (rows,): (i64,) = sqlx::query_as("SELECT count(*) FROM setting_change")
        .fetch_one(records.pool())
        .await
        .unwrap();
    assert_eq!(rows, 0);
    sqlx::raw_sql("DROP TRIGGER crash")
        .execute(records.pool())
        .await
        .unwrap();
    kreft.ends().await;

    let kreft = story.kreft.agent().await;
    assert_eq!((kreft.applied(), kreft.said(1, OPT_OUT)), (0, None));
    assert_eq!(kreft.transfers.take_words(false).await.unwrap(), 0);
    assert_eq!(kreft.transfers.take_words(true).await.unwrap(), 1);
    assert_eq!((kreft.applied(), kreft.said(1, OPT_OUT)), (5, Some(true)));
    kreft.ends().await;
    assert_eq!(story.kreft.changes().len(), 4, "each logged once");
}

#[tokio::test]
async fn the_registers_own_list_is_taken_once_with_an_entry_for_each_row() {
    let story = Story::new();
    let mut kreft = story.kreft.agent().await;
    story.exported(&kreft).await;
    let list = format!(
        "national_id,definition,says,since\n{},{own},yes,2024-05-02\n{},{own},yes,2024-05-02\n\
         {},{own},no,2025-05-02T10:00:00Z\n",
        digits(7),
        digits(8),
        digits(8),
        own = definition(OF_KREFT),
    );
    for _ in 0..2 {
        let told = story.kreft.imports(&mut kreft, &story.file, &list).await;
        assert!(matches!(told, Ok(TransferOutcome::Done(_))), "{told:?}");
        assert_eq!(kreft.said(7, OF_KREFT), Some(true));
        assert_eq!(kreft.said(8, OF_KREFT), Some(false));
    }
    kreft.ends().await;
    assert_eq!(story.kreft.changes().len(), 7);
    let files = [story.kreft.folder.join("records/records.sqlite")];
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
        assert!(!holds(&digits(7)) && !holds(&digits(1)));
    }
}
