//! `innsyn-agent check`: what is wrong, in plain words, before anybody is kept waiting.
//!
//! Looks at everything the agent needs, one after the other, and goes on after an error where it
//! can, so that one call tells it all. It changes nothing and answers nobody.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::{Clock, Timestamp};
use innsyn_proto::identity::Identity;
use innsyn_proto::tls::{AgentTls, LoadTlsError, is_of_federation};
use innsyn_proto::tunnel::Dial;
use rand::rngs::StdRng;

use crate::config::{Config, ConfigError};
use crate::finding::Finding;
use crate::presence::{self, SpareError};
use crate::pvk;
use crate::research::steward::Steward;
use crate::secret_file::SecretFileError;
use crate::sources::{self, TerminalBar};
use crate::uselog::{FsDisk, KeyError, LogKeys, verify};

/// What to do about a key that is lost or spoilt.
const NEVER_ANEW: &str =
    "keys are never made anew for what is there already; restore it from the backup";
/// A certificate that runs out within this time is worth a warning.
const RENEW_WITHIN: Duration = Duration::from_hours(14 * 24);

/// Looks at everything that the agent configured in `path` needs.
pub async fn check(path: &Path, dialler: &dyn Dial, clock: &Arc<dyn Clock>) -> Vec<Finding> {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(error) => return vec![of_config(&error)],
    };
    let mut random: StdRng = rand::make_rng();
    let mut findings = vec![Finding::note(
        format!("configuration of `{}` is in order", config.register.id),
        "",
    )];
    if let Some(tls) = certificate(&config, clock, &mut findings) {
        for relay in &config.presence.relays {
            match presence::try_relay(dialler, relay, &tls).await {
                Ok(()) => findings.push(Finding::note(
                    format!("relay {} lets this agent park", relay.address),
                    "",
                )),
                Err(error) => findings.push(of_relay(&relay.address, &error)),
            }
        }
    }
    log(&config, &mut random, &mut findings);
    research(&config, clock.now(), &mut findings);
    findings.extend(pvk::look(&config, clock, &mut random).await);
    findings.extend(
        sources::check(
            &config.source,
            config.numbers,
            &mut random,
            TerminalBar::new(),
        )
        .await,
    );
    if let Some(shown) = &config.insight {
        findings.extend(sources::check_shown(&config.source, &shown.table).await);
    }
    findings
}

/// Reads the keys of the issuers that the register trusts, and the steward's rules.
fn research(config: &Config, now: Timestamp, findings: &mut Vec<Finding>) {
    let Some(section) = &config.research else {
        return;
    };
    if let Err(error) = section.trusted_issuers() {
        findings.push(Finding::error(
            chain(&error),
            "put the issuer's public key there, in PEM, or take the issuer out",
        ));
    }
    let steward = Steward::in_folder(&section.folder);
    match steward.rules() {
        Err(error) => findings.push(Finding::warning(
            format!("no query is answered for researchers: {}", chain(&error)),
            "write the rules; they are read again for every query",
        )),
        Ok(rules) if rules.stopped || steward.switch().is_on() => findings.push(Finding::note(
            "no query is answered for researchers: the steward has stopped them",
            "",
        )),
        Ok(rules) => waiting(&steward, &rules.digest(), now, findings),
    }
}

/// How many queries wait for the steward.
fn waiting(steward: &Steward, rules: &str, now: Timestamp, findings: &mut Vec<Finding>) {
    match steward.queue().all(rules, now) {
        Err(error) => findings.push(Finding::error(
            chain(&error),
            "let the account that the agent runs as read and write it",
        )),
        Ok(kept) => match kept.iter().filter(|kept| kept.decision.is_none()).count() {
            0 => {}
            1 => findings.push(Finding::note("1 query waits for the steward", "")),
            more => findings.push(Finding::note(
                format!("{more} queries wait for the steward"),
                "",
            )),
        },
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        // Some errors say what their source says.
        if !text.ends_with(more.trim_end()) {
            text.push_str(": ");
            text.push_str(more.trim_end());
        }
        source = error.source();
    }
    text
}

fn of_config(error: &ConfigError) -> Finding {
    let what_to_do = match error {
        ConfigError::Unreadable(..) => "give the path of the agent's configuration with --config",
        ConfigError::Syntax(..) => "mend the line named; agent.example.toml describes every key",
        _ => "mend the configuration",
    };
    Finding::error(chain(error), what_to_do)
}

/// Reads certificate, key and CAs; `None` if the agent could not speak TLS with them.
fn certificate(
    config: &Config,
    clock: &Arc<dyn Clock>,
    findings: &mut Vec<Finding>,
) -> Option<AgentTls> {
    let tls = match AgentTls::load(&config.tls, clock) {
        Ok(tls) => tls,
        Err(error) => {
            findings.push(of_tls(&error));
            return None;
        }
    };
    if matches!(is_of_federation(&config.tls), Ok(false)) {
        findings.push(Finding::error(
            format!(
                "the certificate in `{}` was not issued by the CA in `{}`",
                config.tls.certificate.display(),
                config.tls.federation_ca.display()
            ),
            "use the files that were issued together; is the relays' CA where the federation's \
             should be?",
        ));
    }
    if is_open_to_others(&config.tls.key) {
        let path = config.tls.key.display();
        findings.push(Finding::warning(
            format!("`{path}` is this agent's private key, and other accounts may read it"),
            format!("run: chmod 600 '{path}'"),
        ));
    }
    let certificate = &tls.certificate;
    let node = Identity::Node(config.register.id.clone());
    if certificate.identity != node {
        findings.push(Finding::error(
            format!(
                "the certificate is for `{}`, the configuration for `{node}`",
                certificate.identity
            ),
            "use the certificate that was issued for this register",
        ));
    }
    findings.push(validity(
        certificate.not_before,
        certificate.not_after,
        clock.now(),
    ));
    Some(tls)
}

fn of_tls(error: &LoadTlsError) -> Finding {
    let what_to_do = match error {
        LoadTlsError::OtherKey => {
            "use key and certificate that were issued together; a new certificate has a new key"
        }
        _ => {
            "ask whoever runs the federation's CA for certificate, key and CA files, and put \
             their paths in the `tls` section"
        }
    };
    Finding::error(chain(error), what_to_do)
}

fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

fn validity(not_before: Timestamp, not_after: Timestamp, now: Timestamp) -> Finding {
    let day = |at: Timestamp| {
        at.date_in_norway()
            .map_or(String::new(), |date| date.to_string())
    };
    if now < not_before {
        Finding::error(
            format!("the certificate is not valid before {}", day(not_before)),
            format!("look at this machine's clock: it says {}", day(now)),
        )
    } else if now >= not_after {
        Finding::error(
            format!("the certificate expired on {}", day(not_after)),
            format!(
                "ask for a new one; if that is a surprise, look at this machine's clock: it says {}",
                day(now)
            ),
        )
    } else if now.plus(RENEW_WITHIN) >= not_after {
        Finding::warning(
            format!("the certificate expires on {}", day(not_after)),
            "ask for a new one now",
        )
    } else {
        Finding::note(
            format!("the certificate is valid until {}", day(not_after)),
            "",
        )
    }
}

fn of_relay(address: &str, error: &SpareError) -> Finding {
    let what_to_do = match error {
        SpareError::Unreachable(_) | SpareError::TimedOut(_) => {
            "look at the address, and whether the firewall lets connections out to it"
        }
        SpareError::Tls(_) => {
            "look at the CA files and at this machine's clock; the relay's own log says why it \
             refused, if it did"
        }
        SpareError::Refused(_) => "tell whoever runs the relay; its log has more",
        SpareError::Tunnel(_) => "is this the address of a relay?",
    };
    Finding::error(format!("relay {address}: {}", chain(error)), what_to_do)
}

/// The log of use and its keys, if they are there already.
fn log(config: &Config, random: &mut StdRng, findings: &mut Vec<Finding>) {
    let section = &config.use_log;
    if section.folder.is_file() {
        findings.push(Finding::error(
            format!("`{}` is a file", section.folder.display()),
            "name a folder for the log of use alone in `use_log.folder`",
        ));
        return;
    }
    if !section.folder.exists() {
        findings.push(Finding::note(
            format!(
                "the log of use will be begun in `{}`",
                section.folder.display()
            ),
            "",
        ));
        return;
    }
    let keys = LogKeys::open(
        &section.keys(),
        &section.folder,
        &config.register.id,
        false,
        random,
    );
    let keys = match keys {
        Ok(keys) => keys,
        Err(error) => return findings.push(of_keys(&error)),
    };
    let Ok(key) = innsyn_proto::head::HeadKey::parse(keys.public_text()) else {
        return;
    };
    let disk = FsDisk::read_only(&section.folder);
    match verify(&disk, &key, &config.countersigners(), None) {
        Ok(report) => findings.push(Finding::note(
            format!("the log of use holds: {} entries", report.entries),
            "",
        )),
        Err(error) => findings.push(Finding::error(
            format!(
                "the log of use in `{}`: {}",
                section.folder.display(),
                chain(&error)
            ),
            "keep the folder as it is and look into how it came about; a backup can be held \
             against the head that the gateway keeps (`innsyn-agent uselog verify --head`)",
        )),
    }
}

fn of_keys(error: &KeyError) -> Finding {
    let what_to_do = match error {
        KeyError::File(error) => of_secret(error),
        KeyError::Malformed { .. } => NEVER_ANEW.to_owned(),
        KeyError::OtherLog { .. } => {
            "see that `register.id` is right and that `use_log` names this register's own files"
                .to_owned()
        }
    };
    Finding::error(chain(error), what_to_do)
}

/// What to do about the file of a secret.
fn of_secret(error: &SecretFileError) -> String {
    match error {
        SecretFileError::Inside { .. } => {
            "move it elsewhere and correct the configuration: who gets a copy of what it protects \
             must not get the key"
                .to_owned()
        }
        SecretFileError::Readable { file } => format!("run: chmod 600 '{}'", file.display()),
        SecretFileError::Missing { .. } => NEVER_ANEW.to_owned(),
        SecretFileError::Io { .. } => "let the account that the agent runs as read it".to_owned(),
    }
}
