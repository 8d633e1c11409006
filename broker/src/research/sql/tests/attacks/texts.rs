//! Texts that are no statement, or too much of one.

use super::*;

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
        "COPY (SELECT 1) TO 'people.csv'",
        "COPY people TO 'people.csv'",
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
    for times in [SQL_NESTING_MAX + 1, 2_000] {
        assert!(too(&nested("(", ")", times)).contains("nested"));
        assert!(too(&nested("(NOT ", ")", times)).contains("nested"));
        assert!(too(&nested("f((SELECT ", "))", times)).contains("nested"));
    }
}

#[test]
fn no_text_takes_long_to_refuse() {
    for repeated in [
        "CAST(x AS ARRAY<",
        "x::STRUCT<",
        "x::INT[",
        "SELECT 1 UNION ",
        "CASE ",
        "CASE WHEN ",
        "CAST(CASE ",
        "CAST(",
        "f(",
        "f(a => ",
        "INTERVAL ",
        "DATE ",
        "(SELECT ",
        "((",
        "EXISTS (SELECT ",
        "NOT EXISTS (",
        "x IN (",
        "ARRAY[",
        "ARRAY(",
        "[",
        "SUBSTRING(",
        "EXTRACT(YEAR FROM ",
        "a.",
        "a::",
        "- ",
        "PRIOR ",
        "LEFT(",
        "(a, ",
    ] {
        for times in [10, 16, 45, 400] {
            let (many, wheres) = (
                repeated.repeat(times),
                "SELECT persons() FROM people WHERE ",
            );
            for before in [
                "SELECT ",
                "SELECT persons() FROM ",
                wheres,
                "",
                "WITH x AS ",
            ] {
                refused(&format!("{before}{many}"));
            }
        }
    }
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
