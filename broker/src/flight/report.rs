//! `query_report`: what became of each register in the last query, as a table beside it.
//!
//! Data frames lose the metadata of a schema; this one can be asked for.

use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampSecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use innsyn_proto::wire::research::v1 as wire;

use super::refusal::FlightRefusal;
use super::table::{outcome, why};

/// The table's name.
pub(super) const NAME: &str = "query_report";

/// Its columns.
pub(super) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Second, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("query_name", DataType::Utf8, false),
        Field::new("released_at", time, false),
        Field::new("is_earlier", DataType::Boolean, false),
        Field::new("register", DataType::Utf8, false),
        Field::new("outcome", DataType::Utf8, false),
        Field::new("reason", DataType::Utf8, true),
    ]))
});

/// Whether `sql` reads the report; a statement that reads it in another way is refused.
pub(super) fn is_asked(sql: &str) -> Result<bool, FlightRefusal> {
    let words = sql.trim().trim_end_matches(';').to_lowercase();
    let words: Vec<&str> = words.split_whitespace().collect();
    match words.as_slice() {
        ["select", "*", "from", table] if is_named(table) => Ok(true),
        _ if words.iter().any(|word| is_named(word)) => Err(FlightRefusal::ReportForm),
        _ => Ok(false),
    }
}

/// Whether `word` names the report, in its schema or not.
fn is_named(word: &str) -> bool {
    let word = word.replace('"', "");
    let word = word.strip_prefix("innsyn.").unwrap_or(&word);
    word.strip_prefix("views.").unwrap_or(word) == NAME
}

/// The report of `table`: one row for each register that was asked.
pub(super) fn of(table: &wire::ReleasedTable) -> Result<RecordBatch, FlightRefusal> {
    let registers = &table.registers;
    let name = hex::encode(&table.query_name);
    let texts = |text: &dyn Fn(&wire::RegisterProgress) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(registers.iter().map(text)))
    };
    let released = TimestampSecondArray::from(vec![table.released_at; registers.len()]);
    let columns = vec![
        texts(&|_| name.clone()),
        Arc::new(released.with_timezone("UTC")),
        Arc::new(BooleanArray::from(vec![table.is_earlier; registers.len()])),
        texts(&|register| register.register_id.clone()),
        texts(&|register| outcome(register.state()).to_owned()),
        Arc::new(registers.iter().map(why).collect::<StringArray>()),
    ];
    RecordBatch::try_new(Arc::clone(&SCHEMA), columns).map_err(|_| FlightRefusal::Failed)
}
