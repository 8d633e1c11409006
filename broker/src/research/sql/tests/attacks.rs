//! What SQL has been used for to get at one person, and what nobody may think was understood.
//!
//! Each is refused at its place and with something to write instead.

mod conditions;
mod texts;

use super::*;

#[test]
fn values_of_single_persons_are_refused() {
    are_refused(&[
        ("SELECT * FROM people", "1:8", "name groups and measures"),
        ("SELECT p.* FROM people p", "1:8", "name groups"),
        (
            "SELECT person FROM people GROUP BY person",
            "1:36",
            "persons are counted",
        ),
        (
            "SELECT persons() FROM people WHERE person = 1",
            "1:36",
            "persons are counted",
        ),
        (
            "SELECT COUNT(person) FROM people",
            "1:8",
            "COUNT(DISTINCT person)",
        ),
        (
            "SELECT COUNT(DISTINCT sex) FROM people",
            "1:8",
            "COUNT(DISTINCT person)",
        ),
        ("SELECT COUNT(sex) FROM people", "1:8", "COUNT(*)"),
        (
            "SELECT SUM(person) FROM people",
            "1:12",
            "persons are counted",
        ),
        ("SELECT MIN(birth_year) FROM people", "1:8", "histogram"),
        ("SELECT MAX(days) FROM stays", "1:8", "histogram"),
        ("SELECT MEDIAN(days) FROM stays", "1:8", "histogram"),
        (
            "SELECT MODE() WITHIN GROUP (ORDER BY days) FROM stays",
            "1:8",
            "clause",
        ),
        (
            "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days) FROM stays",
            "1:8",
            "clause",
        ),
        ("SELECT FIRST_VALUE(days) FROM stays", "1:8", "histogram"),
        (
            "SELECT ARRAY_AGG(days) FROM stays",
            "1:8",
            "no function `array_agg`",
        ),
        (
            "SELECT STRING_AGG(sex, ',') FROM people",
            "1:8",
            "no function",
        ),
        ("SELECT STDDEV(days) FROM stays", "1:8", "VAR_SAMP"),
        ("SELECT VAR_POP(days) FROM stays", "1:8", "VAR_SAMP"),
        (
            "SELECT birth_year, COUNT(*) FROM people GROUP BY birth_year",
            "1:50",
            "band(",
        ),
        (
            "SELECT born, COUNT(*) FROM people GROUP BY born",
            "1:44",
            "year(",
        ),
        ("SELECT SUM(birth_year) FROM people", "1:12", "no bounds"),
    ]);
}

const CLAUSES: &[(&str, &str, &str)] = &[
    (
        "SELECT persons() FROM people TABLESAMPLE SYSTEM (1)",
        "1:23",
        "a sample",
    ),
    ("SELECT persons() FROM people FOR UPDATE", "1:30", "locked"),
    (
        "SELECT persons() FROM people FOR SHARE NOWAIT",
        "1:30",
        "locked",
    ),
    (
        "SELECT persons() FROM people LIMIT ALL",
        "1:30",
        "not understood",
    ),
    ("SELECT persons() FROM people OFFSET 1", "1:37", "LIMIT 10"),
    (
        "SELECT persons() FROM people LIMIT 1 OFFSET 1",
        "1:36",
        "LIMIT 10",
    ),
    ("SELECT persons() FROM people LIMIT -1", "1:37", "LIMIT 10"),
    (
        "SELECT persons() FROM people FETCH FIRST 1 ROW ONLY",
        "1:30",
        "`LIMIT`",
    ),
    (
        "SELECT persons() FROM people HAVING COUNT(*) > 5",
        "1:30",
        "released table",
    ),
    (
        "SELECT DISTINCT sex, persons() FROM people GROUP BY sex",
        "1:1",
        "GROUP BY",
    ),
    ("SELECT ALL persons() FROM people", "1:1", "GROUP BY"),
    ("SELECT TOP 5 persons() FROM people", "1:8", "write `LIMIT`"),
    (
        "SELECT persons() INTO t FROM people",
        "1:18",
        "keep the table",
    ),
    (
        "SELECT persons() FROM people, stays",
        "1:31",
        "name one view",
    ),
    (
        "SELECT persons() FROM people JOIN stays ON 1 = 1",
        "1:35",
        "EXISTS",
    ),
    (
        "SELECT persons() FROM people CROSS JOIN stays",
        "1:41",
        "EXISTS",
    ),
    (
        "SELECT persons() FROM (SELECT * FROM people) p",
        "1:24",
        "published view",
    ),
    (
        "SELECT persons() FROM generate_series(1, 1000000000000)",
        "1:23",
        "anything added",
    ),
    ("SELECT persons() FROM nord.people", "1:23", "_register"),
    (
        "SELECT persons() FROM information_schema.tables",
        "1:23",
        "the view's name alone",
    ),
    (
        "SELECT persons() FROM people p (a, b)",
        "1:30",
        "alias with columns",
    ),
    ("SELECT persons()", "1:1", "one view after `FROM`"),
    ("SELECT FROM people", "1:1", "COUNT(DISTINCT person)"),
    ("SELECT 1 FROM people", "1:8", "always the same"),
    ("SELECT sex, persons() FROM people", "1:8", "GROUP BY"),
    (
        "SELECT sex FROM people GROUP BY sex",
        "1:1",
        "COUNT(DISTINCT person)",
    ),
    ("SELECT persons(), persons() FROM people", "1:19", "`AS`"),
    ("SELECT persons() FROM deaths", "1:23", "there is `people`"),
    (
        "WITH x AS (SELECT 1) SELECT persons() FROM people",
        "1:1",
        "one `SELECT`",
    ),
    (
        "WITH RECURSIVE x AS (SELECT 1) SELECT persons() FROM x",
        "1:1",
        "one `SELECT`",
    ),
    (
        "SELECT persons() FROM people UNION SELECT persons() FROM stays",
        "1:36",
        "its own",
    ),
    ("(SELECT persons() FROM people)", "1:2", "parentheses"),
    (
        "SELECT persons() FROM people GROUP BY ROLLUP (sex)",
        "1:47",
        "each total",
    ),
    (
        "SELECT persons() FROM people GROUP BY CUBE (sex)",
        "1:45",
        "each total",
    ),
    (
        "SELECT persons() FROM people GROUP BY ALL",
        "1:30",
        "name the columns",
    ),
    (
        "SELECT persons() FROM people GROUP BY 1",
        "1:39",
        "group by columns",
    ),
    ("SELECT persons() FROM people GROUP BY 2", "1:39", "from 1"),
    (
        "SELECT persons() FROM people ORDER BY sex",
        "1:39",
        "SELECT",
    ),
    ("SELECT persons() FROM people ORDER BY 0", "1:39", "SELECT"),
    (
        "SELECT histogram(birth_year, 0, 5, 3) h FROM people ORDER BY h",
        "1:62",
        "another column",
    ),
];

#[test]
fn clauses_that_would_be_ignored_elsewhere_are_refused() {
    are_refused(CLAUSES);
}

const FUNCTIONS: &[(&str, &str, &str)] = &[
    (
        "SELECT SUM(days) FILTER (WHERE sex = 'K') FROM stays",
        "1:8",
        "`WHERE`",
    ),
    ("SELECT SUM(days) OVER () FROM stays", "1:8", "window"),
    (
        "SELECT COUNT(*) OVER (PARTITION BY sex) FROM stays",
        "1:8",
        "window",
    ),
    (
        "SELECT SUM(DISTINCT days) FROM stays",
        "1:8",
        "`SUM(column)`",
    ),
    ("SELECT SUM(ALL days) FROM stays", "1:8", "arguments alone"),
    ("SELECT SUM(days * 2) FROM stays", "1:12", "arithmetic"),
    (
        "SELECT SUM(CASE WHEN sex = 'K' THEN 1 END) FROM stays",
        "1:12",
        "`CASE`",
    ),
    ("SELECT SUM(CAST(days AS INT)) FROM stays", "1:17", "a cast"),
    (
        "SELECT SUM(days) / COUNT(*) FROM stays",
        "1:8",
        "released table",
    ),
    ("SELECT SUM(diagnosis) FROM stays", "1:12", "is a code"),
    ("SELECT SUM(score) FROM stays", "1:12", "no bounds"),
    (
        "SELECT CASE WHEN sex = 'K' THEN 1 END, persons() FROM people GROUP BY 1",
        "1:8",
        "band(",
    ),
    (
        "SELECT version() FROM people",
        "1:8",
        "no function `version`",
    ),
    (
        "SELECT pg_read_file('/etc/passwd') FROM people",
        "1:8",
        "no function",
    ),
    (
        "SELECT pg_catalog.count(*) FROM people",
        "1:8",
        "name alone",
    ),
    ("SELECT events() FROM people", "1:8", "persons()"),
    ("SELECT persons(1) FROM people", "1:8", "`persons()`"),
    (
        "SELECT histogram(birth_year, 0, 0.5, 3) FROM people",
        "1:8",
        "whole numbers",
    ),
    (
        "SELECT histogram(birth_year, 0, -5, 3) FROM people",
        "1:8",
        "whole numbers",
    ),
    (
        "SELECT histogram(days, 0, 5, 3) FROM stays",
        "1:18",
        "first_event()",
    ),
    (
        "SELECT life_table(born, died, died, 'day', 3) FROM people",
        "1:8",
        "life_table(",
    ),
    (
        "SELECT level(diagnosis, 3), persons() FROM stays WHERE first_event() GROUP BY 1",
        "1:14",
        "level(diagnosis, 2)",
    ),
    (
        "SELECT LEFT(diagnosis, 2), persons() FROM stays WHERE first_event() GROUP BY 1",
        "1:13",
        "LEFT(diagnosis, 3)",
    ),
    (
        "SELECT SUBSTRING(diagnosis, 2, 1), persons() FROM stays WHERE first_event() GROUP BY 1",
        "1:18",
        "FROM 1 FOR 3",
    ),
    (
        "SELECT diagnosis, persons() FROM stays GROUP BY diagnosis",
        "1:49",
        "last_event()",
    ),
    (
        "SELECT band(birth_year, 5, 4), persons() FROM people GROUP BY 1",
        "1:8",
        "rise",
    ),
    (
        "SELECT band(sex, 5), persons() FROM people GROUP BY 1",
        "1:13",
        "a number",
    ),
    (
        "SELECT year(admitted), DATE_TRUNC('month', admitted), persons() FROM stays GROUP BY 1, 2",
        "1:88",
        "two periods",
    ),
    (
        "SELECT persons() FROM people WHERE first_event()",
        "1:36",
        "view of events",
    ),
    (
        "SELECT AVG(weight) FROM stays WHERE first_event()",
        "1:12",
        "there is `sex`",
    ),
];

#[test]
fn functions_and_sums_take_columns_and_no_clauses() {
    are_refused(FUNCTIONS);
}
