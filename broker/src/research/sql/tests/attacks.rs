//! What SQL has been used for to get at one person, and what nobody may think was understood.
//!
//! Each is refused at its place and with something to write instead.

use super::*;

#[test]
fn values_of_single_persons_are_refused() {
    are_refused(&[
        ("SELECT * FROM people", "1:8", "name groups and measures"),
        ("SELECT p.* FROM people p", "1:8", "name groups"),
        (
            "SELECT person FROM people GROUP BY person",
            "1:37",
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

#[test]
fn conditions_that_single_out_or_can_fail_are_refused() {
    let rows = [
        ("cost = 1234.56", "1:43", "less or greater"),
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
        ("TRUE", "1:34", "always the same"),
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
            "1:68",
            "before it begins",
        ),
        ("admitted > CURRENT_DATE", "1:45", "function in a condition"),
        ("random() < 0.5", "1:34", "function in a condition"),
        ("days = $1", "1:41", "a parameter"),
        ("days = ?", "1:41", "the value itself"),
        ("sex = E'K'", "1:40", "of this kind"),
        ("sex = $$K$$", "1:40", "of this kind"),
        ("(sex, days) = ('K', 1)", "1:34", "as a condition"),
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
    for (condition, place, said) in rows {
        let sql = format!("SELECT COUNT(*) FROM stays WHERE {condition}");
        are_refused(&[(&sql, place, said)]);
    }
}

#[test]
fn sub_selects_are_of_the_persons_own_events_or_refused() {
    let rows = [
        (
            "EXISTS (SELECT 1 FROM stays)",
            "1:54",
            "inner.person = outer.person",
        ),
        (
            "EXISTS (SELECT 1 FROM stays WHERE days > 5)",
            "1:54",
            "inner.person",
        ),
        (
            "EXISTS (SELECT 1 FROM stays s WHERE s.person <> people.person)",
            "1:54",
            "inner.person",
        ),
        (
            "EXISTS (SELECT 1 FROM stays s WHERE NOT s.person = people.person)",
            "1:54",
            "inner",
        ),
        (
            "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person OR days > 1)",
            "1:54",
            "inner",
        ),
        (
            "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person AND s.sex = people.sex)",
            "1:105",
            "something else",
        ),
        ("EXISTS (SELECT 1 FROM people)", "1:54", "the same name"),
        (
            "EXISTS (SELECT 1 FROM people p WHERE p.person = people.person)",
            "1:54",
            "view of events",
        ),
        (
            "EXISTS (SELECT days FROM stays s WHERE s.person = people.person)",
            "1:40",
            "EXISTS (SELECT 1",
        ),
        (
            "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person LIMIT 1)",
            "1:92",
            "leave it out",
        ),
        (
            "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person GROUP BY sex)",
            "1:92",
            "GROUP BY",
        ),
        (
            "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person AND first_event())",
            "1:96",
            "function",
        ),
        (
            "EXISTS (SELECT 1 FROM stays s WHERE s.person = people.person AND EXISTS (SELECT 1 FROM stays t WHERE t.person = s.person))",
            "1:104",
            "events of an event",
        ),
        ("sex IN (SELECT sex FROM stays)", "1:36", "a `SELECT` here"),
        (
            "birth_year = (SELECT MAX(birth_year) FROM people)",
            "1:49",
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
    for (condition, place, said) in rows {
        let sql = format!("SELECT persons() FROM people WHERE {condition}");
        are_refused(&[(&sql, place, said)]);
    }
    are_refused(&[(
        "SELECT persons() FROM stays s WHERE days > 5 OR EXISTS (SELECT 1 FROM prescriptions p \
         WHERE p.person = s.person)",
        "1:57",
        "by `AND`",
    )]);
}

#[test]
fn clauses_that_would_be_ignored_elsewhere_are_refused() {
    are_refused(&[
        (
            "SELECT persons() FROM people TABLESAMPLE SYSTEM (1)",
            "1:30",
            "not SQL",
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
        ("SELECT persons() FROM people OFFSET 1", "", "LIMIT 10"),
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
        ("SELECT TOP 5 persons() FROM people", "1:14", "not SQL"),
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
    ]);
}

#[test]
fn functions_and_sums_take_columns_and_no_clauses() {
    are_refused(&[
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
            "1:89",
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
    ]);
}

#[test]
fn everything_but_one_select_is_refused() {
    for sql in [
        "",
        ";",
        "SELECT persons() FROM people; SELECT persons() FROM people",
        "SELECT persons() FROM people; DROP TABLE people",
        "EXPLAIN SELECT persons() FROM people",
        "EXPLAIN ANALYZE SELECT persons() FROM people",
        "DESCRIBE people",
        "SHOW TABLES",
        "SET k = 1",
        "COPY (SELECT 1) TO '/tmp/x'",
        "COPY people TO '/tmp/x'",
        "CREATE TABLE t AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "INSERT INTO people VALUES (1)",
        "UPDATE people SET sex = 'K'",
        "DELETE FROM people",
        "DROP TABLE people",
        "TRUNCATE people",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DO $$ BEGIN END $$",
        "LISTEN x",
        "VALUES (1)",
        "TABLE people",
        "BEGIN",
        "GRANT ALL ON people TO public",
        "ATTACH 'x' AS y",
        "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE",
        "select",
        "SELECT persons() FROM people WHERE",
        "SELECT persons( FROM people",
        "SELECT 'persons() FROM people",
        "SELECT \"persons() FROM people",
        "😀",
        "\0",
    ] {
        let (_, said) = refused(sql);
        assert!(!said.is_empty(), "{sql}");
    }
    are_refused(&[
        (
            "SELECT /*+ PARALLEL(8) */ persons() FROM people",
            "1:8",
            "a comment",
        ),
        (
            "SELECT persons() -- WHERE sex = 'K'\nFROM people",
            "1:18",
            "a comment",
        ),
        (
            "SELECT persons()\nFROM people\n  WHERE cause = 'K'",
            "3:9",
            "no column `cause`",
        ),
    ]);
}

#[test]
fn what_is_too_long_or_too_deep_is_refused_before_it_is_parsed() {
    let nested = |open: &str, close: &str, times: usize| {
        let (open, close) = (open.repeat(times), close.repeat(times));
        format!("SELECT persons() FROM people WHERE {open}sex = 'K'{close}")
    };
    let too = |sql: &str| refused(sql).1;
    lowered(&nested("(", ")", SQL_NESTING_MAX));
    for times in [SQL_NESTING_MAX + 1, 8_000] {
        assert!(too(&nested("(", ")", times)).contains("nested"));
        assert!(too(&nested("(NOT ", ")", times)).contains("nested"));
        assert!(too(&nested("f((SELECT ", "))", times)).contains("nested"));
    }
    assert!(too(&nested("NOT ", "", 200)).contains("nested"));
    assert!(too(&nested("NOT ", "", 8_000)).contains("words and signs"));
    assert!(too(&nested("- ", "", 400)).contains("nested"));
    assert!(too(&nested("sex = 'K' OR ", "", 300)).contains("conditions"));
    assert!(too(&nested("sex = ", "", 490)).contains("as a condition"));
    assert!(too(&nested("sex = 'K' AND ", "", 8_000)).contains("longer than"));
    assert!(too(&"(".repeat(40_000)).contains("longer than"));
    // A list of codes is as long as a query allows, and `check` says how long that is.
    let codes = vec!["'I21'"; 2_000].join(", ");
    let sql = format!("SELECT persons() FROM stays WHERE diagnosis IN ({codes})");
    let error = check(&lowered(&sql).query, &CATALOGUE).unwrap_err();
    assert!(error.to_string().contains("too many"), "{error}");
}

#[test]
fn an_error_never_repeats_a_persons_number() {
    let number = "01818012345";
    for sql in [
        format!("SELECT persons() FROM people WHERE sex = {number}"),
        format!("SELECT persons() FROM people WHERE birth_year = '{number}'"),
        format!("SELECT persons() FROM people WHERE sex LIKE '{number}'"),
        format!("SELECT persons() FROM people WHERE '{number}' = '{number}'"),
        format!("SELECT persons() FROM people WHERE \"{number}\" = 'K'"),
        format!("SELECT persons() FROM \"{number}\""),
        format!("SELECT \"{number}\"() FROM people"),
        format!("SELECT persons() AS \"{number}\", persons() AS \"{number}\" FROM people"),
        format!("SELECT persons() FROM people WHERE sex = 'K' {number}"),
        format!("SELECT persons() FROM people '{number}'"),
        format!("SELECT persons() FROM people WHERE sex = '{number}"),
        format!("SELECT persons() FROM people LIMIT '{number}'"),
    ] {
        let error = lower(&sql, &CATALOGUE).unwrap_err();
        assert!(!error.to_string().contains(number), "{error}");
        assert!(!format!("{error:?}").contains(number), "{error:?}");
    }
}
