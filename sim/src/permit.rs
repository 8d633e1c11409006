//! An invented authority, and the data permit that it gives the invented researcher.
//!
//! ```text
//!   key.pem       the secret key, readable by its owner only
//!   public.pem    the public key, for the gateway's and the agents' lists of trusted issuers
//!   issuer.toml   the name under which they list it
//! ```
//!
//! A permit names whom it entitles, so whoever prints one must mean it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use innsyn_policy::data_permit::{PermitBasis, PermitKind, QueryKind, Terms};
use innsyn_policy::{
    DataPermit, NationalId, Organisation, PermitId, Purpose, RegisterId, Timestamp, Validity,
};
use innsyn_proto::data_permit::IssuerSigner;
use rcgen::{KeyPair, PKCS_ED25519};
use serde::{Deserialize, Serialize};

use crate::registers::{Listing, Registers};
use crate::sts::write_secret;

#[cfg(test)]
mod tests;

/// The authority's name.
pub const ISSUER: &str = "helsedataservice.example";
/// The public key's file, which configurations name.
pub const PUBLIC_KEY_FILE: &str = "public.pem";
const KEY_FILE: &str = "key.pem";
const NAME_FILE: &str = "issuer.toml";

/// The generator's number of the invented researcher: the father of the fixed cast.
pub const RESEARCHER: u32 = 1;
/// The organisation through which the researcher asks; its last digit is wrong, so that it is
/// nobody's.
pub const ORGANISATION: &str = "310000001";

/// How long a permit is valid: a year.
const VALID: Duration = Duration::from_hours(24 * 365);
/// Cells of fewer persons are hidden.
const SMALLEST_CELL: u32 = 5;
/// To multiples of this, counts are rounded.
const ROUNDING_BASE: u32 = 5;
/// How many queries each register may answer.
const BUDGET_QUERIES: u32 = 10_000;
/// The months of all data, counted from January 1970: from January 1951 to December 2039.
const MONTHS: std::ops::Range<i32> = -19 * 12..70 * 12;

/// The invented authority.
#[derive(Debug)]
pub struct PermitIssuer {
    name: String,
    signer: IssuerSigner,
}

/// `issuer.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

impl PermitIssuer {
    /// Makes an authority in `folder`, which is made if it is not there.
    pub fn create(folder: &Path) -> anyhow::Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let name = ISSUER.to_owned();
        fs::create_dir_all(folder)
            .with_context(|| format!("`{}` cannot be made", folder.display()))?;
        write_secret(&folder.join(KEY_FILE), &key.serialize_pem())?;
        let text = toml::to_string(&Name { name })?;
        for (file, text) in [(PUBLIC_KEY_FILE, key.public_key_pem()), (NAME_FILE, text)] {
            let path = folder.join(file);
            fs::write(&path, text)
                .with_context(|| format!("`{}` cannot be written", path.display()))?;
        }
        Self::open(folder)
    }

    /// The authority that was made in `folder`.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let read = |file| {
            let path = folder.join(file);
            fs::read_to_string(&path)
                .with_context(|| format!("`{}` cannot be read", path.display()))
        };
        let Name { name } = toml::from_str(&read(NAME_FILE)?)?;
        Ok(Self {
            name,
            signer: IssuerSigner::from_pem(&read(KEY_FILE)?)?,
        })
    }

    /// The name under which it is trusted.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A signed permit for `researcher`, over all that `registers` publish and everything that
    /// can be computed of it, for a year from the day of `now`.
    pub fn permit(
        &self,
        registers: &Registers,
        researcher: NationalId,
        now: Timestamp,
    ) -> anyhow::Result<String> {
        self.sign(self.terms(registers, researcher, now)?)
    }

    /// A signed permit of these terms.
    pub fn sign(&self, terms: Terms) -> anyhow::Result<String> {
        Ok(self.signer.sign(&DataPermit::new(terms)?)?)
    }

    /// What such a permit says.
    pub fn terms(
        &self,
        registers: &Registers,
        researcher: NationalId,
        now: Timestamp,
    ) -> anyhow::Result<Terms> {
        // One permit a day: what a steward approves is asked again under the same. A permit's times
        // are whole seconds.
        let day = now.date_in_norway();
        let from = day.and_then(Timestamp::start_of_day_in_norway);
        let from = from.unwrap_or_else(|| Timestamp::from_seconds(now.as_seconds()));
        let (asked, variables) = published(registers);
        Ok(Terms {
            id: PermitId::new(&self.name, "demo-1")?,
            project: "An invented project over all invented registers".to_owned(),
            kind: PermitKind::Project,
            people: BTreeSet::from([researcher]),
            organisation: Organisation::parse(ORGANISATION)?,
            purpose: Purpose::Research,
            legal_basis: PermitBasis::ResearchOrStatistics,
            legal_reference: "invented".to_owned(),
            registers: asked,
            variables,
            born_years: None,
            months: MONTHS,
            kinds: BTreeSet::from(QueryKind::ALL),
            smallest_cell: SMALLEST_CELL,
            rounding_base: ROUNDING_BASE,
            budget_queries: BUDGET_QUERIES,
            validity: Validity {
                from,
                until: from.plus(VALID),
            },
        })
    }
}

/// The registers that publish a view and have an agent, and what they publish, by view.
fn published(registers: &Registers) -> (BTreeSet<RegisterId>, BTreeMap<String, BTreeSet<String>>) {
    let mut asked = BTreeSet::new();
    let mut variables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for register in registers.iter() {
        if register.listing != Listing::Live {
            continue;
        }
        for view in register.views() {
            asked.insert(register.id().clone());
            let names = view.variables().map(|variable| variable.name.to_owned());
            variables
                .entry(view.name.to_owned())
                .or_default()
                .extend(names);
        }
    }
    (asked, variables)
}
