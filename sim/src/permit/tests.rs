//! That the invented permit is a real one.

use innsyn_policy::data_permit::QueryFacts;
use innsyn_policy::{Register as Policy, data_permit::OutsidePermit};
use innsyn_proto::data_permit::{IssuerKey, TrustedIssuers};

use super::*;
use crate::country::Country;
use crate::population::PopulationSpec;

/// 21 November 2026, noon in Norway.
const NOW: Timestamp = Timestamp::from_seconds(1_795_258_800);

fn trusted(folder: &Path) -> TrustedIssuers {
    let pem = fs::read_to_string(folder.join(PUBLIC_KEY_FILE)).unwrap();
    TrustedIssuers::from_iter([(ISSUER.to_owned(), IssuerKey::from_pem(&pem).unwrap())])
}

fn facts<'a>(register: &'a Policy, view: &str, person: NationalId) -> QueryFacts<'a> {
    QueryFacts {
        query: [1; 32],
        person,
        organisation: Organisation::parse(ORGANISATION).unwrap(),
        purpose: Purpose::Research,
        register,
        views: BTreeMap::from([(view.to_owned(), BTreeMap::new())]),
        born_years: i32::MIN..i32::MAX,
        months: -19 * 12..56 * 12,
        kinds: BTreeSet::from([QueryKind::Count]),
        smallest_cell: 5,
        rounding_base: 5,
        queries_before: 0,
    }
}

#[test]
fn the_researcher_may_ask_every_live_register_about_every_view_and_nobody_else_may() {
    let folder = tempfile::tempdir().unwrap();
    let country = Country::invent(PopulationSpec::new(200, 1), 0).unwrap();
    let [researcher, other] = [RESEARCHER, 0].map(|number| country.person(number).unwrap().id);
    let issuer = PermitIssuer::create(folder.path()).unwrap();
    let text = PermitIssuer::open(folder.path())
        .unwrap()
        .permit(&country.registers, researcher, NOW)
        .unwrap();

    let signed = trusted(folder.path()).read(&text, NOW).unwrap();

    assert_eq!(issuer.name(), ISSUER);
    let mut views = 0;
    for register in country.registers.iter() {
        for view in register.views() {
            let check = |person| {
                signed
                    .permit()
                    .check(&facts(&register.policy, view.name, person), NOW)
            };
            if register.listing == Listing::Live {
                assert!(check(researcher).is_ok(), "{} {}", register.id(), view.name);
                assert_eq!(check(other), Err(OutsidePermit::People));
                views += 1;
            } else {
                assert_eq!(check(researcher), Err(OutsidePermit::Registers));
            }
        }
    }
    assert!(views > 130, "{views} views");
}

#[test]
fn a_permit_is_good_for_a_year_and_only_by_its_issuers_key() {
    let [folder, elsewhere] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let country = Country::invent(PopulationSpec::new(200, 1), 0).unwrap();
    let researcher = country.person(RESEARCHER).unwrap().id;
    let issuer = PermitIssuer::create(folder.path()).unwrap();
    PermitIssuer::create(elsewhere.path()).unwrap();
    let text = issuer.permit(&country.registers, researcher, NOW).unwrap();

    let day = NOW.date_in_norway().unwrap();
    let ends = Timestamp::start_of_day_in_norway(day).unwrap().plus(VALID);
    let last = ends.minus(Duration::from_secs(1));
    assert!(trusted(folder.path()).read(&text, last).is_ok());
    assert!(trusted(folder.path()).read(&text, ends).is_err());
    assert!(trusted(elsewhere.path()).read(&text, NOW).is_err());

    // All day it is the same, and tomorrow another.
    let permit = |at| issuer.permit(&country.registers, researcher, at).unwrap();
    let midnight = Timestamp::start_of_day_in_norway(day.tomorrow().unwrap()).unwrap();
    assert_eq!(permit(midnight.minus(Duration::from_secs(1))), text);
    assert_ne!(permit(midnight), text);
}
