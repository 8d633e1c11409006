//! That the registers are those of the table and that people are in them as people are.

use std::collections::BTreeMap;

use innsyn_policy::LegalBasis;

use super::*;
use crate::country::Country;
use crate::population::PopulationSpec;

#[test]
fn there_are_83_registers_and_more_can_be_invented() {
    let registers = Registers::norwegian_and(15).unwrap();

    assert_eq!(registers.len(), 98);
    assert_eq!(
        Registers::norwegian_and(0).unwrap().len(),
        NORWEGIAN_REGISTERS
    );
    assert!(Registers::norwegian_and(INVENTED_REGISTERS_MAX).is_ok());
    assert!(Registers::norwegian_and(INVENTED_REGISTERS_MAX + 1).is_err());
    let ids: std::collections::BTreeSet<_> = registers.iter().map(Register::id).collect();
    assert_eq!(ids.len(), 98);
}

#[test]
fn five_cannot_be_asked_one_is_not_connected_and_every_basis_occurs() {
    let registers = Registers::norwegian_and(0).unwrap();
    let with = |listing| -> Vec<_> {
        let ids = registers.iter().filter(|r| r.listing == listing);
        ids.map(|r| r.id().as_str()).collect()
    };

    assert_eq!(
        with(Listing::CannotBeAsked),
        ["abort", "norm", "nois", "ravn", "iplos"]
    );
    assert_eq!(with(Listing::NotConnected), ["saminor"]);
    let lmr = registers.get("lmr").unwrap();
    assert!(lmr.is_pseudonymous() && lmr.listing == Listing::Live);
    let mut bases = BTreeMap::<_, u32>::new();
    for register in registers.iter() {
        *bases.entry(register.policy.legal_basis).or_default() += 1;
    }
    assert_eq!(bases.len(), 6);
    assert_eq!(bases[&LegalBasis::Consent], 40);
}

#[test]
fn descriptions_fit_and_say_that_they_are_invented() {
    for register in Registers::norwegian_and(15).unwrap().iter() {
        let length = register.description.chars().count();
        assert!((100..=612).contains(&length), "{}: {length}", register.id());
        assert!(register.description.contains("Oppdiktet"));
    }
}

#[test]
fn the_catalogue_has_every_register_once() {
    let registers = Registers::norwegian_and(0).unwrap();
    let catalogue: toml::Table = registers.catalogue_toml().unwrap().parse().unwrap();

    let entries = catalogue["register"].as_array().unwrap();

    let ids = entries.iter().map(|entry| entry["id"].as_str().unwrap());
    assert!(ids.eq(registers.iter().map(|r| r.id().as_str())));
    let dar = &entries[0];
    assert_eq!(dar["contact_email"].as_str(), Some("innsyn@dar.example"));
    assert_eq!(dar["insight"]["method"].as_str(), Some("live_query"));
}

#[test]
fn there_are_between_ten_and_eleven_pairs_for_each_living_person() {
    let country = Country::invent(PopulationSpec::new(4_000, 11), 0).unwrap();
    let mut members = vec![0_u32; country.registers.len()];
    let mut of_the_living = 0;
    for number in 0..country.population.everyone() {
        for record in country.records_of(number) {
            members[record.register] += 1;
            of_the_living += u32::from(number < country.population.living());
        }
    }

    let living = f64::from(country.population.living());
    let pairs = f64::from(members.iter().sum::<u32>()) / living;
    let each = f64::from(of_the_living) / living;
    assert!(
        (10.2..=11.2).contains(&pairs),
        "{pairs} pairs for each of the living"
    );
    assert!(
        (8.0..=9.5).contains(&each),
        "{each} registers for each of the living"
    );
    let sizes = country.registers.iter().zip(members);
    for (register, members) in sizes {
        assert_eq!(
            members > 0,
            register.holds_identities(),
            "{}",
            register.id()
        );
        match register.id().as_str() {
            "npr" | "sysvak" | "kpr" => assert!(members > 3_600),
            "porfyri" | "norvas" => assert!(members < 40),
            _ => {}
        }
    }
}

#[test]
fn every_story_of_a_person_fits_together() {
    let country = Country::invent(PopulationSpec::new(4_000, 12), 0).unwrap();
    let position = |id: &str| {
        country
            .registers
            .iter()
            .position(|r| r.id().as_str() == id)
            .unwrap()
    };
    let (kreft, bryst, hkr, infarkt) = (
        position("kreft"),
        position("brystkreft"),
        position("hkr"),
        position("hjerteinfarkt"),
    );
    let (dar, mfr, hunt, huntbio) = (
        position("dar"),
        position("mfr"),
        position("hunt"),
        position("huntbio"),
    );
    let forgets_nobody =
        |index: usize| country.registers.iter().nth(index).unwrap().layout != Layout::ParquetBare;
    assert!(
        [kreft, bryst, hkr, infarkt, hunt, huntbio]
            .into_iter()
            .all(forgets_nobody)
    );
    for number in 0..country.population.everyone() {
        let person = country.person(number).unwrap();
        let records = country.records_of(number);
        let is_in = |register| records.iter().any(|record| record.register == register);
        for (part, whole) in [(bryst, kreft), (infarkt, hkr), (huntbio, hunt)] {
            assert!(!is_in(part) || is_in(whole));
        }
        assert!(!is_in(dar) || person.died.is_some());
        if is_in(mfr) {
            let parent = country
                .population
                .life(number)
                .unwrap()
                .first_child
                .is_some();
            assert!(person.born.year() >= 1967 || parent);
        }
        for record in &records {
            assert!(record.since.is_none_or(|since| since >= person.born));
            assert!(
                record
                    .since
                    .is_none_or(|since| record.last_changed.is_none_or(|c| since <= c))
            );
            for setting in &record.settings {
                assert!(setting.until.is_none_or(|until| setting.from <= until));
            }
        }
        assert!(records.is_sorted_by_key(|record| record.register));
    }
}
