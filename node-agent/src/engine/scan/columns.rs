//! Whether a file has the columns that are published, and how they are read.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::super::error::EngineError;
use super::super::plan::{Column, Kind, Reading};

/// Which root columns of a file with `schema` are read, if it has them all as published.
pub(super) fn check(reading: &Reading<'_>, schema: &Schema) -> Result<Vec<usize>, EngineError> {
    let place = |name: &str, wanted, suits: &dyn Fn(&DataType) -> bool| {
        let found = schema.column_with_name(name);
        let found = found.filter(|(_, field)| suits(field.data_type()));
        found.map(|(at, _)| at).ok_or_else(|| EngineError::Column {
            view: reading.view.name.clone(),
            column: name.to_owned(),
            wanted,
        })
    };
    let person = &reading.stored.person_column;
    let mut places = vec![place(person, "whole numbers", &DataType::is_integer)?];
    for Column { name, kind, .. } in &reading.columns {
        places.push(match kind {
            Kind::Code => place(name, "text", &is_text)?,
            Kind::Number { is_whole: true } => place(name, "whole numbers", &DataType::is_integer)?,
            Kind::Number { is_whole: false } => place(name, "numbers", &DataType::is_numeric)?,
            Kind::Date => place(name, "dates, or timestamps without a zone", &is_date)?,
        });
    }
    Ok(places)
}

/// How codes are read: as places in a dictionary, which is how Parquet mostly has them.
pub(super) fn code_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// `schema`, with the codes that are read as places in a dictionary.
pub(super) fn with_dictionaries(reading: &Reading<'_>, schema: &SchemaRef) -> SchemaRef {
    let is_code = |field: &Field| {
        let is_it = |column: &Column<'_>| column.kind == Kind::Code && column.name == field.name();
        reading.columns.iter().any(is_it)
    };
    let fields = schema.fields().iter().map(|field| {
        if is_code(field) && can_be_dictionary(field.data_type()) {
            Arc::new(field.as_ref().clone().with_data_type(code_type()))
        } else {
            Arc::clone(field)
        }
    });
    let fields: Vec<_> = fields.collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Whether the reader can keep the file's dictionary; other texts are cast.
const fn can_be_dictionary(found: &DataType) -> bool {
    matches!(
        found,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn is_text(found: &DataType) -> bool {
    match found {
        DataType::Dictionary(_, values) => can_be_dictionary(values),
        other => can_be_dictionary(other),
    }
}

const fn is_date(found: &DataType) -> bool {
    matches!(
        found,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, None)
    )
}
