//! A cell that is hidden, from its margin and its neighbours. Each table has a permit of its own, so
//! that nothing but the table itself protects the cell. And a cell that was never asked for, from
//! its margins, which are tables of one permit.

use super::asking::{Counts, Way, counts};
use super::country::{Attacked, REGISTER};
use super::planted::{CROSSED, UNEVEN};
use super::{BASE, Kind, Outcome, SMALLEST, Score};

/// Every attack of this kind.
pub(super) async fn all(attacked: &mut Attacked, way: Way, score: &mut Score) {
    let registers = format!("_register IN ('{REGISTER}')");
    for year in UNEVEN {
        let whom = format!("{registers} AND born_year = {year}");
        let outcome = of_view(attacked, way, "persons", &whom, &[]).await;
        score.book(Kind::Complement, way, format!("sex in {year}"), outcome);
    }
    for view in ["persons", "treatments"] {
        let sql = format!("{registers} AND born_year >= 1900");
        let outcome = of_view(attacked, way, view, &sql, &["municipality"]).await;
        let attack = format!("sex by municipality in {view}");
        score.book(Kind::Complement, way, attack, outcome);
    }
    for order in [[0, 1, 2], [2, 1, 0]] {
        let outcome = of_margins(attacked, way, order).await;
        let attack = format!("low scores at a place, from margins {order:?}");
        score.book(Kind::Complement, way, attack, outcome);
    }
}

/// Tries to pin down those of one place with a low score, from how many are in each place, have each
/// score, and are.
async fn of_margins(attacked: &mut Attacked, way: Way, order: [usize; 3]) -> Outcome {
    let permit = attacked.fresh_permit();
    let whom = format!(
        "FROM treatments WHERE _register IN ('{REGISTER}') AND born_year = {CROSSED} AND first_event()"
    );
    let by = ["", "municipality", "band(score, 25, 50)"];
    let mut tables = [(); 3].map(|()| Counts::new());
    for at in order {
        let sql = match by[at] {
            "" => format!("SELECT persons() {whom}"),
            group => format!("SELECT {group}, persons() {whom} GROUP BY {group}"),
        };
        let told = attacked.told(way, &permit, &sql).await;
        let Some(table) = counts(&told, usize::from(at > 0)) else {
            return Outcome::Refused;
        };
        tables[at] = table;
    }
    // The largest cell of each.
    let [all, place, score] = tables.map(|table| interval(table.values().max()));
    let least = (place.0 + score.0).saturating_sub(all.1);
    if least > 1 && least < SMALLEST {
        Outcome::Through
    } else {
        Outcome::Harmless
    }
}

/// Tries to pin down a cell of `margin` and sex.
async fn of_view(
    attacked: &mut Attacked,
    way: Way,
    view: &str,
    whom: &str,
    margin: &[&str],
) -> Outcome {
    let sql = |by: &[&str]| {
        let persons = [by, &["persons()"]].concat().join(", ");
        let sql = format!("SELECT {persons} FROM {view} WHERE {whom}");
        match by {
            [] => sql,
            by => format!("{sql} GROUP BY {}", by.join(", ")),
        }
    };
    let by = [margin, &["sex"]].concat();
    let exact = attacked.exact(&sql(&by)).await;
    let [one, other] = [(); 2].map(|()| attacked.fresh_permit());
    let cells = counts(&attacked.told(way, &one, &sql(&by)).await, by.len());
    let margins = counts(
        &attacked.told(way, &other, &sql(margin)).await,
        margin.len(),
    );
    let (Some(cells), Some(margins)) = (cells, margins) else {
        return Outcome::Refused;
    };
    if pinned_down(&exact, &cells, &margins) {
        Outcome::Through
    } else {
        Outcome::Harmless
    }
}

/// The smallest and the largest count that is shown as `shown`.
fn interval(shown: Option<&u64>) -> (u64, u64) {
    match shown {
        Some(shown) => {
            let low = shown.saturating_sub(BASE / 2).max(SMALLEST);
            (low, shown + BASE / 2)
        }
        None => (0, u64::MAX / 4),
    }
}

/// Whether a cell of few persons cannot have every number from 1 to [`SMALLEST`] − 1.
fn pinned_down(exact: &Counts, cells: &Counts, margins: &Counts) -> bool {
    let few = exact.iter().filter(|(_, persons)| **persons < SMALLEST);
    few.into_iter().any(|(key, _)| {
        let of_margin = &key[..key.len() - 1];
        let Some(margin) = margins.get(of_margin) else {
            return false;
        };
        let (margin_low, margin_high) = interval(Some(margin));
        // Sexes are two, and everybody has one.
        let neighbours = ["female", "male"].into_iter().filter_map(|sex| {
            let mut neighbour = of_margin.to_vec();
            neighbour.push(sex.to_owned());
            (neighbour != *key).then_some(neighbour)
        });
        let (mut low, mut high) = (0, 0);
        for neighbour in neighbours {
            let (least, most) = interval(cells.get(&neighbour));
            (low, high) = (low + least, high + most);
        }
        let (least, most) = (
            margin_low.saturating_sub(high),
            margin_high.saturating_sub(low),
        );
        least > 1 || most < SMALLEST - 1
    })
}
