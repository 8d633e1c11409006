//! The claims of a citizen's token, and the request that they are the right to.
//!
//! ASSUMED, every name of them: the page that describes the tokens of Helsenorge's security
//! service is cut off after `scp`, `client_id`, `client_name` and `endusertype`. The names stand
//! in this file and nowhere else, so that the real ones are one change. Claims that are not named
//! here (`jti` among them: a bearer token is not used up by one call) are not looked at.

use std::fmt;

use innsyn_policy::{
    Area, Areas, Assurance, Caller, NationalId, Organisation, Purpose, Representation, Request,
    Timestamp, Validity,
};
use serde::Deserialize;

use super::refusal::Refusal;
use super::token::{Registered, TokenClaims};

/// The claims of a token whose signature, issuer, audience and times are good.
#[derive(Deserialize)]
pub struct Claims {
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
    client_id: String,
    /// What the token may be used for, separated by spaces.
    #[serde(default)]
    scp: String,
    /// The national id of the person asked about. Absent in a system's token.
    sub_pid: Option<String>,
    /// The national id of the person who asks. Absent in a system's token.
    act_pid: Option<String>,
    /// By what right somebody asks about somebody else. Absent means about themself.
    rep: Option<serde_json::Value>,
    /// How surely the login proved who asks, in ID-porten's words.
    acr: Option<String>,
}

/// `aud`, which may be a string or a list of strings.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The `rep` claim. A member that is not known could be a limit, so it makes the whole
/// representation one that is not understood.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RepresentationClaim {
    kind: RepresentationKind,
    #[serde(default)]
    areas: Vec<String>,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
    birth_date: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RepresentationKind {
    Parent,
    Poa,
    Guardian,
}

/// The `acr` of a login that is good enough.
const ACR_HIGH: &str = "idporten-loa-high";

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(***)")
    }
}

impl OneOrMany {
    /// Whether it is `audience` and nobody else.
    pub(super) fn is_only(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => matches!(many.as_slice(), [one] if one == audience),
        }
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
    /// Whether `scope` is among the scopes.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scp.split(' ').any(|s| s == scope)
    }

    /// The client that the token was issued to.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The request that the token is the right to: insight in what is registered about
    /// `subject`, for the person who is logged in. `read` turns a national id's text into one
    /// that a citizen can have here.
    pub fn request(
        &self,
        subject: NationalId,
        organisation: Organisation,
        read: impl FnOnce(&str) -> Result<NationalId, Refusal>,
    ) -> Result<Request, Refusal> {
        let (Some(sub_pid), Some(act_pid)) = (&self.sub_pid, &self.act_pid) else {
            return Err(Refusal::PersonMissing);
        };
        if subject.expose_str() != sub_pid {
            return Err(Refusal::SubjectMismatch);
        }
        let person = read(act_pid).map_err(|_| Refusal::PersonMissing)?;
        Ok(Request {
            subject,
            caller: Caller {
                person,
                organisation,
                // Whatever is not known to be high is not high.
                assurance: match self.acr.as_deref() {
                    Some(ACR_HIGH) => Assurance::High,
                    _ => Assurance::Substantial,
                },
            },
            representation: self
                .representation()
                .ok_or(Refusal::RepresentationNotUnderstood)?,
            purpose: Purpose::OwnInsight,
        })
    }

    fn representation(&self) -> Option<Representation> {
        let Some(rep) = &self.rep else {
            return Some(Representation::Own);
        };
        let rep = RepresentationClaim::deserialize(rep).ok()?;
        let areas: Areas = rep
            .areas
            .iter()
            .filter_map(|area| Area::parse(area))
            .collect();
        let validity = || {
            Some(Validity {
                from: Timestamp::from_seconds(rep.valid_from?),
                until: Timestamp::from_seconds(rep.valid_until?),
            })
        };
        Some(match rep.kind {
            RepresentationKind::Parent => Representation::Parent {
                child_born: match rep.birth_date {
                    Some(date) => Some(date.parse().ok()?),
                    None => None,
                },
            },
            RepresentationKind::Guardian => Representation::Guardian {
                areas,
                validity: validity()?,
            },
            RepresentationKind::Poa => Representation::PowerOfAttorney {
                areas,
                validity: validity()?,
            },
        })
    }
}
