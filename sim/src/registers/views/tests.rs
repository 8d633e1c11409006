//! That views are as the manifests say, and tell one story.

use std::collections::{BTreeMap, HashMap, HashSet};

use indicatif::ProgressBar;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use super::*;
use crate::country::Country;
use crate::population::PopulationSpec;
use crate::registers::folder::{Content as Written, of_register};

struct World {
    folder: tempfile::TempDir,
    country: Country,
    /// Everybody's number, by national id.
    numbers: HashMap<String, u32>,
}

/// A row by column.
type Row = HashMap<String, Field>;

impl World {
    fn write(persons: u32, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let country = Country::invent(PopulationSpec::new(persons, seed), 1).unwrap();
        country
            .write_with(folder.path(), Written::Views, &ProgressBar::hidden())
            .unwrap();
        let people = 0..country.population.everyone();
        let numbers = people
            .map(|number| (country.person(number).unwrap(), number))
            .map(|(person, number)| (person.id.expose_str().to_owned(), number))
            .collect();
        Self {
            folder,
            country,
            numbers,
        }
    }

    fn of(&self, register: &str) -> std::path::PathBuf {
        of_register(self.folder.path(), register)
    }

    fn rows(&self, register: &str, view: &str) -> Vec<Row> {
        let file = File::open(self.of(register).join(format!("{view}.parquet"))).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows = reader.get_row_iter(None).unwrap();
        rows.map(|row| row.unwrap().into_columns().into_iter().collect())
            .collect()
    }

    /// The rows about somebody, by the person's number.
    fn told(&self, register: &str, view: &str) -> Vec<(u32, Row)> {
        let rows = self.rows(register, view).into_iter();
        let told = rows.filter_map(|row| match row.get("fnr") {
            Some(Field::Str(id)) => Some((*self.numbers.get(id)?, row)),
            _ => None,
        });
        told.collect()
    }
}

#[test]
fn every_register_that_knows_whom_it_is_about_publishes_persons() {
    let registers = Registers::norwegian_and(0).unwrap();
    let mut beside = 0;
    for register in registers.iter() {
        let names: Vec<_> = register.views().map(|view| view.name).collect();
        let is_known = register.holds_identities() && !register.is_pseudonymous();
        assert_eq!(
            names.first() == Some(&"persons"),
            is_known,
            "{}",
            register.id()
        );
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        beside += usize::from(names.len() > 1);
    }
    assert!(beside >= 65, "{beside} registers have more than persons");
}

#[test]
fn files_have_the_columns_that_manifests_name_and_nothing_is_of_another_type() {
    let world = World::write(600, 31);
    // A value is missing only where there may be none.
    let may_be_missing = ["registered", "died", "emigrated", "score"];
    let mut views = 0;
    for register in world.country.registers.iter() {
        let Ok(text) =
            std::fs::read_to_string(world.of(register.id().as_str()).join("manifest.toml"))
        else {
            assert!(!register.holds_identities());
            continue;
        };
        let manifest: toml::Table = text.parse().unwrap();
        let Some(published) = manifest.get("view") else {
            assert!(register.is_pseudonymous(), "{}", register.id());
            continue;
        };
        for view in published.as_array().unwrap() {
            views += 1;
            let name = view["name"].as_str().unwrap();
            let mut types = BTreeMap::from([("fnr", "code")]);
            for variable in view["variable"].as_array().unwrap() {
                let kind = match variable["type"].as_str().unwrap() {
                    "number" if variable["is_integer"].as_bool().unwrap() => "whole",
                    kind => kind,
                };
                types.insert(variable["name"].as_str().unwrap(), kind);
            }
            assert_eq!(
                view["grain"].as_str() == Some("event"),
                view.get("event_date").is_some()
            );
            for (_, row) in world.told(register.id().as_str(), name) {
                assert_eq!(row.len(), types.len());
                for (column, field) in &row {
                    let is_right = match (types[column.as_str()], field) {
                        ("code", Field::Str(_))
                        | ("whole", Field::Int(_))
                        | ("number", Field::Double(_))
                        | ("date", Field::Date(_)) => true,
                        (_, Field::Null) => may_be_missing.contains(&column.as_str()),
                        _ => false,
                    };
                    assert!(is_right, "{} {name} {column}: {field:?}", register.id());
                }
            }
        }
    }
    assert!(views > 140, "{views} views");
}

#[test]
fn a_view_of_persons_has_the_registers_persons_once() {
    let world = World::write(600, 32);
    for id in ["npr", "kreft", "conor", "ms"] {
        let place = world
            .country
            .registers
            .iter()
            .position(|r| r.id().as_str() == id);
        let members = (0..world.country.population.everyone()).filter(|number| {
            let records = world.country.records_of(*number);
            records.iter().any(|record| Some(record.register) == place)
        });
        let rows = world.told(id, "persons");
        assert!(rows.iter().map(|(number, _)| *number).eq(members), "{id}");
        // Two rows without an id and three with one that nobody has.
        assert_eq!(world.rows(id, "persons").len(), rows.len() + 5);
    }
}

#[test]
fn events_of_a_person_are_on_different_days_within_the_months_of_their_view() {
    let world = World::write(1_500, 33);
    let mut events = 0;
    for register in world.country.registers.iter() {
        for view in register.views() {
            let Some(date) = view.event_date else {
                continue;
            };
            let mut seen = HashSet::new();
            for (number, row) in world.told(register.id().as_str(), view.name) {
                let Field::Date(day) = row[date] else {
                    panic!("{} {date}", view.name)
                };
                let day_of_event = Date::constant(1970, 1, 1).checked_add(i64::from(day).days());
                let day_of_event = day_of_event.unwrap();
                assert!(
                    seen.insert((number, day)),
                    "{} {}",
                    register.id(),
                    view.name
                );
                assert!(register.views_from() <= day_of_event);
                assert!(day_of_event < world.country.population.spec().as_of);
                events += 1;
            }
        }
    }
    assert!(events > 10_000, "{events} events");
}

#[test]
fn registers_say_the_same_of_a_person() {
    let world = World::write(800, 34);
    let mut said: HashMap<u32, [Field; 3]> = HashMap::new();
    for register in world.country.registers.iter() {
        for view in register.views() {
            for (number, row) in world.told(register.id().as_str(), view.name) {
                let this = ["sex", "born_year", "municipality"].map(|column| row[column].clone());
                let before = said.entry(number).or_insert_with(|| this.clone());
                assert_eq!(*before, this);
            }
        }
    }
    // A family's municipality is one.
    let mut children = 0;
    for number in 0..world.country.population.living() {
        let person = world.country.person(number).unwrap();
        let lives_in = |number: u32| said.get(&number).map(|[.., lives_in]| lives_in.clone());
        if let Some(mother) = person.mother.filter(|_| person.born.year() > 2008)
            && let (Some(child), Some(mother)) = (lives_in(number), lives_in(mother))
        {
            assert_eq!(child, mother);
            children += 1;
        }
    }
    assert!(children > 30, "{children} children");
}

#[test]
fn whoever_is_in_a_cancer_quality_register_has_that_cancer_in_the_cancer_registry() {
    let world = World::write(4_000, 35);
    let cancers: HashSet<(u32, String)> = world
        .told("kreft", "cancers")
        .into_iter()
        .map(|(number, row)| (number, row["site"].to_string()))
        .collect();
    for (register, site) in [("brystkreft", "\"C509\""), ("prostatakreft", "\"C619\"")] {
        let treated = world.told(register, "treatments");
        let known = treated
            .iter()
            .filter(|(number, _)| cancers.contains(&(*number, site.to_owned())));
        let known = known.count();
        assert!(treated.len() > 40, "{register}: {}", treated.len());
        // Two cancers found on one day are one; that is rare.
        assert!(
            known * 20 >= treated.len() * 19,
            "{register}: {known} of {}",
            treated.len()
        );
    }
}
