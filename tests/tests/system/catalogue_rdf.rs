//! The public catalogue in the hands of a program that knows RDF and nothing of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use super::fleet::Prepared;
use super::research::spec;

#[tokio::test]
async fn the_catalogue_is_good_dcat_ap_to_a_library_that_is_not_ours() {
    let fleet = Prepared::new(&spec(300, 8), 6).start().await;
    let researcher = fleet.researcher().await;
    let told = researcher.catalogue().await.unwrap();
    let gateway = fleet.world.research_gateway().unwrap();
    let address = format!("http://{gateway}/v1/catalogue");

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut python = Command::new(root.join(".venv/bin/python"));
    python.arg(root.join("tests/clients/catalogue.py"));
    let output = python.arg(&address).kill_on_drop(true).output().await;
    let output = output.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();

    let datasets: BTreeMap<String, String> =
        serde_json::from_value(found["datasets"].clone()).unwrap();
    let expected = told.views.iter().map(|view| {
        let of = |part: &str| format!("{address}#{part}");
        let name = of(&format!("{}.{}", view.register_id, view.name));
        (name, of(&view.register_id))
    });
    assert_eq!(datasets, expected.collect());
    for view in &told.views {
        let name = format!("{address}#{}.{}", view.register_id, view.name);
        let columns = found["variables"][&name].as_object().unwrap();
        let columns: BTreeSet<&str> = columns.keys().map(String::as_str).collect();
        let variables = view.variables.iter().map(|one| one.name.as_str());
        assert_eq!(columns, variables.collect());
    }
    let demands = found["demands_seen_to_fail"].as_u64().unwrap();
    assert!(demands > 30, "{found}");
}
