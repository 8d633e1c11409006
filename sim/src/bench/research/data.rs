//! The data of `bench research`: events of persons over registers that share nobody.
//!
//! Registers have the events with national ids, as their agents read them. For DuckDB the same rows
//! stand beside it with a number in the place of each id, which is what a pooled table would have.
//!
//! ```text
//!   registers/<id>/   manifest.toml, personer.parquet, innstillinger.csv, events.parquet
//!   pooled/           <id>.parquet, and reserved.parquet: who may not be counted
//! ```
//!
//! Events stand in the order of their dates. A person's region, sex, death and move are the same
//! in each of the person's rows.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::{
    ArrayRef, Date32Array, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
    UInt32Array,
};
use arrow_schema::{DataType, Field, Schema};
use jiff::civil::date;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::population::{Day, NUMBERS_OF_A_DAY, Sex, synthetic_number};
use crate::registers::folder;

/// The folder of what DuckDB reads.
pub(super) const POOLED: &str = "pooled";
/// Who may not be counted, in that folder.
const RESERVED: &str = "reserved.parquet";
/// Rows of one batch.
const BATCH_ROWS: usize = 65_536;
/// Of a hundred persons, so many have reserved themselves.
const RESERVED_PERCENT: u32 = 5;
/// Regions of the country.
const REGIONS: u32 = 21;
/// Codes that events have.
const CODES: usize = 300;
/// What an event can cost.
pub(super) const COST_MAX: f64 = 100_000.0;
/// The first and the last year of events.
const YEARS: (i16, i16) = (2005, 2024);
/// Days on which persons are born.
const BIRTHDAYS: u32 = 365 * 90;
const MANIFEST: &str = include_str!("manifest.toml");

/// What is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct DataSpec {
    pub(super) rows: u64,
    pub(super) persons: u32,
    /// Whether anybody has reserved themselves.
    pub(super) with_reservations: bool,
}

/// A person, beside the number.
struct Person {
    region: i32,
    sex: Sex,
    died: Option<i32>,
    moved: Option<i32>,
    has_reserved: bool,
}

/// Writes the data of `registers` into `country`, and into `pooled` what DuckDB reads.
pub(super) fn write(
    country: &Path,
    registers: &[String],
    spec: DataSpec,
    pooled: Option<&Path>,
) -> anyhow::Result<()> {
    fs::create_dir_all(country)?;
    if let Some(pooled) = pooled {
        fs::create_dir_all(pooled)?;
    }
    let count = u32::try_from(registers.len())?;
    let mut reserved = Vec::new();
    for (at, id) in (0..).zip(registers) {
        let of = |number: u64, at: u64| number * at / u64::from(count);
        let first = u32::try_from(of(spec.persons.into(), at))?;
        let end = u32::try_from(of(spec.persons.into(), at + 1))?;
        let rows = usize::try_from(of(spec.rows, at + 1) - of(spec.rows, at))?;
        let register = Register {
            folder: folder::of_register(country, id),
            pooled: pooled.map(|pooled| pooled.join(format!("{id}.parquet"))),
            persons: (first..end).map(person).collect(),
            first,
        };
        register.write(rows, spec.with_reservations)?;
        reserved.extend(register.reserved());
    }
    match pooled {
        Some(pooled) => write_reserved(&pooled.join(RESERVED), reserved),
        None => Ok(()),
    }
}

/// Everything about a person follows from the number.
fn person(number: u32) -> Person {
    let mut dice = ChaCha8Rng::seed_from_u64(number.into());
    let (first, last) = (first_day_of(YEARS.0), first_day_of(YEARS.1 + 1));
    let mut day = |percent: u32| {
        let happens = dice.random_ratio(percent, 100);
        let day = dice.random_range(first..last);
        happens.then_some(day)
    };
    let (died, moved) = (day(30), day(5));
    Person {
        region: dice.random_range(0..REGIONS).cast_signed(),
        sex: if number.is_multiple_of(2) {
            Sex::Female
        } else {
            Sex::Male
        },
        died,
        moved,
        has_reserved: dice.random_ratio(RESERVED_PERCENT, 100),
    }
}

/// The person's national id: no two persons have the same.
fn national_id(number: u32, sex: Sex) -> anyhow::Result<[u8; 11]> {
    let of_sex = number / 2;
    let rank = u8::try_from(of_sex / BIRTHDAYS).unwrap_or(NUMBERS_OF_A_DAY);
    let born = Day::of(date(1930, 1, 1)).plus_days(of_sex % BIRTHDAYS);
    synthetic_number(born, sex, rank).with_context(|| {
        let most = u64::from(BIRTHDAYS) * u64::from(NUMBERS_OF_A_DAY) * 2;
        format!("there are ids for {most} persons")
    })
}

/// The id of the person with this number.
#[cfg(test)]
pub(super) fn id_of(number: u32) -> anyhow::Result<[u8; 11]> {
    national_id(number, person(number).sex)
}

fn first_day_of(year: i16) -> i32 {
    Day::first_of(year).since_epoch()
}

/// One register's share.
struct Register {
    folder: PathBuf,
    pooled: Option<PathBuf>,
    /// The number of the first of its persons.
    first: u32,
    persons: Vec<Person>,
}

impl Register {
    fn reserved(&self) -> impl Iterator<Item = u32> + '_ {
        let persons = (self.first..).zip(&self.persons);
        persons.filter_map(|(number, person)| person.has_reserved.then_some(number))
    }

    fn write(&self, rows: usize, with_reservations: bool) -> anyhow::Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::write(self.folder.join("manifest.toml"), MANIFEST)?;
        let mut ids = Vec::with_capacity(self.persons.len());
        for (number, person) in (self.first..).zip(&self.persons) {
            let digits = national_id(number, person.sex)?;
            ids.push(String::from_utf8(digits.to_vec())?);
        }
        let mut settings = BufWriter::new(File::create(self.folder.join("innstillinger.csv"))?);
        writeln!(settings, "fnr,type,formaal,fra,til")?;
        if with_reservations {
            let persons = ids.iter().zip(&self.persons);
            for (id, _) in persons.filter(|(_, person)| person.has_reserved) {
                writeln!(settings, "{id},reservation,,2020-01-01,")?;
            }
        }
        settings.flush()?;
        let ids_only: ArrayRef = Arc::new(StringArray::from_iter_values(&ids));
        let schema = schema([Field::new("fnr", DataType::Utf8, false)]);
        let mut people = writer(&self.folder.join("personer.parquet"), &schema)?;
        people.write(&RecordBatch::try_new(schema, vec![ids_only])?)?;
        people.close()?;
        self.write_events(rows, &ids)
    }

    fn write_events(&self, rows: usize, ids: &[String]) -> anyhow::Result<()> {
        let number = Field::new("person", DataType::UInt32, false);
        let (own, shared) = (Field::new("fnr", DataType::Utf8, false), fields());
        let own = schema(std::iter::once(own).chain(shared.clone()));
        let pooled = schema(std::iter::once(number).chain(shared));
        let mut events = writer(&self.folder.join("events.parquet"), &own)?;
        let mut beside = match &self.pooled {
            Some(path) => Some(writer(path, &pooled)?),
            None => None,
        };
        let mut dice = ChaCha8Rng::seed_from_u64(u64::from(self.first) + (1 << 40));
        let mut written = 0;
        while written < rows {
            let end = rows.min(written + BATCH_ROWS);
            let whose: Vec<usize> = (written..end)
                .map(|_| dice.random_range(0..self.persons.len()))
                .collect();
            let columns = self.columns(written..end, rows, &whose, &mut dice)?;
            let with = |first: ArrayRef| std::iter::once(first).chain(columns.clone()).collect();
            let whose_ids = whose.iter().filter_map(|at| ids.get(*at));
            let whose_ids: ArrayRef = Arc::new(StringArray::from_iter_values(whose_ids));
            events.write(&RecordBatch::try_new(Arc::clone(&own), with(whose_ids))?)?;
            if let Some(beside) = &mut beside {
                let numbers = whose
                    .iter()
                    .map(|at| self.first + u32::try_from(*at).unwrap_or(0));
                let numbers: ArrayRef = Arc::new(UInt32Array::from_iter_values(numbers));
                beside.write(&RecordBatch::try_new(Arc::clone(&pooled), with(numbers))?)?;
            }
            written = end;
        }
        events.close()?;
        if let Some(beside) = beside {
            beside.close()?;
        }
        Ok(())
    }

    /// What events number `places` of `rows` are, beside whose.
    fn columns(
        &self,
        places: std::ops::Range<usize>,
        rows: usize,
        whose: &[usize],
        dice: &mut ChaCha8Rng,
    ) -> anyhow::Result<Vec<ArrayRef>> {
        let persons = || whose.iter().filter_map(|at| self.persons.get(*at));
        let sex = persons().map(|person| i32::from(person.sex == Sex::Male));
        let code = whose.iter().map(|_| {
            // The first codes are common and the last are rare.
            let even: f64 = dice.random();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "less than the number of codes"
            )]
            let code = (even * even * CODES as f64) as i32;
            code
        });
        let code = dictionary(code, (0..CODES).map(code_text))?;
        let cost = whose.iter().map(|_| {
            let even: f64 = dice.random();
            // Some are above what is published as the most.
            (-8_000.0 * (1.0 - even).ln()).round()
        });
        let cost: ArrayRef = Arc::new(Float64Array::from_iter_values(cost));
        let (first, last) = (first_day_of(YEARS.0), first_day_of(YEARS.1 + 1));
        let days = u64::from((last - first).unsigned_abs());
        let occurred = places.map(|at| {
            let day = at as u64 * days / rows as u64;
            first + i32::try_from(day).unwrap_or(0)
        });
        Ok(vec![
            dictionary(
                persons().map(|person| person.region),
                (0..REGIONS).map(|region| format!("R{region:02}")),
            )?,
            dictionary(sex, ["K".to_owned(), "M".to_owned()])?,
            code,
            cost,
            Arc::new(Date32Array::from_iter_values(occurred)),
            Arc::new(persons().map(|person| person.died).collect::<Date32Array>()),
            Arc::new(
                persons()
                    .map(|person| person.moved)
                    .collect::<Date32Array>(),
            ),
        ])
    }
}

/// The `code`-th of the codes, as ICD-10 writes them.
pub(super) fn code_text(code: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(code / 100).unwrap_or(0));
    format!("{letter}{:02}", code % 100)
}

fn dictionary(
    keys: impl Iterator<Item = i32>,
    texts: impl IntoIterator<Item = String>,
) -> anyhow::Result<ArrayRef> {
    let texts = StringArray::from_iter_values(texts);
    let keys = Int32Array::from_iter_values(keys);
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(texts))?))
}

/// The columns beside whose a row is.
fn fields() -> Vec<Field> {
    let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let code = |name: &str| Field::new(name, text.clone(), false);
    vec![
        code("region"),
        code("sex"),
        code("code"),
        Field::new("cost", DataType::Float64, false),
        Field::new("occurred", DataType::Date32, false),
        Field::new("died", DataType::Date32, true),
        Field::new("moved", DataType::Date32, true),
    ]
}

fn schema(fields: impl IntoIterator<Item = Field>) -> Arc<Schema> {
    Arc::new(Schema::new(fields.into_iter().collect::<Vec<_>>()))
}

fn writer(path: &Path, schema: &Arc<Schema>) -> anyhow::Result<ArrowWriter<BufWriter<File>>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let file = BufWriter::new(File::create(path)?);
    Ok(ArrowWriter::try_new(
        file,
        Arc::clone(schema),
        Some(properties),
    )?)
}

fn write_reserved(path: &Path, persons: Vec<u32>) -> anyhow::Result<()> {
    let schema = schema([Field::new("person", DataType::UInt32, false)]);
    let mut writer = writer(path, &schema)?;
    let persons: ArrayRef = Arc::new(UInt32Array::from(persons));
    writer.write(&RecordBatch::try_new(schema, vec![persons])?)?;
    writer.close()?;
    Ok(())
}
