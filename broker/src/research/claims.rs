//! The claims of a researcher's token, and who they say is asking.
//!
//! ASSUMED, every name of them: which service will issue researchers' tokens is not decided. The
//! names stand in this file and nowhere else, so that the real ones are one change. Claims that
//! are not named here (`jti` among them: a bearer token is not used up by one call) are not
//! looked at, nor is `client_id` but for being there.

use std::fmt;

use innsyn_policy::{NationalId, Organisation};
use serde::Deserialize;

use super::refusal::Refusal;
use crate::gateway::claims::OneOrMany;
use crate::gateway::token::{Registered, TokenClaims};

/// The claims of a token whose signature, issuer, audience and times are good.
#[derive(Deserialize)]
pub(super) struct Claims {
    /// Who issued the token.
    iss: String,
    /// Whom the token is for.
    aud: OneOrMany,
    /// Until when it is valid, seconds since 1970-01-01T00:00:00Z.
    exp: i64,
    /// From when it is valid, likewise. Absent means from `iat`.
    nbf: Option<i64>,
    /// When it was issued, likewise.
    iat: i64,
    /// The client that the token was issued to.
    #[serde(rename = "client_id")]
    _client_id: String,
    /// What the token may be used for, separated by spaces.
    #[serde(default)]
    scp: String,
    /// The national id of the person who asks.
    pid: Option<String>,
    /// The number of the organisation through which they ask.
    organisation: Option<String>,
    /// How surely the login proved who asks, in ID-porten's words.
    acr: Option<String>,
}

/// The `acr` of a login that is good enough.
const ACR_HIGH: &str = "idporten-loa-high";

/// Who asks, and through which organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Researcher {
    pub(super) person: NationalId,
    pub(super) organisation: Organisation,
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(***)")
    }
}

impl TokenClaims for Claims {
    fn registered(&self) -> Registered<'_> {
        Registered {
            iss: &self.iss,
            aud: &self.aud,
            exp: self.exp,
            nbf: self.nbf,
            iat: self.iat,
        }
    }
}

impl Claims {
    /// Who asks, if the token is good for `scope`. `read` turns a national id's text into one
    /// that a person can have here.
    pub(super) fn researcher(
        &self,
        scope: &str,
        read: impl FnOnce(&str) -> Option<NationalId>,
    ) -> Result<Researcher, Refusal> {
        if !self.scp.split(' ').any(|one| one == scope) {
            return Err(Refusal::ScopeMissing);
        }
        // Whatever is not known to be high is not high.
        if self.acr.as_deref() != Some(ACR_HIGH) {
            return Err(Refusal::AssuranceTooLow);
        }
        let person = self.pid.as_deref().and_then(read);
        let organisation = self.organisation.as_deref();
        let organisation = organisation.and_then(|text| Organisation::parse(text).ok());
        match (person, organisation) {
            (Some(person), Some(organisation)) => Ok(Researcher {
                person,
                organisation,
            }),
            _ => Err(Refusal::PersonMissing),
        }
    }
}
