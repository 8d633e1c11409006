//! What the steward's rules allow.

mod hand;

use std::collections::{BTreeMap, BTreeSet};

use innsyn_policy::data_permit::VariableUse;
use innsyn_policy::{
    LegalBasis, NationalId, NumberRules, Organisation, Purpose, Register, RegisterId, RegisterKind,
};

use super::*;

/// An invented person.
const KARI: &str = "01817010055";

fn register() -> Register {
    Register {
        id: RegisterId::parse("kreft").unwrap(),
        kind: RegisterKind::Central,
        legal_basis: LegalBasis::Mandatory,
        membership_is_sensitive: false,
    }
}

/// Of a query for research that uses these variables; `view.` uses a view without any.
fn facts<'a>(register: &'a Register, used: &[&str]) -> QueryFacts<'a> {
    let mut views: BTreeMap<String, BTreeMap<String, VariableUse>> = BTreeMap::new();
    for name in used {
        let (view, variable) = name.split_once('.').unwrap();
        let variables = views.entry(view.to_owned()).or_default();
        if !variable.is_empty() {
            variables.insert(variable.to_owned(), VariableUse::default());
        }
    }
    QueryFacts {
        query: [7; 32],
        person: NationalId::parse(KARI, NumberRules::default()).unwrap(),
        organisation: Organisation::parse("983658725").unwrap(),
        purpose: Purpose::Research,
        register,
        views,
        born_years: i32::MIN..i32::MAX,
        months: 0..1,
        kinds: BTreeSet::new(),
        smallest_cell: 5,
        rounding_base: 1,
        queries_before: 0,
    }
}

/// A time.
fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

/// What the steward says of a query by helsedata.no with these facts.
fn verdict(steward: &Steward, facts: &QueryFacts<'_>) -> Result<Verdict, StewardRefusal> {
    let held = HeldName::of(&facts.query, &[8; 32]);
    steward.verdict(facts, "helsedata.no", &held, now())
}

/// What the rules in `text` say of a query by helsedata.no that uses these variables: the number
/// of the rule that allows it, or why not.
fn said(text: &str, used: &[&str]) -> Result<u32, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), text).unwrap();
    match verdict(
        &Steward::in_folder(folder.path()),
        &facts(&register(), used),
    ) {
        Ok(Verdict::Allowed(StewardsWord { rule, approved })) => {
            assert!(!approved);
            Ok(rule)
        }
        Ok(Verdict::Asks { rule }) => Err(format!("rule {rule} asks")),
        Err(StewardRefusal::Rules(error)) => Err(error.to_string()),
        Err(other) => Err(other.to_string()),
    }
}

const ALLOW: &str = "[[rule]]\ndecision = \"allow\"\n";

#[test]
fn what_no_rule_allows_is_denied() {
    let none = Err("no rule of the steward's allows the query".to_owned());
    assert_eq!(said("", &["persons."]), none);
    assert_eq!(said(ALLOW, &["persons."]), Ok(1));
    for other in [
        "purposes = [\"administration\", \"quality_improvement\"]",
        "issuers = [\"example.no\"]",
        "issuers = []",
        "variables = [\"diagnoses\"]",
    ] {
        assert_eq!(said(&format!("{ALLOW}{other}"), &["persons."]), none);
    }
    for this in [
        "purposes = [\"research\"]",
        "issuers = [\"helsedata.no\"]",
        "variables = [\"persons\"]",
    ] {
        assert_eq!(said(&format!("{ALLOW}{this}"), &["persons."]), Ok(1));
    }
}

#[test]
fn the_kill_switch_goes_before_every_rule() {
    let stopped = format!("stopped = true\n{ALLOW}");
    assert_eq!(
        said(&stopped, &["persons."]),
        Err("the steward has stopped all queries".to_owned())
    );
}

#[test]
fn the_first_rule_that_fits_decides() {
    let deny = "[[rule]]\ndecision = \"deny\"\npurposes = [\"research\"]\n";
    let denied = |number| {
        Err(format!(
            "the steward's rule number {number} denies the query"
        ))
    };
    assert_eq!(said(&format!("{deny}{ALLOW}"), &["persons."]), denied(1));
    assert_eq!(said(&format!("{ALLOW}{deny}"), &["persons."]), Ok(1));
    let elsewhere = deny.replace("research", "administration");
    assert_eq!(
        said(&format!("{elsewhere}{deny}"), &["persons."]),
        denied(2)
    );
}

#[test]
fn a_rule_that_denies_variables_needs_one_and_a_rule_that_allows_them_needs_all() {
    let deny = |names: &str| {
        let rule = format!("[[rule]]\ndecision = \"deny\"\nvariables = [{names}]\n{ALLOW}");
        said(&rule, &["persons.sex", "diagnoses.code"]).is_err()
    };
    assert!(deny("\"diagnoses.code\""));
    assert!(deny("\"diagnoses\""));
    assert!(!deny("\"diagnoses.date\""));
    assert!(!deny("\"stays\""));

    let allow = |names: &str| {
        let rule = format!("{ALLOW}variables = [{names}]\n");
        said(&rule, &["persons.sex", "diagnoses.code"]).is_ok()
    };
    assert!(allow("\"persons.sex\", \"diagnoses.code\""));
    assert!(allow("\"persons\", \"diagnoses\""));
    assert!(!allow("\"diagnoses\""));
    assert!(!allow("\"persons.sex\", \"diagnoses.date\""));

    // Only counted, it is used as a whole.
    let rule = format!("{ALLOW}variables = [\"persons.sex\"]\n");
    assert!(said(&rule, &["persons."]).is_err());
}

#[test]
fn rules_that_cannot_be_relied_on_deny() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Steward::in_folder(folder.path());
    assert!(matches!(missing.rules(), Err(StewardError::Unreadable(..))));

    std::fs::write(folder.path().join(FILE), "#".repeat(70_000)).unwrap();
    assert!(matches!(missing.rules(), Err(StewardError::TooLarge(_))));

    for wrong in [
        "colour = 1",
        "stopped = \"yes\"",
        "[[rule]]\n",
        "[[rule]]\ndecision = \"maybe\"",
        "[[rule]]\ndecision = \"allow\"\npurposes = [\"own_insight\"]",
    ] {
        let said = said(wrong, &["persons."]).unwrap_err();
        assert!(said.contains("does not hold the steward's rules"), "{said}");
    }
}

#[test]
fn a_rule_that_asks_fits_a_query_that_uses_any_of_its_variables() {
    let ask = "[[rule]]\ndecision = \"ask\"\nvariables = [\"diagnoses.code\"]\n";
    let both = format!("{ask}{ALLOW}");
    let used = said(&both, &["persons.sex", "diagnoses.code"]);
    assert_eq!(used, Err("rule 1 asks".to_owned()));
    assert_eq!(said(&both, &["persons.sex", "diagnoses.date"]), Ok(2));
    let first = said(&format!("{ALLOW}{ask}"), &["diagnoses.code"]);
    assert_eq!(first, Ok(1));
}

#[test]
fn the_example_of_rules_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let example = include_str!("../../../steward.example.toml");
    std::fs::write(folder.path().join(FILE), example).unwrap();
    let rules = Steward::in_folder(folder.path()).rules().unwrap();
    assert!(!rules.stopped);
    assert_eq!(rules.rules.len(), 3);
}

#[test]
fn a_change_holds_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    let steward = Steward::in_folder(folder.path());
    let register = register();
    let facts = facts(&register, &["persons."]);
    std::fs::write(&file, ALLOW).unwrap();
    assert!(verdict(&steward, &facts).is_ok());
    std::fs::write(&file, format!("stopped = true\n{ALLOW}")).unwrap();
    let refused = verdict(&steward, &facts);
    assert!(matches!(refused, Err(StewardRefusal::Stopped)));
}
