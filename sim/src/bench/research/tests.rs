//! The benchmark's data, and its eye for answers that are not true.

use std::collections::HashSet;

use innsyn_policy::{NationalId, NumberRules};
use innsyn_proto::wire::research::v1 as wire;
use serde_json::json;
use wire::value::Value as Shown;

use super::check::agree;
use super::data::id_of;

#[test]
fn no_two_persons_have_the_same_id_and_every_id_is_synthetic() {
    let numbers = (0..20_000).chain(9_990_000..10_000_000);
    let ids: Vec<[u8; 11]> = numbers.map(|number| id_of(number).unwrap()).collect();
    for id in &ids {
        let text = std::str::from_utf8(id).unwrap();
        assert!(NationalId::parse(text, NumberRules::default()).is_ok());
        assert!(matches!(id[2], b'8' | b'9'), "the month is raised by 80");
    }
    let different: HashSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
}

fn released(shown: Shown) -> wire::ReleasedTable {
    wire::ReleasedTable {
        rounding_base: 5,
        rows: vec![row("R01", shown)],
        ..wire::ReleasedTable::default()
    }
}

fn row(code: &str, shown: Shown) -> wire::Row {
    let values = [Shown::Text(code.to_owned()), shown];
    let values = values.map(|value| wire::Value { value: Some(value) });
    wire::Row {
        values: values.into(),
    }
}

#[test]
fn a_cell_that_is_not_true_is_found_and_so_is_a_table_that_shows_nothing() {
    let truth = [vec![json!("R01"), json!(12)]];
    assert_eq!(agree(&released(Shown::Count(10)), &truth, 1).unwrap(), 1);
    agree(&released(Shown::Count(15)), &truth, 1).unwrap_err();
    agree(&released(Shown::Real(13.0)), &truth, 1).unwrap_err();
    // Beside a cell that is true, one of nobody.
    let mut more = released(Shown::Count(10));
    more.rows.push(row("R02", Shown::Count(10)));
    agree(&more, &truth, 1).unwrap_err();
    agree(&released(Shown::Hidden(1)), &truth, 1).unwrap_err();
}
