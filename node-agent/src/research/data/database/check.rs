//! What is wrong with the views of a database, in plain words: their part of `innsyn-agent check`.
//! It changes nothing there.

use super::super::view;
use super::roles;
use super::schema::Made;
use crate::finding::Finding;
use crate::sources::config::{PostgresConfig, PostgresResearch};

/// Looks at the roles, and at the columns of each view.
pub async fn check(config: &PostgresConfig, research: &PostgresResearch) -> Vec<Finding> {
    let views = view::all_of_database(research.views.clone());
    let names: Vec<_> = views.iter().flatten().collect();
    let keeper = roles::keeper(config, research, names.iter().copied()).await;
    let names: Vec<_> = names.iter().map(|view| &*view.description.name).collect();
    let mut findings = Vec::new();
    if let Err(error) = roles::reader(config, research, &names).await {
        findings.extend(error.findings());
    }
    let keeper = match keeper {
        Ok(keeper) => keeper,
        Err(error) => {
            findings.extend(error.findings());
            return findings;
        }
    };
    for view in &views {
        let view = match view {
            Ok(view) => view,
            Err(error) => {
                findings.push(error.finding());
                continue;
            }
        };
        let name = &view.description.name;
        findings.push(match Made::of(&keeper.client, research, view).await {
            Ok(_) => Finding::note(format!("view `{name}` can be published"), ""),
            Err(fault) => fault.of(name).finding(),
        });
    }
    findings
}
