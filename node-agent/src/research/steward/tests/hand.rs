//! What the steward decides by hand, and the kill switch.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tempfile::TempDir;

use super::super::account::name_in;
use super::super::queue::{
    Decided, Decision, FOLDER, HeldQuery, QueueError, Reason, Said, WAITING_LASTS_MAX, WAITING_MAX,
    WAITING_OF_PERMIT_MAX,
};
use super::super::switch;
use super::*;

const ASK: &str = "[[rule]]\ndecision = \"ask\"\n";
const DAY: Duration = Duration::from_hours(24);

/// A steward who asks, in a folder of their own.
fn asking() -> (TempDir, Steward) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), ASK).unwrap();
    let steward = Steward::in_folder(folder.path());
    steward.queue().make_folder().unwrap();
    (folder, steward)
}

/// Query `number` under permit `permit`.
fn held(number: u8, permit: u8) -> HeldQuery {
    HeldQuery {
        query_name: hex::encode([number; 32]),
        permit_digest: hex::encode([permit; 32]),
        permit: format!("helsedata.no/{permit}"),
        project: "Survival after colorectal cancer".to_owned(),
        organisation: "983658725".to_owned(),
        purpose: "research".to_owned(),
        rule: 1,
        variables: vec!["persons.sex".to_owned()],
        words_nb: "Data: persons.".to_owned(),
        words_en: "Data: persons.".to_owned(),
        came_at: now().as_seconds(),
    }
}

fn digest(steward: &Steward) -> String {
    steward.rules().unwrap().digest()
}

fn hold(steward: &Steward, held: &HeldQuery) -> Result<(), QueueError> {
    steward.queue().hold(held, &digest(steward), now())
}

fn decide(steward: &Steward, held: &HeldQuery, said: Said) {
    let rules = digest(steward);
    let decided = Decided {
        said,
        at: now(),
        stands_for: 2 * DAY,
        by: "kari".to_owned(),
        reason: Some("asked the board".parse::<Reason>().unwrap()),
        rules: &rules,
    };
    let decision = Decision::about(held, decided);
    let name = held.name().unwrap();
    steward.queue().decide(&name, &decision).unwrap();
}

/// What is said at `at` of query 7 under permit 8.
fn said_at(steward: &Steward, at: Timestamp) -> Result<Verdict, StewardRefusal> {
    let register = register();
    let facts = facts(&register, &["persons.sex"]);
    let held = HeldName::of(&facts.query, &[8; 32]);
    steward.verdict(&facts, "helsedata.no", &held, at)
}

const ASKS: Verdict = Verdict::Asks { rule: 1 };
const APPROVED: Verdict = Verdict::Allowed(StewardsWord {
    rule: 1,
    approved: true,
});

#[test]
fn a_decision_is_for_one_query_under_one_permit() {
    let (_folder, steward) = asking();
    for held in [held(7, 8), held(6, 8), held(7, 9)] {
        hold(&steward, &held).unwrap();
    }
    assert_eq!(said_at(&steward, now()).unwrap(), ASKS);
    decide(&steward, &held(6, 8), Said::Approved);
    decide(&steward, &held(7, 9), Said::Approved);
    assert_eq!(said_at(&steward, now()).unwrap(), ASKS);
    decide(&steward, &held(7, 8), Said::Approved);
    assert_eq!(said_at(&steward, now()).unwrap(), APPROVED);
    decide(&steward, &held(7, 8), Said::Denied);
    let denied = said_at(&steward, now());
    assert!(matches!(denied, Err(StewardRefusal::DeniedByHand)));
}

#[test]
fn a_decision_stands_until_its_days_are_over_or_the_rules_change() {
    let (folder, steward) = asking();
    hold(&steward, &held(7, 8)).unwrap();
    decide(&steward, &held(7, 8), Said::Approved);
    let last = now().plus(2 * DAY).minus(Duration::from_secs(1));
    assert_eq!(said_at(&steward, last).unwrap(), APPROVED);
    assert_eq!(said_at(&steward, now().plus(2 * DAY)).unwrap(), ASKS);

    // The kill switch is no rule.
    let file = folder.path().join(FILE);
    std::fs::write(&file, format!("stopped = true\n{ASK}")).unwrap();
    let stopped = said_at(&steward, now());
    assert!(matches!(stopped, Err(StewardRefusal::Stopped)));
    std::fs::write(&file, format!("stopped = false\n# Nothing else.\n{ASK}")).unwrap();
    assert_eq!(said_at(&steward, now()).unwrap(), APPROVED);

    std::fs::write(&file, format!("{ASK}purposes = [\"research\"]\n")).unwrap();
    assert_eq!(said_at(&steward, now()).unwrap(), ASKS);
}

#[test]
fn what_is_not_as_it_should_be_is_no_approval() {
    let (folder, steward) = asking();
    hold(&steward, &held(7, 8)).unwrap();
    decide(&steward, &held(7, 8), Said::Approved);
    let queue = folder.path().join(FOLDER);
    let file = |held: &HeldQuery| queue.join(format!("{}.decided", held.name().unwrap()));
    // Another's approval under this name, and half of one.
    decide(&steward, &held(6, 8), Said::Approved);
    let refused = || matches!(said_at(&steward, now()), Err(StewardRefusal::Queue(_)));
    std::fs::copy(file(&held(6, 8)), file(&held(7, 8))).unwrap();
    assert!(refused());
    decide(&steward, &held(7, 8), Said::Approved);
    assert!(!refused());
    let whole = std::fs::read(file(&held(7, 8))).unwrap();
    std::fs::write(file(&held(7, 8)), &whole[..whole.len() / 2]).unwrap();
    assert!(refused());
}

#[test]
fn the_queue_tells_what_waits_and_by_a_beginning_of_its_name() {
    let (folder, steward) = asking();
    hold(&steward, &held(7, 8)).unwrap();
    hold(&steward, &held(7, 8)).unwrap();
    hold(&steward, &held(6, 8)).unwrap();
    decide(&steward, &held(6, 8), Said::Denied);
    let rules = digest(&steward);
    let all = steward.queue().all(&rules, now()).unwrap();
    assert_eq!(all.len(), 2);
    let waiting: Vec<_> = all.iter().filter(|kept| kept.decision.is_none()).collect();
    assert_eq!(waiting[0].query, held(7, 8));
    let denied = all.iter().find_map(|kept| kept.decision.as_ref()).unwrap();
    assert_eq!((denied.said(), denied.by()), (Said::Denied, "kari"));
    assert_eq!(denied.reason().unwrap().to_string(), "asked the board");

    let find = |name: &str| steward.queue().find(name, &rules, now());
    let short = held(7, 8).name().unwrap().short();
    assert_eq!(find(&short).unwrap().query, held(7, 8));
    assert!(matches!(find("zz"), Err(QueueError::NotThere(_))));
    assert!(matches!(find(""), Err(QueueError::NotThere(_))));

    // Everything in the folder is for the agent's account alone.
    for entry in folder.path().join(FOLDER).read_dir().unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
    let decisions = folder.path().join(FOLDER).join("decisions.jsonl");
    let decisions = std::fs::read_to_string(decisions).unwrap();
    assert_eq!(decisions.lines().count(), 1);
}

#[test]
fn several_queries_that_begin_alike_are_not_taken_for_one() {
    let (_folder, steward) = asking();
    let mut firsts = std::collections::BTreeSet::new();
    let alike = (0..=16_u8).find_map(|number| {
        let held = held(number, number);
        hold(&steward, &held).unwrap();
        let first = held.name().unwrap().to_string()[..1].to_owned();
        (!firsts.insert(first.clone())).then_some(first)
    });
    let found = (steward.queue()).find(&alike.unwrap(), &digest(&steward), now());
    assert!(matches!(found, Err(QueueError::Ambiguous(_))), "{found:?}");
}

#[test]
fn what_waits_is_bounded_in_number_and_age() {
    let (_folder, steward) = asking();
    let (max, of_permit) = (WAITING_MAX, WAITING_OF_PERMIT_MAX);
    let number = |n: usize| u8::try_from(n).unwrap();
    for n in 0..of_permit {
        hold(&steward, &held(number(n), 0)).unwrap();
    }
    let more = hold(&steward, &held(200, 0));
    assert!(matches!(more, Err(QueueError::FullOfPermit)));
    for n in of_permit..max {
        hold(&steward, &held(number(n), number(1 + n / of_permit))).unwrap();
    }
    let more = hold(&steward, &held(200, 200));
    assert!(matches!(more, Err(QueueError::Full(full)) if full == max));
    // What is decided waits no more, and what is old is forgotten.
    decide(&steward, &held(0, 0), Said::Denied);
    hold(&steward, &held(200, 200)).unwrap();
    let later = now().plus(WAITING_LASTS_MAX);
    let rules = digest(&steward);
    assert_eq!(steward.queue().all(&rules, later).unwrap(), []);
    // The files go when the next one comes.
    let newer = HeldQuery {
        came_at: later.as_seconds(),
        ..held(7, 8)
    };
    steward.queue().hold(&newer, &rules, later).unwrap();
    assert_eq!(steward.queue().all(&rules, now()).unwrap().len(), 1);
}

#[test]
fn a_query_that_could_not_be_told_whole_does_not_wait() {
    let (_folder, steward) = asking();
    let long = HeldQuery {
        words_nb: "a".repeat(300_000),
        ..held(7, 8)
    };
    assert!(matches!(hold(&steward, &long), Err(QueueError::TooLong)));
}

#[test]
fn the_kill_switch_is_a_file_that_is_there() {
    let (folder, steward) = asking();
    assert!(!steward.switch().is_on());
    steward.switch().stop("by kari").unwrap();
    let stopped = said_at(&steward, now());
    assert!(matches!(stopped, Err(StewardRefusal::Stopped)));
    assert!(steward.switch().resume().unwrap());
    assert!(!steward.switch().resume().unwrap());
    assert_eq!(said_at(&steward, now()).unwrap(), ASKS);
    // A link that leads nowhere is there, too.
    std::os::unix::fs::symlink("nowhere", folder.path().join(switch::FILE)).unwrap();
    assert!(steward.switch().is_on());
}

#[test]
fn a_reason_names_no_person_and_is_one_line() {
    for good in ["asked the board", "sak 2026/117"] {
        assert!(good.parse::<Reason>().is_ok(), "{good}");
    }
    for bad in ["", "of 01817010055", "one\ntwo", &"a".repeat(501)] {
        assert!(bad.parse::<Reason>().is_err(), "{bad}");
    }
}

#[test]
fn an_account_is_told_by_its_name() {
    let accounts = "root:x:0:0:root:/root:/bin/sh\nkari:x:1000:1000::/home/kari:/bin/sh\n";
    assert_eq!(name_in(accounts, 1000).as_deref(), Some("kari"));
    assert_eq!(name_in(accounts, 1001), None);
}
