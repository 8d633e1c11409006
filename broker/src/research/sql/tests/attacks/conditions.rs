//! Conditions that would single out a person, could fail on one, or mean something else.

use super::*;

const CONDITIONS: &[(&str, &str, &str)] = &[
    ("cost = 1234.56", "1:41", "less or greater"),
    ("1 / 0 > 0", "1:34", "as a condition"),
    ("days / 0 = 1", "1:34", "as a condition"),
    ("CAST(sex AS INT) = 1", "1:39", "a cast"),
    ("sex::int = 1", "1:34", "a cast"),
    (
        "CASE WHEN sex = 'K' THEN 1 ELSE 0 END = 1",
        "1:34",
        "`CASE`",
    ),
    ("1 = 1", "1:34", "always the same"),
    ("TRUE", "1:34", "as a condition"),
    ("sex = ward", "1:40", "two columns"),
    ("sex = NULL", "1:40", "group by the column"),
    ("sex IS NULL", "1:34", "group of its own"),
    ("sex IS NOT NULL", "1:34", "group of its own"),
    ("sex <> 'K'", "1:41", "IS DISTINCT FROM"),
    ("NOT sex = 'K'", "1:44", "IS DISTINCT FROM"),
    ("ward NOT IN ('A')", "1:34", "IS NOT TRUE"),
    ("diagnosis NOT LIKE 'I21%'", "1:34", "IS NOT TRUE"),
    ("diagnosis LIKE '%21'", "1:49", "`%` at the end"),
    ("diagnosis LIKE 'I_1%'", "1:49", "`%` at the end"),
    ("diagnosis LIKE 'I21'", "1:49", "`%` at the end"),
    ("diagnosis LIKE 'I21%' ESCAPE '!'", "1:34", "any pattern"),
    ("diagnosis ILIKE 'i21%'", "1:34", "any pattern"),
    ("diagnosis SIMILAR TO 'I%'", "1:34", "any pattern"),
    ("diagnosis ~ '^I'", "1:46", "a comparison of this kind"),
    ("days = '5'", "1:41", "a whole number"),
    ("days = 5.5", "1:41", "a whole number"),
    ("days = 99999999999999999999", "1:41", "a whole number"),
    ("cost > 1e999", "1:41", "a number"),
    ("sex > 'K'", "1:40", "`IN`"),
    ("sex = 1", "1:40", "as text"),
    ("admitted = '2020-01-01'", "1:45", "whole months"),
    ("admitted > '2020-01-05'", "1:45", "whole months"),
    ("admitted >= '2020-01-31'", "1:46", "whole months"),
    ("admitted > '2020-13-01'", "1:45", "DATE '2020-01-01'"),
    (
        "admitted > '2020-01-31T00:00:00'",
        "1:45",
        "DATE '2020-01-01'",
    ),
    ("admitted > 5", "1:45", "DATE '2020-01-01'"),
    (
        "DATE_TRUNC('year', admitted) = '2020-02-01'",
        "1:65",
        "first day",
    ),
    (
        "DATE_TRUNC('week', admitted) = '2020-02-01'",
        "1:34",
        "DATE_TRUNC",
    ),
    ("EXTRACT(MONTH FROM admitted) = 2", "1:53", "DATE_TRUNC"),
    ("month(admitted) = 2", "1:34", "DATE_TRUNC"),
    ("year(admitted) = 20200", "1:51", "as a number"),
    (
        "admitted < '2020-01-01' AND admitted >= '2020-01-01'",
        "1:34",
        "before it begins",
    ),
    (
        "admitted BETWEEN '2020-01-01' AND '2019-12-31'",
        "1:51",
        "before it begins",
    ),
    (
        "admitted > CURRENT_DATE",
        "1:45",
        "no function `current_date`",
    ),
    ("random() < 0.5", "1:34", "function in a condition"),
    ("days = $1", "1:41", "a parameter"),
    ("days = ?", "1:41", "expected an expression"),
    ("sex = E'K'", "1:40", "of this kind"),
    ("sex = $$K$$", "1:40", "of this kind"),
    ("(sex, days) = ('K', 1)", "1:35", "as a condition"),
    ("sex = ANY (ARRAY['K'])", "1:34", "as a condition"),
    ("NOT first_event()", "1:38", "by `AND`"),
    ("sex = 'K' OR first_event()", "1:47", "by `AND`"),
    ("first_event() AND last_event()", "1:52", "leave one out"),
    ("first_event(days)", "1:34", "`first_event()`"),
    ("_register <> 'nord'", "1:34", "by `AND`"),
    ("_register = 'nord' OR sex = 'K'", "1:34", "by `AND`"),
    ("_register = 'nord' AND _register = 'vest'", "1:57", "once"),
    ("_register = 'sor'", "1:22", "there is none"),
    ("people.sex = 'K'", "1:34", "something else than this view"),
    ("cause = 'K'", "1:34", "there is `sex`"),
];

#[test]
fn conditions_that_single_out_or_can_fail_are_refused() {
    let rows = CONDITIONS.iter().map(|&(condition, place, said)| {
        (
            format!("SELECT COUNT(*) FROM stays WHERE {condition}"),
            place,
            said,
        )
    });
    are_refused(&rows.collect::<Vec<_>>());
}

const SUB_SELECTS: &[(&str, &str, &str)] = &[
    (
        "EXISTS (SELECT 1 FROM stays)",
        "1:58",
        "inner.person = outer.person",
    ),
    (
        "EXISTS (SELECT 1 FROM stays WHERE days > 5)",
        "1:58",
        "inner.person",
    ),
    (
        "EXISTS (SELECT 1 FROM stays s WHERE s.person <> people.person)",
        "1:58",
        "inner.person",
    ),
    (
        "EXISTS (SELECT 1 FROM stays s WHERE NOT s.person = people.person)",
        "1:58",
        "inner",
    ),
    (
        "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person OR days > 1)",
        "1:58",
        "inner",
    ),
    (
        "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person AND s.sex = people.sex)",
        "1:109",
        "something else",
    ),
    ("EXISTS (SELECT 1 FROM people)", "1:58", "the same name"),
    (
        "EXISTS (SELECT 1 FROM people p WHERE p.person = people.person)",
        "1:58",
        "view of events",
    ),
    (
        "EXISTS (SELECT days FROM stays s WHERE s.person = people.person)",
        "1:44",
        "EXISTS (SELECT 1",
    ),
    (
        "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person LIMIT 1)",
        "1:97",
        "leave it out",
    ),
    (
        "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person GROUP BY sex)",
        "1:97",
        "GROUP BY",
    ),
    (
        "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person AND first_event())",
        "1:101",
        "function",
    ),
    (
        "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person AND EXISTS (SELECT 1 FROM stays t WHERE t.person = s.person))",
        "1:109",
        "events of an event",
    ),
    ("sex IN (SELECT sex FROM stays)", "1:36", "a `SELECT` here"),
    (
        "birth_year = (SELECT MAX(birth_year) FROM people)",
        "1:50",
        "two columns",
    ),
    (
        "1 = (SELECT MAX(days) FROM stays)",
        "1:41",
        "how many events",
    ),
    (
        "(SELECT COUNT(*) FROM stays s WHERE s.person = people.person) >= 0",
        "1:101",
        "always the same",
    ),
    (
        "(SELECT COUNT(*) FROM stays s WHERE s.person = people.person) > 4294967295",
        "1:100",
        "whole number",
    ),
    (
        "(SELECT COUNT(DISTINCT person) FROM stays s WHERE s.person = people.person) > 1",
        "1:37",
        "how many events",
    ),
];

#[test]
fn sub_selects_are_of_the_persons_own_events_or_refused() {
    let rows = SUB_SELECTS.iter().map(|&(condition, place, said)| {
        (
            format!("SELECT persons() FROM people WHERE {condition}"),
            place,
            said,
        )
    });
    are_refused(&rows.collect::<Vec<_>>());
    are_refused(&[(
        "SELECT persons() FROM stays s WHERE days > 5 OR EXISTS (SELECT 1 FROM prescriptions p \
         WHERE p.person = s.person)",
        "1:57",
        "by `AND`",
    )]);
}
