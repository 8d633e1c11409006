//! A person reads who has used their data, at every register, and holds the registers to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use innsyn_policy::{Clock as _, QuestionId, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::head::WitnessKey;
use innsyn_proto::uselog::checked::{Held, check};
use innsyn_proto::wire::citizen::v1 as wire;
use innsyn_proto::wire::node::v1 as node;
use innsyn_sim::country::Role;
use innsyn_sim::sts::Mandate;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::process::Command;

use super::federation::{Federation, list, spec_of_today};
use super::fleet;
use super::research::{persons_by_sex, run, spec};

const REGISTERS: [&str; 2] = ["kreft", "npr"];

/// What each register that was started shows.
fn shown(uses: &wire::ListUsesResponse) -> BTreeMap<&str, &wire::RegisterUses> {
    let registers = uses.registers.iter();
    registers
        .filter(|register| REGISTERS.contains(&register.register_id.as_str()))
        .map(|register| (register.register_id.as_str(), register))
        .collect()
}

fn kinds(register: &wire::RegisterUses) -> Vec<wire::UseKind> {
    register.uses.iter().map(wire::Use::kind).collect()
}

fn receipts(uses: &wire::ListUsesResponse) -> Vec<String> {
    let receipts = uses
        .registers
        .iter()
        .map(|register| register.receipt.clone());
    receipts.filter(|receipt| !receipt.is_empty()).collect()
}

#[tokio::test]
async fn area_1_log_of_use_every_access_is_shown_own_ones_too_and_every_register_is_accounted_for()
{
    let federation = Federation::start(&spec_of_today(2_000, 1), &REGISTERS).await;
    let caller = federation.caller().await;
    let question = federation.question(0, Role::Oneself);
    let listing = list(&caller, &question).await.unwrap();
    list(&caller, &federation.question(1, Role::Oneself))
        .await
        .unwrap();

    let uses = caller.uses(&question, Vec::new()).await.unwrap();
    assert_eq!(uses.registers.len(), listing.told.len(), "every register");
    assert!(!uses.complete, "most registers' agents are not there");
    for (register, shown) in shown(&uses) {
        assert_eq!(
            shown.outcome(),
            wire::UsesOutcome::Verified,
            "{}",
            shown.problem
        );
        assert_eq!(
            kinds(shown),
            [wire::UseKind::LogReading, wire::UseKind::Listing],
            "{register}: the other person's is not there"
        );
        for told in &shown.uses {
            assert_eq!(told.by(), wire::UsedBy::Oneself);
            assert_eq!(
                (&*told.organisation, &*told.decision),
                ("helsenorge", "ANSWERED")
            );
            assert!(!told.purpose_words.as_ref().unwrap().nb.is_empty());
        }
        let verified = shown.verified.as_ref().unwrap();
        assert_eq!(
            (verified.newest, verified.chained, verified.log_entries),
            (2, 2, 3)
        );
    }
    let outcomes: Vec<_> = uses
        .registers
        .iter()
        .map(wire::RegisterUses::outcome)
        .collect();
    assert!(outcomes.contains(&wire::UsesOutcome::NoAnswer));
    assert!(outcomes.contains(&wire::UsesOutcome::CannotBeAsked));
    // The entry that the listing said it left is the one that is shown.
    let other = caller
        .uses(&federation.question(2, Role::Oneself), Vec::new())
        .await
        .unwrap();
    assert_eq!(
        kinds(self::shown(&other)["kreft"]),
        [wire::UseKind::LogReading]
    );
}

#[tokio::test]
async fn area_2_fullmakt_a_power_of_attorney_opens_the_log_where_it_covers_and_both_are_told() {
    let federation = Federation::start(&spec_of_today(2_000, 1), &REGISTERS).await;
    let caller = federation.caller().await;
    let own = federation.question(0, Role::Oneself);
    caller.uses(&own, Vec::new()).await.unwrap();
    let now = SystemClock.now();
    let day = std::time::Duration::from_hours(24);
    let mandate = Mandate {
        areas: vec!["insight/register/kreft".to_owned()],
        from: now.minus(day),
        until: now.plus(day),
    };
    let country = &federation.world.country;
    let asking = country.asking(0, Role::Poa, Some(mandate), now).unwrap();
    let question = federation.question_of(&asking);
    let uses = caller.uses(&question, Vec::new()).await.unwrap();
    let registers = shown(&uses);
    assert_eq!(registers["npr"].outcome(), wire::UsesOutcome::Withheld);
    assert!(registers["npr"].uses.is_empty() && registers["npr"].receipt.is_empty());
    let by: Vec<_> = registers["kreft"].uses.iter().map(wire::Use::by).collect();
    assert_eq!(by, [wire::UsedBy::You, wire::UsedBy::Oneself]);

    // The person sees the attempt at the other register too.
    let uses = caller.uses(&own, Vec::new()).await.unwrap();
    let npr = shown(&uses)["npr"];
    let attempt = &npr.uses[1];
    assert_eq!(attempt.by(), wire::UsedBy::Other);
    assert_eq!(
        (&*attempt.decision, &*attempt.decision_reason),
        ("WITHHELD", "AREA_NOT_COVERED")
    );
}

#[tokio::test]
async fn a_receipt_is_continued_and_one_that_was_changed_is_refused() {
    let federation = Federation::start(&spec_of_today(2_000, 1), &REGISTERS).await;
    let caller = federation.caller().await;
    let question = federation.question(0, Role::Oneself);
    let first = caller.uses(&question, Vec::new()).await.unwrap();
    let held = receipts(&first);
    assert_eq!(held.len(), 2);
    let second = caller.uses(&question, held.clone()).await.unwrap();
    for (register, shown) in shown(&second) {
        let verified = shown.verified.as_ref().unwrap();
        assert!(verified.continues_receipt, "{register}");
        assert!(verified.witnessed_entries > 0, "{register}");
    }
    // One that was changed was not given by any register, and nothing is told against it.
    let of_kreft = held.iter().find(|note| note.contains("register: kreft\n"));
    let changed = of_kreft.unwrap().replace("newest: 1\n", "newest: 2\n");
    assert_ne!(Some(&changed), of_kreft);
    let uses = caller.uses(&question, vec![changed]).await.unwrap();
    let (kreft, npr) = (shown(&uses)["kreft"], shown(&uses)["npr"]);
    assert_eq!(kreft.outcome(), wire::UsesOutcome::NotVerified);
    assert!(kreft.problem.contains("receipt"), "{}", kreft.problem);
    assert!(kreft.uses.is_empty() && kreft.receipt.is_empty());
    assert_eq!(npr.outcome(), wire::UsesOutcome::Verified);
}

#[tokio::test]
async fn a_query_that_counted_the_person_is_shown_with_its_permit_and_project() {
    let fleet = fleet::Prepared::choosing(&spec(600, 21), |id, _| REGISTERS.contains(&id))
        .start()
        .await;
    let researcher = fleet.researcher().await;
    run(&researcher, persons_by_sex(&[])).await;
    let caller = fleet.caller().await;
    let mut counted = 0;
    for citizen in fleet.citizens(30) {
        let question = citizen.question(&fleet.world, None);
        let listing = fleet.list(&caller, &citizen, None).await;
        let uses = caller.uses(&question, Vec::new()).await.unwrap();
        for (register, shown) in shown(&uses) {
            assert_eq!(
                shown.outcome(),
                wire::UsesOutcome::Verified,
                "{}",
                shown.problem
            );
            let research: Vec<_> = shown
                .uses
                .iter()
                .filter(|told| told.kind() == wire::UseKind::Research)
                .collect();
            let outcome = listing.told[register].outcome();
            let is_registered = outcome == innsyn_proto::wire::types::v1::Outcome::Registered;
            if !is_registered {
                assert!(
                    research.is_empty(),
                    "{register} counted nobody it does not have"
                );
            }
            for told in research {
                counted += 1;
                assert!(!told.permit.is_empty() && !told.project.is_empty());
                assert!(told.persons_counted > 0);
            }
            assert_eq!(shown.queries_untold, 0);
        }
    }
    assert!(counted > 10, "{counted}");
}

/// What the HTTP face gives for `accept`.
async fn exported(federation: &Federation, accept: &str) -> (String, String) {
    asked(federation, accept, json!({})).await
}

/// The same where the body has `more`.
async fn asked(federation: &Federation, accept: &str, more: Value) -> (String, String) {
    let question = federation.question(0, Role::Oneself);
    let mut body = more;
    body["nationalId"] = question.national_id.clone().into();
    let url = format!("{}/v1/uses", federation.world.gateway_url());
    let response = federation
        .http
        .post(url)
        .header("authorization", question.authorization.to_str().unwrap())
        .header("accept", accept)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let content_type = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    (content_type, response.text().await.unwrap())
}

#[tokio::test]
async fn uses_are_told_as_json_csv_and_fhir() {
    let federation = Federation::start(&spec_of_today(2_000, 1), &REGISTERS).await;
    let (_, text) = exported(&federation, "application/json").await;
    let uses: Value = serde_json::from_str(&text).unwrap();
    let registers = uses["registers"].as_array().unwrap();
    assert_eq!(registers.len(), 83);
    let kreft = registers
        .iter()
        .find(|one| one["registerId"] == "kreft")
        .unwrap();
    assert_eq!(kreft["outcome"], "VERIFIED");
    assert_eq!(kreft["uses"][0]["kind"], "LOG_READING");
    assert_eq!(kreft.get("proof"), None, "where it is not asked for");

    let (content_type, table) = exported(&federation, "text/csv").await;
    assert!(content_type.starts_with("text/csv"));
    assert_eq!(table.lines().count(), 1 + 2 * REGISTERS.len(), "{table}");

    let (content_type, bundle) = exported(&federation, "application/fhir+json").await;
    assert_eq!(content_type, "application/fhir+json");
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    let events = bundle["entry"].as_array().unwrap();
    assert_eq!(events.len(), 3 * REGISTERS.len());
    fs::write(
        federation.world.folder.join("bundle.json"),
        bundle.to_string(),
    )
    .unwrap();
    #[cfg(feature = "external")]
    the_bundle_is_one_of_fhir(&federation).await;
}

/// Whoever asks for the proofs over HTTP has all that it takes to check again.
#[tokio::test]
async fn what_a_register_showed_can_be_checked_again_from_json_alone() {
    let federation = Federation::start(&spec_of_today(600, 5), &REGISTERS).await;
    let with_proofs = json!({ "withProofs": true });
    let (_, text) = asked(&federation, "application/json", with_proofs).await;
    let uses: Value = serde_json::from_str(&text).unwrap();
    let registers = uses["registers"].as_array().unwrap();
    let of_kreft = registers.iter().find(|one| one["registerId"] == "kreft");
    let proof = &of_kreft.unwrap()["proof"];
    let bytes = |value: &Value| BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap();
    let pages = proof["pages"].as_array().unwrap().iter();
    let pages: Vec<_> = pages
        .map(|page| node::ListUsesResponse::decode(&*bytes(page)).unwrap())
        .collect();
    let held = Held {
        register: RegisterId::parse("kreft").unwrap(),
        kept: None,
        others: Vec::new(),
        doubts: BTreeMap::new(),
        receipt: None,
    };
    let id = QuestionId(bytes(&proof["questionId"]).try_into().unwrap());
    let checked = check(&pages, &held, id, &[]).unwrap();
    assert_eq!(checked.entries.len(), 1, "the reading itself");
    assert!(WitnessKey::parse(proof["gatewayKey"].as_str().unwrap()).is_ok());
}

/// A FHIR library reads every event, and one that lacks what FHIR demands it does not.
#[cfg(feature = "external")]
async fn the_bundle_is_one_of_fhir(federation: &Federation) {
    use std::path::Path;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = tokio::process::Command::new(root.join(".venv/bin/python"))
        .arg(root.join("tests/clients/audit_events.py"))
        .arg(federation.world.folder.join("bundle.json"))
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.trim(), format!("{} events", 3 * REGISTERS.len()));
}

/// `verify-uses` with the receipts in `file`: whether it ends well, and all that it says.
async fn verify(fleet: &fleet::Fleet, file: &Path) -> (bool, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
        .args(["verify-uses", "--person", "0", "--world"])
        .arg(&fleet.world.folder)
        .arg("--receipt")
        .arg(file)
        .output()
        .await
        .unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.success(), String::from_utf8(said).unwrap())
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let path = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &path);
        } else {
            fs::copy(entry.path(), path).unwrap();
        }
    }
}

/// The line of `mechanism` in what `verify-uses` says.
fn line<'a>(said: &'a str, mechanism: &str) -> &'a str {
    let line = said
        .lines()
        .find(|line| line.trim_start().starts_with(mechanism));
    line.unwrap_or_else(|| panic!("no {mechanism}: {said}"))
}

#[tokio::test]
async fn verify_uses_says_what_it_checked_and_fails_where_a_log_was_set_back() {
    let chosen = |id: &str, _| REGISTERS.contains(&id);
    let prepared = fleet::Prepared::choosing(&spec_of_today(600, 5), chosen);
    let mut fleet = prepared.start().await;
    let file = fleet.world.folder.join("receipts.json");

    let (holds, said) = verify(&fleet, &file).await;
    assert!(holds, "{said}");
    assert!(said.contains("2 logs hold"), "{said}");
    assert!(line(&said, "inclusion").contains("2 entries"), "{said}");
    assert!(line(&said, "chain").contains("without a gap"), "{said}");
    assert!(line(&said, "receipt").contains("none was given"), "{said}");
    let (log, old) = (
        fleet.world.agent_folder("kreft").join("log"),
        fleet.world.folder.join("old"),
    );
    copy(&log, &old);

    let (holds, said) = verify(&fleet, &file).await;
    assert!(holds, "{said}");
    assert!(line(&said, "witness").contains("2 logs"), "{said}");
    assert!(line(&said, "receipt").contains("2 logs continue"), "{said}");
    let receipts = fs::read_to_string(&file).unwrap();

    // Silent for once, a register does not get out of its receipt.
    fleet.kill("kreft").await;
    let (holds, said) = verify(&fleet, &file).await;
    assert!(holds, "{said}");
    let unchecked = line(&said, "Not checked, because they did not answer");
    assert!(unchecked.contains("kreft"), "{said}");
    let kept = fs::read_to_string(&file).unwrap();
    let of_kreft = |receipts: &str| -> Vec<String> {
        let receipts: Vec<String> = serde_json::from_str(receipts).unwrap();
        let of = |note: &String| note.contains("register: kreft\n");
        receipts.into_iter().filter(of).collect()
    };
    assert_eq!(of_kreft(&kept), of_kreft(&receipts));
    assert_ne!(kept, receipts, "the other's is new");

    // Its log is set back to what it was before the second reading.
    fs::remove_dir_all(&log).unwrap();
    copy(&old, &log);
    fleet.restart("kreft");
    let mut last = String::new();
    fleet::until("the register answers again", async || {
        let (holds, said) = verify(&fleet, &file).await;
        last = said;
        !holds
    })
    .await;
    assert!(line(&last, "kreft").contains("NOT_VERIFIED"), "{last}");
    let found = ["witness:", "receipt:"].map(|by| line(&last, "kreft").contains(by));
    assert!(found.contains(&true), "{last}");
    assert!(last.contains("does not hold: kreft"), "{last}");
    assert_eq!(
        of_kreft(&fs::read_to_string(&file).unwrap()),
        of_kreft(&receipts)
    );
}
