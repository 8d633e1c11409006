//! Whether what we show is true.

use std::collections::HashMap;

use anyhow::Context as _;
use innsyn_proto::wire::research::v1 as wire;
use serde_json::Value;
use wire::value::Value as Shown;

/// How far a mean may be away, of the mean: it is shown on a grid, and of two first events of one
/// day DuckDB takes any.
const MEAN_TOLERANCE: f64 = 0.02;

/// How many cells that `released` shows are, but for rounding, in `truth`, whose first
/// `dimensions` columns say which cell it is. Fails if one is not, or if nothing is shown.
pub(super) fn agree(
    released: &wire::ReleasedTable,
    truth: &[Vec<Value>],
    dimensions: usize,
) -> anyhow::Result<usize> {
    let base = f64::from(released.rounding_base.max(1));
    let mut cells: HashMap<Vec<&str>, &[Value]> = HashMap::new();
    for row in truth {
        let (key, numbers) = row.split_at_checked(dimensions).context("a short row")?;
        let key = key.iter().filter_map(Value::as_str).collect();
        cells.insert(key, numbers);
    }
    let mut shown = 0;
    for row in &released.rows {
        let (key, values) = row
            .values
            .split_at_checked(dimensions)
            .context("a short row")?;
        let key: Vec<&str> = key.iter().filter_map(text).collect();
        let exact = cells.get(&key).copied().unwrap_or_default();
        let is_shown = values
            .iter()
            .any(|value| !matches!(&value.value, Some(Shown::Hidden(_))));
        anyhow::ensure!(
            !is_shown || !exact.is_empty(),
            "{key:?} is shown, and nobody is there"
        );
        for (value, exact) in values.iter().zip(exact) {
            let exact = exact.as_f64().context("no number")?;
            let is_true = match &value.value {
                #[expect(clippy::cast_precision_loss, reason = "a count")]
                Some(Shown::Count(count)) => (*count as f64 - exact).abs() * 2.0 <= base,
                Some(Shown::Real(real)) => (real / exact - 1.0).abs() <= MEAN_TOLERANCE,
                _ => continue,
            };
            anyhow::ensure!(is_true, "{key:?}: {value:?} is shown of {exact}");
            shown += 1;
        }
    }
    anyhow::ensure!(shown > 0, "nothing is shown");
    Ok(shown)
}

fn text(value: &wire::Value) -> Option<&str> {
    match &value.value {
        Some(Shown::Text(text)) => Some(text),
        _ => None,
    }
}
