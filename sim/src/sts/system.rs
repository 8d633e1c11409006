//! Tokens of a system that calls another, as Helsenorge's are when nobody is logged in.

use innsyn_policy::Timestamp;
use jsonwebtoken::Header;
use serde_json::{Map, json};

use super::{Fault, StsError, TOKEN_LIFETIME_S, TestIssuer};

/// What a system's token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemCall {
    /// Who is called.
    pub audience: String,
    /// What for.
    pub scope: String,
}

impl TestIssuer {
    /// A system's token for `call` that is good from `now`, for five minutes; with one deliberate
    /// `fault`, if there is one.
    pub fn system_token(
        &self,
        call: &SystemCall,
        fault: Option<Fault>,
        now: Timestamp,
        rng: &mut impl rand::Rng,
    ) -> Result<String, StsError> {
        let mut header = self.header();
        header.extras.insert("typ_2", "system_ws_sync");
        self.signed(header, call, fault, now, rng)
    }

    /// The same, of somebody who is logged in: good for no system.
    pub fn users_token(
        &self,
        call: &SystemCall,
        now: Timestamp,
        rng: &mut impl rand::Rng,
    ) -> Result<String, StsError> {
        self.signed(self.header(), call, None, now, rng)
    }

    fn signed(
        &self,
        header: Header,
        call: &SystemCall,
        fault: Option<Fault>,
        now: Timestamp,
        rng: &mut impl rand::Rng,
    ) -> Result<String, StsError> {
        use rand::RngExt as _;

        let seconds = now.as_seconds();
        let claims: Map<_, _> = [
            ("iss", json!(self.names.issuer)),
            ("aud", json!(call.audience)),
            ("iat", json!(seconds)),
            ("nbf", json!(seconds)),
            ("exp", json!(seconds + TOKEN_LIFETIME_S)),
            ("jti", json!(hex::encode(rng.random::<[u8; 16]>()))),
            ("client_id", json!(self.names.client_id)),
            ("scp", json!(call.scope)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        match fault {
            Some(fault) => fault.token(self, header, claims, now),
            None => Ok(jsonwebtoken::encode(&header, &claims, &self.key)?),
        }
    }
}
