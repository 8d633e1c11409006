//! What other engines let through, and what would tell of persons: refused here, before a
//! register is asked.

use super::*;

/// Values of single persons, rows, other tables, the server itself, and work without end.
const ATTACKS: [&str; 58] = [
    // Rows and values of persons.
    "SELECT * FROM persons",
    "SELECT person FROM persons",
    "SELECT DISTINCT sex FROM persons",
    "SELECT sex FROM persons",
    "SELECT person, persons() FROM persons GROUP BY person",
    "SELECT persons() FROM persons WHERE person = 1",
    "SELECT array_agg(income) FROM persons",
    "SELECT string_agg(sex, ',') FROM persons",
    "SELECT first_value(income) FROM persons",
    "SELECT MIN(income), MAX(income) FROM persons",
    "SELECT MEDIAN(income) FROM persons",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY income) FROM persons",
    "SELECT mode() WITHIN GROUP (ORDER BY income) FROM persons",
    "SELECT SUM(person) FROM persons",
    "SELECT income, persons() FROM persons GROUP BY income",
    "SELECT persons() FROM persons WHERE income = 1234.56",
    // Differencing within one query.
    "SELECT SUM(CASE WHEN sex = 'K' THEN income ELSE 0 END) FROM persons",
    "SELECT SUM(income) FILTER (WHERE born_year = 1950) FROM persons",
    "SELECT SUM(income * 2) FROM persons",
    "SELECT SUM(CAST(income AS BIGINT)) FROM persons",
    "SELECT COUNT(*) - COUNT(DISTINCT person) FROM persons",
    "SELECT SUM(DISTINCT income) FROM persons",
    "SELECT persons() FROM persons HAVING persons() > 1",
    "SELECT sex, persons() FROM persons GROUP BY ROLLUP (sex)",
    "SELECT sex, persons() FROM persons GROUP BY CUBE (sex)",
    "SELECT persons() OVER (PARTITION BY sex) FROM persons",
    "SELECT persons() FROM persons UNION ALL SELECT persons() FROM stays",
    "SELECT persons() FROM persons QUALIFY 1 = 1",
    "SELECT persons() FROM persons LIMIT 1 OFFSET 1",
    // Other tables, and tables that pretend to be others.
    "SELECT persons() FROM (SELECT income AS born_year FROM persons) AS p",
    "WITH p AS (SELECT * FROM persons) SELECT persons() FROM p",
    "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT COUNT(*) FROM r",
    "SELECT persons() FROM persons, stays",
    "SELECT persons() FROM persons CROSS JOIN stays",
    "SELECT persons() FROM persons p JOIN stays s ON p.person = s.person",
    "SELECT stays.days, persons() FROM persons stays GROUP BY stays.days",
    "SELECT COUNT(*) FROM generate_series(1, 1000000000000)",
    "SELECT COUNT(*) FROM read_parquet('/etc/passwd')",
    "SELECT persons() FROM information_schema.tables",
    "SELECT persons() FROM persons AS p (a, b)",
    // What is passed over elsewhere.
    "SELECT persons() FROM persons TABLESAMPLE SYSTEM (1)",
    "SELECT persons() FROM persons FOR UPDATE",
    "SELECT persons() FROM persons -- WHERE sex = 'K'",
    "SELECT persons() FROM persons; SELECT persons() FROM stays",
    // Errors and times that tell.
    "SELECT persons() FROM persons WHERE 1 / (born_year - 1950) > 0",
    "SELECT persons() FROM persons WHERE CAST(sex AS INT) = 1",
    "SELECT persons() FROM persons WHERE sex ~ '^(a+)+$'",
    "SELECT persons() FROM persons WHERE born_year = 'abc'",
    "SELECT persons() FROM persons WHERE born_year = 99999999999999999999",
    "SELECT persons() FROM persons WHERE random() < 0.5",
    "SELECT version()",
    // Other statements.
    "EXPLAIN ANALYZE SELECT persons() FROM persons",
    "DESCRIBE persons",
    "SHOW TABLES",
    "SET smallest_cell = 1",
    "COPY (SELECT persons() FROM persons) TO 'x'",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "INSERT INTO persons VALUES (1)",
];

#[tokio::test]
async fn attacks_are_refused_before_a_register_is_asked_and_nothing_they_hold_is_repeated() {
    let world = counting().await;
    let driver = Driver::new(&world);
    for sql in ATTACKS {
        let Err(status) = driver.run(sql).await else {
            panic!("accepted: {sql}");
        };
        let reason = reason(&status);
        assert!(
            ["SQL_REFUSED", "QUERY_REFUSED"].contains(&reason.as_str()),
            "{sql}: {reason}"
        );
        for held in ["1234.56", "99999999999999999999", "/etc/passwd", "abc"] {
            assert!(!status.message().contains(held), "{}", status.message());
        }
    }
    let nested = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
    for sql in [
        format!("SELECT persons() FROM persons WHERE born_year = {nested}"),
        format!(
            "SELECT persons() FROM persons WHERE sex IN ({})",
            "'K',".repeat(20_000)
        ),
    ] {
        assert_eq!(reason(&driver.run(&sql).await.unwrap_err()), "SQL_REFUSED");
    }
    assert_eq!(world.asked(), 0);
    #[expect(clippy::print_stderr, reason = "the suite tells its score")]
    {
        let score = ATTACKS.len();
        eprintln!("attacks over Flight SQL: {score} of {score} refused");
    }
}
