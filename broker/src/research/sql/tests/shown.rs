//! Columns, their order and types, and how the released table is shown.

use super::*;

#[test]
fn columns_stand_in_the_order_of_the_list_and_tell_what_they_are_of() {
    let Lowered { columns, query, .. } = lowered(
        "SELECT AVG(days), year(admitted) AS \"År\", COUNT(*), sex, AVG(days) AS again, \
         histogram(birth_year, 1900, 10, 12) FROM stays GROUP BY sex, year(admitted)",
    );
    let is: Vec<_> = columns
        .iter()
        .map(|column| (column.names.join(" "), column.part))
        .collect();
    let expected = [
        ("mean_days", Part::Measure(0)),
        ("År", Part::Dimension(1)),
        ("events", Part::Measure(1)),
        ("sex", Part::Dimension(0)),
        ("again", Part::Measure(0)),
        ("birth_year_bin registrations", Part::Measure(2)),
    ];
    assert_eq!(is, expected.map(|(names, part)| (names.to_owned(), part)));
    assert_eq!((query.dimensions.len(), query.measures.len()), (2, 3));
}

#[test]
fn a_group_need_not_be_shown() {
    let Lowered { columns, query, .. } = lowered("SELECT persons() FROM people GROUP BY sex");
    assert_eq!((columns.len(), query.dimensions.len()), (1, 1));
}

#[test]
fn columns_without_an_alias_are_called_by_what_they_tell() {
    let name = |item: &str, groups: &str| {
        let counted = if groups.is_empty() { "" } else { ", persons()" };
        let sql = format!("SELECT {item}{counted} FROM stays WHERE first_event() {groups}");
        lowered(&sql).columns.first().unwrap().names.join(" ")
    };
    for (item, is) in [
        ("level(diagnosis, 1)", "diagnosis_level_1"),
        ("band(days, 1, 8)", "days_band"),
        ("DATE_TRUNC('quarter', died)", "died_quarter"),
        ("period('month')", "month"),
    ] {
        assert_eq!(name(item, &format!("GROUP BY {item}")), is);
    }
    for (item, is) in [
        ("SUM(days)", "sum_days"),
        ("VARIANCE(days)", "variance_days"),
        (
            "life_table(admitted, died, emigrated, 'month', 3)",
            "step left_by registrations",
        ),
    ] {
        assert_eq!(name(item, ""), is);
    }
}

#[test]
fn bins_and_steps_are_columns_of_their_own_and_begin_with_the_alias() {
    let names = |sql: &str| {
        let columns = lowered(sql).columns;
        columns
            .into_iter()
            .map(|column| column.names)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names("SELECT histogram(birth_year, 1900, 10, 12) AS h FROM people"),
        [["h_bin", "h_registrations"]]
    );
    assert_eq!(
        names(
            "SELECT life_table(admitted, died, emigrated, 'month', 3) AS t FROM stays \
             WHERE first_event() AND _register = 'nord'"
        ),
        [["t_step", "t_left_by", "t_persons"]]
    );
    assert_eq!(
        names("SELECT persons(), histogram(birth_year, 1900, 10, 12) FROM people"),
        [
            vec!["registrations"],
            vec!["birth_year_bin", "registrations_2"]
        ]
    );
}

#[test]
fn order_and_limit_are_no_part_of_the_question() {
    let plain = "SELECT sex, persons() AS n FROM people GROUP BY sex";
    let ways = [
        ("ORDER BY n DESC, sex", 1, true, true),
        ("ORDER BY 2 DESC NULLS LAST LIMIT 5", 1, true, false),
        ("ORDER BY COUNT(*)", 1, false, false),
        (
            "ORDER BY people.sex ASC NULLS FIRST LIMIT 0",
            0,
            false,
            true,
        ),
    ];
    for (order, column, descending, absent_first) in ways {
        let with = lowered(&format!("{plain} {order}"));
        assert_eq!(with.query, lowered(plain).query, "{order}");
        assert_eq!(
            with.presentation.order.first(),
            Some(&OrderBy {
                column,
                descending,
                absent_first
            }),
            "{order}"
        );
    }
    assert_eq!(lowered(plain).presentation, Presentation::default());
    let limited = lowered(&format!("{plain} LIMIT 7")).presentation;
    assert_eq!(limited.rows_max, Some(7));
}
