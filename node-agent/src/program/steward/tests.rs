//! What the steward sees and does, over a folder as the agent leaves it.

use std::fs;
use std::path::Path;

use clap::Parser as _;
use tempfile::TempDir;

use super::*;
use crate::research::steward::queue::HeldQuery;

/// 2027-01-15T08:00:00Z.
fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

/// A folder of research with a query that came so many seconds ago.
fn research(ago: i64) -> (TempDir, Steward) {
    let folder = tempfile::tempdir().unwrap();
    let steward = Steward::in_folder(folder.path());
    fs::write(
        folder.path().join("steward.toml"),
        "[[rule]]\ndecision = \"ask\"\n",
    )
    .unwrap();
    steward.queue().make_folder().unwrap();
    let held = HeldQuery {
        query_name: hex::encode([7; 32]),
        permit_digest: hex::encode([8; 32]),
        permit: "helsedata.no/2026-017".to_owned(),
        project: "Survival after colorectal cancer".to_owned(),
        organisation: "983658725".to_owned(),
        purpose: "quality_improvement".to_owned(),
        rule: 1,
        variables: vec!["persons.sex".to_owned(), "stays".to_owned()],
        words_nb: "Data: persons, fra kreft.\nTellinger: personer.".to_owned(),
        words_en: "Data: persons, from kreft.\nCounts: persons.".to_owned(),
        came_at: now().as_seconds() - ago,
    };
    let rules = steward.rules().unwrap().digest();
    steward.queue().hold(&held, &rules, now()).unwrap();
    (folder, steward)
}

fn names(steward: &Steward, all: bool) -> Vec<String> {
    let kept = list(steward, all, now()).unwrap();
    kept.iter().map(|kept| kept.name.short()).collect()
}

fn says(steward: &Steward, name: &str, said: Said) -> anyhow::Result<String> {
    let decide = Decide {
        name,
        said,
        days: 30,
        reason: Some("asked the board".parse().unwrap()),
    };
    decide.at(steward, now())
}

#[test]
fn the_steward_is_told_in_words_what_waits_and_how_long() {
    let (_folder, steward) = research(3 * 3_600);
    let kept = list(&steward, false, now()).unwrap();
    let name = kept[0].name.short();
    assert_eq!(name.len(), 12);
    let told = words::list(&kept, Language::Nb, now());
    assert_eq!(
        told,
        format!(
            "1 query waits for the steward\n\
             \n\
             {name}  came 3 hours ago, 2027-01-15\n\
             \x20 permit        helsedata.no/2026-017 (Survival after colorectal cancer)\n\
             \x20 organisation  983658725\n\
             \x20 purpose       quality improvement\n\
             \x20 uses          persons.sex, stays\n\
             \x20 asked by      rule 1 of steward.toml\n\
             \x20   Data: persons, fra kreft.\n\
             \x20   Tellinger: personer.\n\
             \n\
             Decide with `innsyn-agent steward approve NAME` or `… deny NAME`; the beginning of \
             the name will do.\n"
        )
    );
    let told = words::list(&kept, Language::En, now());
    assert!(told.contains("    Counts: persons.\n"));
    let rows: serde_json::Value = serde_json::from_str(&words::json(&kept).unwrap()).unwrap();
    assert_eq!(rows[0]["name"], *name);
    assert_eq!(rows[0]["words_nb"], kept[0].query.words_nb);
    assert!(rows[0]["decision"].is_null());
}

#[test]
fn ages_are_told_in_units_that_say_something() {
    for (seconds, told) in [
        (0, "0 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7_199, "119 minutes"),
        (7_200, "2 hours"),
        (200_000, "2 days"),
    ] {
        let (_folder, steward) = research(seconds);
        let kept = list(&steward, false, now()).unwrap();
        let told_all = words::list(&kept, Language::En, now());
        assert!(told_all.contains(&format!("came {told} ago")), "{told_all}");
    }
}

#[test]
fn what_is_decided_waits_no_more_and_is_told_with_all() {
    let (folder, steward) = research(60);
    let [name] = names(&steward, false).try_into().unwrap();
    let told = says(&steward, &name[..4], Said::Approved).unwrap();
    let by = account::here();
    let rest = format!("approved 2027-01-15 by {by}, stands until 2027-02-14: asked the board");
    assert_eq!(told, format!("{name}: {rest}"));
    assert!(names(&steward, false).is_empty());
    assert_eq!(names(&steward, true), std::slice::from_ref(&name));
    let kept = list(&steward, true, now()).unwrap();
    let told = words::list(&kept, Language::Nb, now());
    assert!(
        told.starts_with("no query waits for the steward\n"),
        "{told}"
    );
    assert!(told.contains(&format!("  {rest}\n")), "{told}");

    // The steward may think again.
    says(&steward, &name, Said::Denied).unwrap();
    let decisions = folder.path().join("steward/decisions.jsonl");
    let decisions = fs::read_to_string(decisions).unwrap();
    let said: Vec<_> = decisions
        .lines()
        .map(|line| line.contains("denied"))
        .collect();
    assert_eq!(said, [false, true]);
    let unknown = says(&steward, "zz", Said::Approved).unwrap_err();
    assert!(unknown.to_string().contains("steward list --all"));
}

#[test]
fn the_kill_switch_is_pressed_without_touching_the_rules() {
    let (folder, steward) = research(60);
    let rules = || fs::read_to_string(folder.path().join("steward.toml")).unwrap();
    let before = rules();
    let reason = "a breach".parse().unwrap();
    stop(&steward, Some(&reason), now()).unwrap();
    assert!(steward.switch().is_on());
    let note = fs::read_to_string(folder.path().join(switch::FILE)).unwrap();
    assert_eq!(
        note,
        format!("stopped 2027-01-15 by {}: a breach\n", account::here())
    );
    assert!(resume(&steward, now()).unwrap().contains("decide again"));
    assert!(!steward.switch().is_on());
    assert!(resume(&steward, now()).unwrap().contains("not stopped"));
    assert_eq!(rules(), before);

    // What the rules say themselves is not taken back.
    fs::write(folder.path().join("steward.toml"), "stopped = true").unwrap();
    let still = resume(&steward, now()).unwrap_err().to_string();
    assert!(still.contains("stopped = true"), "{still}");
}

#[test]
fn days_and_reasons_are_bounded_when_they_are_typed() {
    let parse = |more: &[&str]| {
        let args = [
            "innsyn-agent",
            "steward",
            "approve",
            "--config",
            "a.toml",
            "7f3a",
        ];
        crate::program::Args::try_parse_from(args.iter().chain(more))
    };
    assert!(parse(&["--days", "366", "--reason", "ok"]).is_ok());
    for wrong in [
        ["--days", "0"],
        ["--days", "367"],
        ["--reason", "of 01817010055"],
    ] {
        assert!(parse(&wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_register_without_research_has_no_steward() {
    let args = RegisterArgs {
        config: Path::new("no-such.toml").to_owned(),
    };
    let error = args.steward().unwrap_err().to_string();
    assert!(error.contains("no-such.toml"), "{error}");
}
