//! Persons who are put into a register's files, so that what an attack would show is certain.
//!
//! Each is somebody of the invented country who is not in the register. Nobody else there was born
//! before 1900, so that a year of birth tells which of them a statement is about.

use std::fs::{self, File};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Date32Type;
use arrow_array::{Array, ArrayRef, Date32Array, Int32Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use innsyn_policy::NationalId;
use innsyn_sim::country::Country;
use innsyn_sim::population::Sex;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// One woman was born in each of these years.
pub(super) const RARE: RangeInclusive<i64> = 1801..=1810;
/// Five to six women and one to two men were born in each of these.
pub(super) const UNEVEN: RangeInclusive<i64> = 1811..=1813;
/// Six women, of whom one has the whole of the sum of scores.
pub(super) const DOMINATED: i64 = 1815;
/// Six women with scores like others'.
pub(super) const ORDINARY: i64 = 1816;
/// Six women were born in each of these years.
pub(super) const MANY: RangeInclusive<i64> = 1821..=1840;
/// Of 22 women 13 live in one place, and 13 have a low score, four of them there.
pub(super) const CROSSED: i64 = 1845;
/// Their places in the order of the register's, their scores, and how many they are.
const CROSSED_BY: [(usize, i32, usize); 5] =
    [(0, 10, 4), (0, 40, 5), (0, 90, 4), (1, 10, 5), (2, 10, 4)];
/// Nobody was.
pub(super) const NOBODY: i64 = 1850;
/// So many women were born in this year, who leave while they are asked about.
pub(super) const LEAVING: (i64, usize) = (1861, 33);
/// So many women were born in this year, who have said no.
pub(super) const OPTED_OUT: (i64, usize) = (1870, 12);
/// Women of the other register who were born in the first of [`MANY`].
pub(super) const ELSEWHERE: usize = 3;

/// The scores of those of [`RARE`].
pub(super) const RARE_SCORES: [i32; 10] = [100, 0, 0, 100, 0, 0, 100, 0, 100, 0];
/// The scores of those of [`ORDINARY`].
const ORDINARY_SCORES: [i32; 6] = [20, 40, 60, 80, 50, 50];

/// Somebody who is put into a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planted {
    id: NationalId,
    pub(super) sex: Sex,
    pub(super) born: i64,
    score: i32,
    place: usize,
}

/// What somebody of a register is, before they have a number: sex, year of birth, score, and place.
type Described = (Sex, i64, i32, usize);

/// Whom the attacked register has beside its own.
fn described() -> Vec<Described> {
    let women = |born: i64, women: usize| vec![(Sex::Female, born, 50, 0); women];
    let men = |born: i64, men: usize| vec![(Sex::Male, born, 50, 0); men];
    let rare = RARE.zip(RARE_SCORES);
    let mut all: Vec<Described> = rare
        .map(|(born, score)| (Sex::Female, born, score, 0))
        .collect();
    for (born, (of_women, of_men)) in UNEVEN.zip([(5, 1), (6, 1), (5, 2)]) {
        all.extend(women(born, of_women).into_iter().chain(men(born, of_men)));
    }
    for at in 0..6 {
        let score = if at == 0 { 100 } else { 0 };
        all.push((Sex::Female, DOMINATED, score, 0));
    }
    all.extend(ORDINARY_SCORES.map(|score| (Sex::Female, ORDINARY, score, 0)));
    all.extend(MANY.flat_map(|born| women(born, 6)));
    for (place, score, persons) in CROSSED_BY {
        all.extend(vec![(Sex::Female, CROSSED, score, place); persons]);
    }
    all.extend(women(LEAVING.0, LEAVING.1));
    all.extend(women(OPTED_OUT.0, OPTED_OUT.1));
    all
}

/// Puts people into the attacked `register` and into the `other` one, each named by its place in
/// the country and its folder; gives those of the attacked one.
pub(super) fn plant(
    country: &Country,
    register: (&str, &Path),
    other: (&str, &Path),
) -> Vec<Planted> {
    let places = [register.0, other.0].map(|id| {
        let place = country
            .registers
            .iter()
            .position(|one| one.id().as_str() == id);
        place.unwrap()
    });
    let strangers = (0..country.population.living()).filter(|number| {
        let records = country.records_of(*number);
        records
            .iter()
            .all(|record| !places.contains(&record.register))
    });
    let mut ids = strangers.map(|number| country.person(number).unwrap().id);
    let mut planted = |described: Vec<Described>| -> Vec<Planted> {
        let planted = described.into_iter().zip(&mut ids);
        planted
            .map(|((sex, born, score, place), id)| Planted {
                id,
                sex,
                born,
                score,
                place,
            })
            .collect()
    };
    let here = planted(described());
    let there = planted(vec![(Sex::Female, *MANY.start(), 50, 0); ELSEWHERE]);
    assert_eq!((here.len(), there.len()), (described().len(), ELSEWHERE));
    for (folder, planted) in [(register.1, &here), (other.1, &there)] {
        let rows = planted
            .iter()
            .map(|one| format!("{},2020-01-01,2020-01-01,aktiv\n", one.id.expose_str()));
        append(&folder.join("personer.csv"), &rows.collect::<String>());
        for view in ["persons", "treatments"] {
            add_rows(&folder.join(format!("{view}.parquet")), planted);
        }
    }
    here
}

/// Has `people` say no to research at the register of `folder`.
pub(super) fn reserve<'a>(folder: &Path, people: impl IntoIterator<Item = &'a Planted>) {
    let rows = people
        .into_iter()
        .map(|one| format!("{},reservation,research,2020-01-01,\n", one.id.expose_str()));
    append(&folder.join("innstillinger.csv"), &rows.collect::<String>());
}

/// Deletes `people` from the register of `folder`.
pub(super) fn delete<'a>(folder: &Path, people: impl IntoIterator<Item = &'a Planted>) {
    let path = folder.join("personer.csv");
    let mut persons = fs::read_to_string(&path).unwrap();
    for one in people {
        let line = format!("{},2020-01-01,2020-01-01,", one.id.expose_str());
        assert!(persons.contains(&line));
        persons = persons.replace(&format!("{line}aktiv"), &format!("{line}slettet"));
    }
    replace(&path, &persons);
}

fn append(path: &Path, rows: &str) {
    let text = fs::read_to_string(path).unwrap();
    replace(path, &(text + rows));
}

/// At once, for an agent may be reading.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// Adds a row for each of `planted` to a view's file, which is otherwise like its first row, but for places.
fn add_rows(path: &Path, planted: &[Planted]) {
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = file.schema().clone();
    let mut batches: Vec<RecordBatch> = file.build().unwrap().map(Result::unwrap).collect();
    let columns = schema.fields().iter().zip(batches[0].columns());
    let columns = columns.map(|(field, like)| column(field.name(), like, planted));
    batches.push(RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap());
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema, None).unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    writer.close().unwrap();
}

fn column(name: &str, like: &ArrayRef, planted: &[Planted]) -> ArrayRef {
    let texts = |text: &dyn Fn(&Planted) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(planted.iter().map(text)))
    };
    let numbers = |number: &dyn Fn(&Planted) -> i32| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(planted.iter().map(number)))
    };
    match name {
        "fnr" => texts(&|one| one.id.expose_str().to_owned()),
        "sex" => texts(&|one| word(one.sex).to_owned()),
        "born_year" => numbers(&|one| i32::try_from(one.born).unwrap()),
        "score" => numbers(&|one| one.score),
        "municipality" => {
            let mut places: Vec<&str> = Vec::new();
            for place in like.as_string::<i32>().iter().flatten() {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
            texts(&|one| places[one.place].to_owned())
        }
        _ if like.is_null(0) => panic!("the first row has no {name}"),
        _ if like.data_type() == &DataType::Utf8 => {
            texts(&|_| like.as_string::<i32>().value(0).to_owned())
        }
        _ => {
            let day = like.as_primitive::<Date32Type>().value(0);
            Arc::new(Date32Array::from(vec![day; planted.len()]))
        }
    }
}

/// As the registers' tables have it.
pub(super) const fn word(sex: Sex) -> &'static str {
    match sex {
        Sex::Female => "female",
        Sex::Male => "male",
    }
}
