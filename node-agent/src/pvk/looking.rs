//! What `innsyn-agent check` finds of `[pvk]`: nothing is taken, and nobody is told.

use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::Clock;
use innsyn_proto::setting::definitions::SettingDefinitions;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::client::CallError;
use super::fetching::chain;
use super::wire::Reader;
use super::{client, elsewhere, verifier};
use crate::config::{Config, PvkSection};
use crate::finding::Finding;
use crate::settings::{Currency, KeptSettings};
use crate::subjects::SubjectKey;

/// Reads keys and definitions, gets a token, and asks for the first page of each definition.
pub(crate) async fn look(
    config: &Config,
    clock: &Arc<dyn Clock>,
    random: &mut StdRng,
) -> Vec<Finding> {
    let (Some(section), Some(settings)) = (&config.pvk, &config.settings) else {
        return Vec::new();
    };
    let definitions = match SettingDefinitions::load(&settings.definitions) {
        Ok(definitions) => definitions,
        Err(error) => {
            let what_to_do = "ask whoever runs the federation for the file of definitions";
            return vec![Finding::error(chain(&error), what_to_do)];
        }
    };
    let mut findings = Vec::new();
    if let Err(error) = verifier(section, clock).await {
        findings.push(Finding::error(
            format!("{error:#}"),
            "put the key set of Helsenorge's security service there, as a JSON Web Key Set",
        ));
    }
    match elsewhere(section, &definitions, &config.register.id) {
        Err(error) => findings.push(Finding::error(
            error.to_string(),
            "take it out, or get the file of definitions that has it",
        )),
        Ok(elsewhere) => {
            let kept = KeptSettings::with_elsewhere(
                config.register.legal_basis,
                Arc::new(definitions),
                Arc::new(SubjectKey::generate(random, None)),
                Currency::new(Duration::ZERO, []),
                elsewhere,
            );
            let reader = Reader {
                kept,
                numbers: config.numbers,
            };
            findings.push(calls(section, reader, clock, random).await);
        }
    }
    findings
}

async fn calls(
    section: &PvkSection,
    reader: Reader,
    clock: &Arc<dyn Clock>,
    random: &mut StdRng,
) -> Finding {
    let client = match client(section, reader, clock, StdRng::from_rng(random)) {
        Ok(client) => client,
        Err(error) => {
            let what_to_do = "look at `pvk.ca_file`, and at `pvk.helseid.key_file`: HelseID's \
                              self-service makes the key that goes with `key_id`";
            return Finding::error(format!("{error:#}"), what_to_do);
        }
    };
    for definition in &section.definitions {
        if let Err(error) = client.page(definition, "0").await {
            return of_call(&error);
        }
    }
    Finding::note("Personvernkomponenten answers this agent", "")
}

fn of_call(error: &CallError) -> Finding {
    let what_to_do = match error {
        CallError::Token(_) => {
            "look at `pvk.helseid`: the issuer, whether the firewall lets connections out to it, \
             and whether client, key and scopes are those that HelseID has"
        }
        CallError::Unreachable(_) => {
            "look at `pvk.url` and `pvk.ca_file`, and whether the firewall lets connections out \
             to it"
        }
        CallError::Refused { .. } => {
            "ask Helsenorge whether this client may read the definitions in `pvk.definitions`, and \
             look at their `part`"
        }
        CallError::Unread(_) | CallError::Malformed(_) | CallError::NotASetting(_) => {
            "is `pvk.url` Personvernkomponenten's, and is it of the version that this agent knows?"
        }
    };
    Finding::error(chain(error), what_to_do)
}
