//! SQL as an attacker writes it, and what whoever sends it is told.

use innsyn_sim::population::Sex;
use wire::run_request::Question as Asked;

use innsyn_proto::wire::research::v1 as wire;

use super::country::Attacked;
use crate::system::research::told;

const STATEMENTS: &str = include_str!("statements.txt");
/// The permit under which all of them are sent.
const PERMIT: &str = "statements";

/// A statement, and the rows that came of it or why there are none.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) statement: String,
    pub(super) answer: Result<Vec<Vec<String>>, String>,
}

/// The statements, about the person who must not show.
fn statements(attacked: &Attacked) -> Vec<String> {
    let victim = &attacked.victim;
    let sex = match victim.sex {
        Sex::Female => "female",
        Sex::Male => "male",
    };
    let lines = STATEMENTS.lines();
    let statements = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    statements
        .map(|statement| {
            statement
                .replace("{sex}", sex)
                .replace("{born}", &victim.born.year().to_string())
                .replace("{municipality}", victim.municipality.number)
        })
        .collect()
}

/// Sends each as a researcher's program does.
pub(super) async fn over_grpc(attacked: &Attacked) -> Vec<Told> {
    let researcher = attacked.researcher.clone();
    let researcher = researcher.with_permit(attacked.permit(PERMIT));
    let mut all = Vec::new();
    for statement in statements(attacked) {
        let request = researcher.asks(Asked::Sql(statement.clone()));
        let answer = match researcher.run(request, |_| ()).await {
            Ok(table) => {
                let rows = table.rows.iter();
                Ok(rows
                    .map(|row| row.values.iter().map(told).collect())
                    .collect())
            }
            Err(status) => Err(format!("{:?}: {}", status.code(), status.message())),
        };
        all.push(Told { statement, answer });
    }
    all
}

/// Sends each as ADBC does.
#[cfg(feature = "external")]
pub(super) async fn over_flight_sql(attacked: &Attacked) -> Vec<Told> {
    use std::path::Path;

    use innsyn_policy::Clock as _;
    use innsyn_proto::clock::SystemClock;
    use serde_json::Value;

    let statements = statements(attacked);
    let world = &attacked.fleet.world;
    let token = world.researcher_token(SystemClock.now(), &mut rand::rng());
    let file = |name: &str, text: &str| {
        let path = world.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = tokio::process::Command::new(root.join(".venv/bin/python"))
        .arg(root.join("tests/clients/attacks.py"))
        .arg("--uri")
        .arg(format!("grpc://{}", world.research_gateway().unwrap()))
        .arg("--token-file")
        .arg(file("token", &token.unwrap()))
        .arg("--permit-file")
        .arg(file("permit", &attacked.permit("flight")))
        .arg("--statements")
        .arg(file("statements", &statements.join("\n")))
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), statements.len());
    let told = statements.into_iter().zip(answers);
    told.map(|(statement, answer)| Told {
        statement,
        answer: match answer.get("refused") {
            Some(refused) => Err(refused.to_string()),
            None => Ok(serde_json::from_value(answer["rows"].clone()).unwrap()),
        },
    })
    .collect()
}
