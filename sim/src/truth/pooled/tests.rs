//! That tables counted from the files are those that the generator and the policy remember.

use indicatif::ProgressBar;
use innsyn_policy::decision::secondary_use;
use innsyn_policy::{Covers, Identifiability, Use};
use innsyn_policy::{Purpose, Setting, SettingKind, Settings as Known};

use super::*;
use crate::country::Country;
use crate::population::{Person, PopulationSpec, Sex};
use crate::registers::folder::Content;
use crate::registers::{Listing, Record, Status};

/// 21 November 2026, noon in Norway.
const NOW: Timestamp = Timestamp::from_seconds(1_795_258_800);

struct World {
    folder: tempfile::TempDir,
    country: Country,
}

impl World {
    fn write(persons: u32, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let country = Country::invent(PopulationSpec::new(persons, seed), 0).unwrap();
        country
            .write_with(folder.path(), Content::Views, &ProgressBar::hidden())
            .unwrap();
        Self { folder, country }
    }

    fn table(&self, view: &str, by: &[By<'_>], rows: Rows) -> Table {
        let question = Question {
            view,
            by,
            rows,
            only: |_| true,
        };
        pooled(self.folder.path(), &question, NOW).unwrap()
    }

    /// Everybody who may be counted at each live register that publishes, by the policy.
    fn countable(&self) -> impl Iterator<Item = (Person, Record)> {
        let people = 0..self.country.population.everyone();
        people.flat_map(|number| {
            let person = self.country.person(number).unwrap();
            let records = self.country.records_of(number).into_iter();
            let records = records.filter(|record| self.may_be_counted(record));
            records.map(move |record| (person, record))
        })
    }

    fn may_be_counted(&self, record: &Record) -> bool {
        let register = self.country.registers.iter().nth(record.register).unwrap();
        let at = |date| Timestamp::start_of_day_in_norway(date).unwrap();
        let settings: Option<Vec<Setting>> = record
            .settings
            .iter()
            .map(|row| {
                let kind = match row.kind {
                    "consent" => SettingKind::Consent,
                    "reservation" => SettingKind::Reservation,
                    "block" => SettingKind::Block,
                    _ => return None,
                };
                Some(Setting {
                    kind,
                    covers: if row.purpose == "research" {
                        Covers::purpose(Purpose::Research)
                    } else {
                        Covers::secondary_use()
                    },
                    from: at(row.from),
                    until: row.until.map(at),
                })
            })
            .collect();
        let settings = settings.as_deref().map_or(Known::Undefined, Known::Known);
        let basis = register.policy.legal_basis;
        let of = Use::of_all(Purpose::Research, Identifiability::Aggregate);
        register.listing == Listing::Live
            && !register.is_pseudonymous()
            && record.status == Status::Registered
            && secondary_use(&of, basis, settings, NOW).is_ok()
    }

    fn place(&self, id: &str) -> usize {
        let mut registers = self.country.registers.iter();
        registers
            .position(|register| register.id().as_str() == id)
            .unwrap()
    }
}

#[test]
fn persons_by_sex_and_county_are_those_whom_the_policy_lets_be_counted() {
    let world = World::write(2_000, 41);
    let mut remembered: BTreeMap<Vec<Option<String>>, BTreeMap<usize, HashSet<u32>>> =
        BTreeMap::new();
    for (person, record) in world.countable() {
        let sex = if person.sex == Sex::Male {
            "male"
        } else {
            "female"
        };
        let key = [sex, &person.municipality.number[..2]].map(|text| Some(text.to_owned()));
        let registers = remembered.entry(key.to_vec()).or_default();
        registers
            .entry(record.register)
            .or_default()
            .insert(person.number);
    }

    let table = world.table(
        "persons",
        &[By::Code("sex", 0), By::Code("municipality", 2)],
        Rows::All,
    );

    assert_eq!(table.len(), 10);
    assert!(table.keys().eq(remembered.keys()));
    for (key, registers) in &remembered {
        let sizes: Vec<u64> = registers
            .values()
            .map(|persons| persons.len() as u64)
            .collect();
        let everybody: HashSet<u32> = registers.values().flatten().copied().collect();
        let cell = Counted {
            registrations: sizes.iter().sum(),
            persons: everybody.len() as u64,
            persons_in_largest: *sizes.iter().max().unwrap(),
            events: sizes.iter().sum(),
        };
        assert_eq!(table[key], cell, "{key:?}");
    }
    // Somebody must have been left out, or the comparison says nothing.
    let rows: u64 = table.values().map(|cell| cell.events).sum();
    let held = (0..world.country.population.everyone()).flat_map(|n| world.country.records_of(n));
    assert!(rows < held.count() as u64 * 95 / 100);
}

#[test]
fn deaths_by_year_are_those_of_the_dead_in_the_register() {
    let world = World::write(2_000, 42);
    let dar = world.place("dar");
    let mut remembered = BTreeMap::<_, u64>::new();
    for (person, _) in world
        .countable()
        .filter(|(_, record)| record.register == dar)
    {
        let year = person.died.unwrap().year().to_string();
        *remembered.entry(vec![Some(year)]).or_default() += 1;
    }

    let table = world.table("deaths", &[By::Year("died")], Rows::All);

    let counted = table.iter().map(|(key, cell)| (key.clone(), cell.persons));
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), remembered);
    assert!(table.values().all(|cell| cell.events == cell.persons));
}

#[test]
fn the_first_and_the_last_are_one_event_of_each_person() {
    let world = World::write(1_000, 43);
    let all = world.table("prescriptions", &[], Rows::All)[&Vec::new()];
    for rows in [Rows::First, Rows::Last] {
        let by_year = world.table("prescriptions", &[By::Year("dispensed")], rows);
        let events: u64 = by_year.values().map(|cell| cell.events).sum();
        assert_eq!(events, all.persons);
    }
    let mean_year = |rows| {
        let table = world.table("prescriptions", &[By::Year("dispensed")], rows);
        let year = |key: &[Option<String>]| key[0].as_ref().unwrap().parse::<u64>().unwrap();
        table
            .iter()
            .map(|(key, cell)| year(key) * cell.persons)
            .sum::<u64>()
            / all.persons
    };
    assert!(mean_year(Rows::First) + 2 < mean_year(Rows::Last));
    assert!(all.events > 2 * all.persons);
}

#[test]
fn a_condition_and_bands_leave_their_rows() {
    let world = World::write(1_000, 44);
    let ask = |by: &[By<'_>], only: fn(&Row) -> bool| {
        let question = Question {
            view: "diagnoses",
            by,
            rows: Rows::All,
            only,
        };
        pooled(world.folder.path(), &question, NOW).unwrap()
    };
    let is_heart = |row: &Row| row["code"].starts_with('I');
    let bands = ask(&[By::Band("born_year", &[1940, 1980])], is_heart);
    let codes = ask(&[By::Code("code", 1)], is_heart);

    let events = |table: &Table| table.values().map(|cell| cell.events).sum::<u64>();
    assert_eq!(
        codes.keys().collect::<Vec<_>>(),
        [&vec![Some("I".to_owned())]]
    );
    assert_eq!(events(&bands), events(&codes));
    let band = |number: &str| {
        bands
            .get(&vec![Some(number.to_owned())])
            .map_or(0, |cell| cell.events)
    };
    assert!(band("1") > band("2"), "hearts of the old: {bands:?}");
}
