//! `innsyn-broker data-permit`: what an issuer does with a permit, and whoever is handed one.
//!
//! A permit names the people whom it entitles, so it goes to a file that only its owner can read
//! and never to the terminal; what is printed counts them. Errors quote no long number from a
//! description: it could be a person's.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use innsyn_policy::{DataPermit, PermitId, Timestamp, Validity};
use innsyn_proto::data_permit::{
    IssuerKey, IssuerSigner, PermitDescription, TrustedIssuers, words_unverified,
};
use jiff::civil::Date;
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// Runs of this many digits are not shown.
const DIGITS_HIDDEN: usize = 5;

#[derive(Debug, Subcommand)]
pub(super) enum DataPermitCommand {
    /// Sign the permit that a file describes.
    Issue {
        /// The description, in TOML; `data-permit.example.toml` has every key.
        description: PathBuf,
        /// The issuer's secret key, as `openssl genpkey -algorithm ed25519` makes one.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Where to put the permit. Nothing is overwritten.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Say in words what a permit grants, whoever signed it.
    Show {
        /// The permit.
        permit: PathBuf,
    },
    /// Verify who signed a permit and that it is valid now, and say what it grants.
    Verify {
        /// The permit.
        permit: PathBuf,
        /// The issuer that is trusted.
        #[arg(long, value_name = "NAME")]
        issuer: String,
        /// A public key of that issuer; may be repeated.
        #[arg(long = "key", value_name = "FILE", required = true)]
        keys: Vec<PathBuf>,
    },
}

/// A permit as its issuer describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    issuer: String,
    number: String,
    valid: Days,
    permit: PermitDescription,
}

/// Days in Norway, the last one included.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Days {
    from: Date,
    to: Date,
}

impl DataPermitCommand {
    /// Does what the command says as of `now`, and gives what to print.
    pub(super) fn answer(self, now: Timestamp) -> anyhow::Result<String> {
        match self {
            Self::Issue {
                description,
                key,
                out,
            } => issue(&description, &key, &out),
            Self::Show { permit } => {
                let words = words_unverified(read(&permit)?.trim())?;
                Ok(told(&words) + "\nWho signed it was not verified; `data-permit verify` does.\n")
            }
            Self::Verify {
                permit,
                issuer,
                keys,
            } => verify(&permit, &issuer, &keys, now),
        }
    }
}

fn issue(description: &Path, key: &Path, out: &Path) -> anyhow::Result<String> {
    let permit = described(&read(description)?)
        .with_context(|| format!("`{}` describes no data permit", description.display()))?;
    let signer = IssuerSigner::from_pem(&read(key)?)
        .with_context(|| format!("`{}` cannot sign", key.display()))?;
    let text = signer.sign(&permit)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .and_then(|mut file| writeln!(file, "{text}"))
        .with_context(|| format!("`{}` cannot be written", out.display()))?;
    let words = told(&permit.words());
    Ok(format!("{words}\nSigned; it is in {}\n", out.display()))
}

fn verify(permit: &Path, issuer: &str, keys: &[PathBuf], now: Timestamp) -> anyhow::Result<String> {
    let trusted = keys
        .iter()
        .map(|path| {
            let key = IssuerKey::from_pem(&read(path)?)
                .with_context(|| format!("`{}` cannot verify", path.display()))?;
            Ok((issuer.to_owned(), key))
        })
        .collect::<anyhow::Result<TrustedIssuers>>()?;
    let signed = trusted
        .read(read(permit)?.trim(), now)
        .with_context(|| format!("`{}` is no data permit of `{issuer}`", permit.display()))?;
    let words = told(&signed.permit().words());
    let digest = hex::encode(signed.digest());
    Ok(format!(
        "{words}\nSigned by `{issuer}`, and valid now; receipts call it sha256:{digest}\n"
    ))
}

/// The permit that `text` describes.
fn described(text: &str) -> anyhow::Result<DataPermit> {
    let Description {
        issuer,
        number,
        valid,
        permit,
    } = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.unwrap_or_default().matches('\n').count() + 1;
        anyhow!("line {line}: {}", without_numbers(error.message()))
    })?;
    let midnight = |day: Option<Date>| {
        day.and_then(Timestamp::start_of_day_in_norway)
            .context("`valid` is outside the calendar")
    };
    let validity = Validity {
        from: midnight(Some(valid.from))?,
        until: midnight(valid.to.tomorrow().ok())?,
    };
    Ok(permit.permit(PermitId::new(&issuer, &number)?, validity)?)
}

/// Headings and texts in two columns.
fn told(words: &[(String, String)]) -> String {
    let width = words.iter().map(|(h, _)| h.len()).max().unwrap_or_default();
    let mut lines = String::new();
    for (heading, text) in words {
        // Writing to a string does not fail.
        let _ = writeln!(lines, "{heading:width$}  {text}");
    }
    lines
}

/// `text` with stars for every number long enough to be part of a national id.
fn without_numbers(text: &str) -> String {
    let is_other = |c: char| !c.is_ascii_digit();
    text.split_inclusive(is_other)
        .map(|part| match part.trim_end_matches(is_other) {
            digits if digits.len() < DIGITS_HIDDEN => part.to_owned(),
            digits => part.replace(digits, "*****"),
        })
        .collect()
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))
}
