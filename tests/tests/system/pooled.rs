//! Federated equals pooled, on real data.
//!
//! Real data sets about people are spread over seven registers, each a real agent with a folder of
//! its own; a Python program asks for tables, means, variances, rates, histograms and life tables
//! through a research gateway that shows everything exactly, and holds what it computes of them
//! against the same of the pooled rows, computed on the spot by pandas, statsmodels and lifelines.
//! `tests/clients/pooled.py` says what may differ by how much.
//!
//! What the query cannot say, and is not compared:
//!
//! - **Regression on numbers** (age and weight in `birthwt`, the coinsurance's logarithm in
//!   `randhie`): a table has categories only. Models of categories are compared; they need no
//!   rounds of fitting.
//! - **More than six dimensions**: the printed model of `birthwt` has eight variables, this one five
//!   and the outcome.
//! - **Days.** Dates are months, so curves and tests are compared on months or quarters, and with
//!   printed values only as near as a month is. In `lung` a day is published as a month.
//! - **Cox itself**: it would need each death's risk set, which is the person's row. A Poisson model
//!   of a life table takes its place, within half a per cent. Covariates are categories.
//! - **Facts of two registers about one person**, such as the time from a diagnosis in one register
//!   of `dmlate` to a death in another: that needs linkage. Each register is asked of its own.
//! - **Distinct persons where registers share them** (`rwm5yr`): what is counted are registrations,
//!   one for each register that holds the person; in a year everybody has one row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use innsyn_policy::Clock as _;
use innsyn_policy::RegisterId;
use innsyn_proto::clock::SystemClock;
use innsyn_sim::registers::folder;
use rand::rngs::StdRng;
use tokio::process::Command;

use super::fleet::Prepared;
use super::research::{EXACT, spec};

/// Registers that hold everybody by law, so that nobody has to be asked.
const NODES: [&str; 7] = ["dar", "hkr", "kreft", "mfr", "msis", "npr", "sysvak"];

fn python() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(root.join(".venv/bin/python"));
    command.arg(root.join("tests/clients/pooled.py"));
    command.kill_on_drop(true);
    command
}

/// What the program prints, which must have succeeded.
async fn printed(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}\n{errors}");
    printed
}

#[tokio::test]
#[expect(
    clippy::print_stdout,
    reason = "how far apart they are is worth seeing"
)]
async fn federated_equals_pooled_on_real_data() {
    // The data first: between the making of a world and its start nothing may take long, for its
    // ports are only free.
    let work = tempfile::tempdir().unwrap();
    let staged = NODES.map(|id| work.path().join(id));
    let mut write = python();
    write.arg("write").arg("--work").arg(work.path());
    for folder in &staged {
        fs::create_dir(folder).unwrap();
        write.arg("--node").arg(folder);
    }
    let variables: BTreeMap<String, BTreeSet<String>> =
        serde_json::from_str(&printed(&mut write).await).unwrap();
    let prepared = Prepared::choosing(&spec(200, 11), |id, _| NODES.contains(&id));
    let prepared = prepared.researching_with(EXACT);
    assert_eq!(prepared.registers().len(), NODES.len());
    let country = prepared.world.folder.join("country");
    for (id, staged) in NODES.iter().zip(&staged) {
        let folder = folder::of_register(&country, id);
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        for file in fs::read_dir(staged).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
    }

    let fleet = prepared.start().await;
    // Everything is published when the catalogue has every register.
    drop(fleet.researcher().await);
    let now = SystemClock.now();
    let mut random: StdRng = rand::make_rng();
    let token = fleet.world.researcher_token(now, &mut random).unwrap();
    let permit = fleet.world.data_permit_with(now, |terms| {
        terms.registers = NODES.map(|id| RegisterId::parse(id).unwrap()).into();
        terms.variables = variables;
    });
    let secret = |name: &str, text: &str| -> PathBuf {
        let path = work.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let target = fleet.world.research_gateway().unwrap();
    let mut check = python();
    check
        .args(["check", "--target", &target.to_string(), "--work"])
        .arg(work.path())
        .arg("--token-file")
        .arg(secret("token", &token))
        .arg("--permit-file")
        .arg(secret("permit", &permit.unwrap()));
    println!("{}", printed(&mut check).await);
}
