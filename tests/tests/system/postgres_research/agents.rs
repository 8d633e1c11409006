//! A whole register, counted by its agent from its files and then from PostgreSQL: the researcher
//! is told the same.

use std::fs;
use std::path::Path;

use innsyn_proto::wire::research::v1 as wire;
use innsyn_sim::world::World;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use wire::{Pick, Query, RegisterState};

use super::super::fleet::{Fleet, Prepared, until};
use super::super::postgres::server::Server;
use super::super::research::{by_code, measure, run, spec, states};

/// A quality register, whose people stand in a CSV file.
const REGISTER: &str = "gastronet";

/// What the register is asked.
fn questions() -> Vec<Query> {
    let of = |view: &str, dimensions, measures: Vec<wire::measure::Measure>| Query {
        view: view.to_owned(),
        registers: vec![REGISTER.to_owned()],
        dimensions,
        measures: measures.into_iter().map(measure).collect(),
        ..Query::default()
    };
    let persons = || wire::measure::Measure::Persons(wire::Persons {});
    let first = Query {
        rows: Some(wire::Rows {
            r#where: None,
            pick: Pick::First.into(),
        }),
        ..of(
            "treatments",
            vec![by_code("unit", 0)],
            vec![persons(), wire::measure::Measure::Mean("score".to_owned())],
        )
    };
    // One of a permit: two may differ by a few persons.
    vec![first]
}

/// The statement that makes a table of a view's file.
fn table_of(name: &str, file: &Path) -> String {
    let file = fs::File::open(file).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let columns: Vec<String> = reader
        .schema()
        .fields()
        .iter()
        .map(|field| {
            use arrow_schema::DataType as T;
            let of_type = match field.data_type() {
                T::Utf8 => "text",
                T::Int32 => "int4",
                T::Float64 => "numeric",
                T::Date32 => "date",
                other => panic!("{other}"),
            };
            format!("\"{}\" {of_type}", field.name())
        })
        .collect();
    let mut rows = Vec::new();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        let texts: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| arrow_cast::cast(column, &arrow_schema::DataType::Utf8).unwrap())
            .collect();
        for at in 0..batch.num_rows() {
            let row = texts.iter().map(|column| {
                use arrow_array::Array as _;
                use arrow_array::cast::AsArray as _;
                let column = column.as_string::<i32>();
                if column.is_valid(at) {
                    quoted(column.value(at))
                } else {
                    "NULL".to_owned()
                }
            });
            rows.push(format!("({})", row.collect::<Vec<_>>().join(",")));
        }
    }
    format!(
        "CREATE TABLE {name} ({}); INSERT INTO {name} VALUES {}; \
         GRANT SELECT ON {name} TO innsyn_keeper;",
        columns.join(","),
        rows.join(",")
    )
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The statement that makes a table of a CSV file, all text.
fn table_of_csv(name: &str, file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let mut lines = text.lines().map(|line| line.split(','));
    let columns: Vec<_> = lines
        .next()
        .unwrap()
        .map(|name| format!("{name} text"))
        .collect();
    let rows = lines.map(|fields| {
        let fields = fields.map(|field| match field {
            "" => "NULL".to_owned(),
            field => quoted(field),
        });
        format!("({})", fields.collect::<Vec<_>>().join(","))
    });
    let rows = rows.collect::<Vec<_>>().join(",");
    let inserted = if rows.is_empty() {
        String::new()
    } else {
        format!("INSERT INTO {name} VALUES {rows};")
    };
    format!(
        "CREATE TABLE {name} ({}); {inserted} GRANT SELECT ON {name} TO innsyn;",
        columns.join(",")
    )
}

/// Puts the register's files into the database, and points its agent there.
async fn move_to_postgres(server: &Server, world: &World) {
    let folder = world.folder.join("country/registers").join(REGISTER);
    let text = fs::read_to_string(folder.join("manifest.toml")).unwrap();
    let mut manifest: toml::Table = text.parse().unwrap();
    server
        .run(
            "CREATE ROLE innsyn_keeper LOGIN; CREATE ROLE innsyn_reader LOGIN;
             CREATE SCHEMA innsyn AUTHORIZATION innsyn_keeper",
        )
        .await;
    server
        .run(&table_of_csv("personer", &folder.join("personer.csv")))
        .await;
    server
        .run(&table_of_csv(
            "innstillinger",
            &folder.join("innstillinger.csv"),
        ))
        .await;
    let mut views = manifest.remove("view").unwrap();
    for view in views.as_array_mut().unwrap() {
        let view = view.as_table_mut().unwrap();
        let file = view.remove("files").unwrap();
        let name = format!("in_{}", view["name"].as_str().unwrap());
        let statement = table_of(&name, &folder.join(file.as_str().unwrap()));
        server.run(&statement).await;
        view.insert("table".to_owned(), name.into());
    }

    let source = format!(
        r#"kind = "postgres"
host = "{host}"
port = {port}
database = "postgres"
user = "innsyn"
tls = "disabled"
refresh_s = 2

[persons]
table = "personer"

[settings]
table = "innstillinger"

[research]
keeper = {{ user = "innsyn_keeper" }}
reader = {{ user = "innsyn_reader" }}
"#,
        host = server.socket_folder().display(),
        port = server.port(),
    );
    let mut source: toml::Table = source.parse().unwrap();
    for part in ["persons", "settings"] {
        for key in ["columns", "status"] {
            if let Some(value) = manifest[part].get(key) {
                source[part]
                    .as_table_mut()
                    .unwrap()
                    .insert(key.to_owned(), value.clone());
            }
        }
    }
    source["research"]
        .as_table_mut()
        .unwrap()
        .insert("view".to_owned(), views);
    let path = world.agent_config(REGISTER);
    let mut config: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
    config.insert("source".to_owned(), source.into());
    fs::write(&path, config.to_string()).unwrap();
}

/// The rows of each question's table; each is answered.
async fn tables(fleet: &Fleet) -> Vec<Vec<wire::Row>> {
    let researcher = fleet.researcher().await;
    let mut tables = Vec::new();
    for question in questions() {
        let table = run(&researcher, question).await;
        assert_eq!(states(&table)[REGISTER], RegisterState::Answered);
        assert!(!table.rows.is_empty());
        tables.push(table.rows);
    }
    tables
}

#[tokio::test]
async fn a_register_tells_a_researcher_the_same_from_postgresql_as_from_files() {
    let server = Server::start();
    let prepare = || Prepared::choosing(&spec(3_000, 8), |id, _| id == REGISTER);
    let from_files = tables(&prepare().start().await).await;

    // The same country again, whose permit has had no table yet.
    let prepared = prepare();
    move_to_postgres(&server, &prepared.world).await;
    let fleet = prepared.start().await;

    assert_eq!(tables(&fleet).await, from_files);
    // It was the database that was asked.
    let asked = "pg_stat_user_tables WHERE relname = 'in_treatments' AND seq_scan > 2";
    until("the scans", async || server.count(asked).await == 1).await;
}

/// The agent does not start with a reader that may write.
#[tokio::test]
async fn an_agent_whose_reader_may_write_does_not_start_and_says_why() {
    let server = Server::start();
    let prepared = Prepared::choosing(&spec(600, 9), |id, _| id == REGISTER);
    let mut fleet = prepared.start().await;
    move_to_postgres(&server, &fleet.world).await;
    server
        .run("GRANT UPDATE ON in_persons TO innsyn_reader")
        .await;
    fleet.stop(REGISTER).await;

    let config = fleet.world.agent_config(REGISTER);
    let run = tokio::process::Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
        .args(["agent", "run", "--config"])
        .arg(config)
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(super::super::fleet::LONG, run).await;
    let refused = ended.expect("it ends").unwrap();
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{why}");
    assert!(why.contains("has UPDATE on public.in_persons"), "{why}");
}
