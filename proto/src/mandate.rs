//! Mandates of guardians and powers of attorney, signed by who keeps them.
//!
//! A signed mandate is a compact JWS (RFC 7515) of type `fullmakt+jwt`, signed with `RS256`, `ES256`
//! or `EdDSA`. It goes with the act that it is for, and whoever takes the act reads it, and archives it
//! as the proof. ASSUMED, type and every claim: Personvernkomponenten's `FinnFullmaktToken` gives a
//! signed JWT, whose form is not published; the names stand in this file and nowhere else.
//!
//! ```json
//! { "iss": "helsenorge.no", "jti": "8c1e…", "kind": "poa", "giver": "<11 digits>",
//!   "holder": "<11 digits>", "areas": ["insight", "settings"], "nbf": 1800000000, "exp": 1900000000 }
//! ```
//!
//! What holds:
//!
//! - **A [`Mandate`] from here was verified**: by a key of the issuer that it names, and that issuer
//!   stands in the reader's own list. A mandate never brings its own key.
//! - **A key verifies one algorithm**, its own, whatever the header says.
//! - **What is not understood is refused**: unknown claims could be limits. An area that is not known
//!   covers nothing.
//! - **No error quotes it**: it names two people.
//!
//! Whether a mandate reaches to an act is [`innsyn_policy::setting::representing`]'s matter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use innsyn_policy::{Area, Mandate, MandateKind, NationalId, NumberRules, Timestamp, Validity};
use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The longest mandate that is read, in bytes: what an item of settings has room for.
pub const MANDATE_BYTES_MAX: usize = 2_800;
/// The type in a mandate's header.
const TYPE: &str = "fullmakt+jwt";
/// Areas that one mandate may name.
const AREAS_MAX: usize = 64;
/// Numbers were checked when they were given.
const RULES: NumberRules = NumberRules {
    accept_2032: true,
    strict_series: false,
};

/// A mandate as it travels: it names two people, and so prints as nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedMandate(Arc<str>);

/// A public key of an issuer.
#[derive(Clone)]
pub struct MandateKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

/// The secret key of an issuer: Ed25519.
#[derive(Clone)]
pub struct MandateSigner {
    issuer: String,
    key: EncodingKey,
}

/// The issuers that somebody trusts, each with its public keys.
#[derive(Debug, Clone, Default)]
pub struct MandateIssuers(BTreeMap<String, Vec<MandateKey>>);

/// The mandates that were taken back, by issuer and id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevokedMandates(BTreeSet<(String, String)>);

/// The text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RSA, P-256 or Ed25519 public key in PEM (`-----BEGIN PUBLIC KEY-----`)")]
pub struct MandateKeyError;

/// A line of the list of mandates that were taken back is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {0} is not `ISSUER ID`")]
pub struct RevokedLineError(pub usize);

/// Why a text is no mandate here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadMandateError {
    /// Not a compact JWS of at most [`MANDATE_BYTES_MAX`] bytes.
    #[error("the mandate is not a compact JWS of at most {MANDATE_BYTES_MAX} bytes")]
    Malformed,
    /// A JWS, but of something else.
    #[error("the type in the header is not `{TYPE}`, or the header asks for an extension")]
    Type,
    /// The issuer is not in the list.
    #[error("the mandate's issuer is not one that is trusted here")]
    Issuer,
    /// None of the issuer's keys made the signature.
    #[error("the mandate is signed by none of its issuer's keys, or was altered")]
    Signature,
    /// Signed, but the claims are not those of a mandate.
    #[error("a claim of the mandate is missing, unknown or of another type")]
    Claims,
}

/// All that is signed. The only place outside a test where these two people stand as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    jti: String,
    kind: Kind,
    giver: String,
    holder: String,
    areas: Vec<String>,
    nbf: i64,
    exp: i64,
    /// When it was issued, which limits nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Poa,
    Guardian,
}

/// Read before the signature is verified, to find the issuer's keys; verified with the rest.
#[derive(Deserialize)]
struct IssuerOnly {
    iss: String,
}

impl SignedMandate {
    /// Takes a text that has the form of a compact JWS; **nothing of it is verified**.
    pub fn parse(text: &str) -> Result<Self, ReadMandateError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let has_form = text.len() <= MANDATE_BYTES_MAX
            && text.bytes().all(allowed)
            && text.split('.').filter(|part| !part.is_empty()).count() == 3
            && text.bytes().filter(|b| *b == b'.').count() == 2;
        if has_form {
            Ok(Self(text.into()))
        } else {
            Err(ReadMandateError::Malformed)
        }
    }

    /// The text, which names two people.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl MandateIssuers {
    /// Reads a mandate that one of the issuers signed; `revoked` says which were taken back.
    pub fn read(
        &self,
        mandate: &SignedMandate,
        revoked: &RevokedMandates,
    ) -> Result<Mandate, ReadMandateError> {
        use ReadMandateError as E;
        let text = mandate.expose();
        let header = jsonwebtoken::decode_header(text).map_err(|_| E::Malformed)?;
        if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return Err(E::Type);
        }
        let IssuerOnly { iss } = insecure_decode(text).map_err(|_| E::Malformed)?.claims;
        let keys = self.0.get(&iss).ok_or(E::Issuer)?;
        let mut claims = Err(E::Signature);
        for key in keys {
            claims = key.verify(text);
            if !matches!(claims, Err(E::Signature)) {
                break;
            }
        }
        claims?.into_mandate(revoked)
    }
}

impl FromIterator<(String, MandateKey)> for MandateIssuers {
    /// The issuers by name; one with several keys, while they are changed, comes once for each.
    fn from_iter<I: IntoIterator<Item = (String, MandateKey)>>(issuers: I) -> Self {
        let mut keys: BTreeMap<String, Vec<MandateKey>> = BTreeMap::new();
        for (issuer, key) in issuers {
            keys.entry(issuer).or_default().push(key);
        }
        Self(keys)
    }
}

impl RevokedMandates {
    /// Reads a list: `ISSUER ID` on each line; empty lines and those after `#` are left out.
    pub fn parse(text: &str) -> Result<Self, RevokedLineError> {
        let lines = text.lines().map(str::trim);
        let lines = (1..).zip(lines);
        lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| {
                let mut words = line.split_ascii_whitespace();
                match (words.next(), words.next(), words.next()) {
                    (Some(issuer), Some(id), None) => Ok((issuer.to_owned(), id.to_owned())),
                    _ => Err(RevokedLineError(number)),
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Claims {
    fn into_mandate(self, revoked: &RevokedMandates) -> Result<Mandate, ReadMandateError> {
        let person =
            |digits: &str| NationalId::parse(digits, RULES).map_err(|_| ReadMandateError::Claims);
        if self.areas.len() > AREAS_MAX || self.jti.is_empty() {
            return Err(ReadMandateError::Claims);
        }
        Ok(Mandate {
            kind: match self.kind {
                Kind::Poa => MandateKind::PowerOfAttorney,
                Kind::Guardian => MandateKind::Guardian,
            },
            giver: person(&self.giver)?,
            holder: person(&self.holder)?,
            areas: self.areas.iter().filter_map(|it| Area::parse(it)).collect(),
            validity: Validity {
                from: Timestamp::from_seconds(self.nbf),
                until: Timestamp::from_seconds(self.exp),
            },
            is_revoked: revoked.0.contains(&(self.iss, self.jti)),
        })
    }
}

impl MandateKey {
    /// Reads a public key in PEM, as `openssl pkey -pubout` writes it.
    pub fn from_pem(pem: &str) -> Result<Self, MandateKeyError> {
        // Certificates would be read too, and the wrong part of them.
        if !pem.trim_start().starts_with("-----BEGIN PUBLIC KEY-----") {
            return Err(MandateKeyError);
        }
        let pem = pem.as_bytes();
        let (algorithm, key) = DecodingKey::from_ed_pem(pem)
            .map(|key| (Algorithm::EdDSA, key))
            .or_else(|_| DecodingKey::from_ec_pem(pem).map(|key| (Algorithm::ES256, key)))
            .or_else(|_| DecodingKey::from_rsa_pem(pem).map(|key| (Algorithm::RS256, key)))
            .map_err(|_| MandateKeyError)?;
        Ok(Self { algorithm, key })
    }

    /// The claims of `text`, if this key signed them. Times are the policy's to look at.
    fn verify(&self, text: &str) -> Result<Claims, ReadMandateError> {
        let mut validation = Validation::new(self.algorithm);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode::<Claims>(text, &self.key, &validation)
            .map(|read| read.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::Json(_) | ErrorKind::Utf8(_) => ReadMandateError::Claims,
                ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => {
                    ReadMandateError::Signature
                }
                _ => ReadMandateError::Malformed,
            })
    }
}

impl MandateSigner {
    /// The issuer called `issuer`, with a secret Ed25519 key in PEM (PKCS #8).
    pub fn from_pem(issuer: &str, pem: &str) -> Result<Self, MandateKeyError> {
        let key = EncodingKey::from_ed_pem(pem.as_bytes()).map_err(|_| MandateKeyError)?;
        let issuer = issuer.to_owned();
        Ok(Self { issuer, key })
    }

    /// Signs `mandate` under `id`; that it is revoked cannot be signed.
    pub fn sign(&self, id: &str, mandate: &Mandate) -> Result<SignedMandate, ReadMandateError> {
        let claims = Claims {
            iss: self.issuer.clone(),
            jti: id.to_owned(),
            kind: match mandate.kind {
                MandateKind::PowerOfAttorney => Kind::Poa,
                MandateKind::Guardian => Kind::Guardian,
            },
            giver: mandate.giver.expose_str().to_owned(),
            holder: mandate.holder.expose_str().to_owned(),
            areas: mandate.areas.iter().map(Area::to_text).collect(),
            nbf: mandate.validity.from.as_seconds(),
            exp: mandate.validity.until.as_seconds(),
            iat: None,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        let text = jsonwebtoken::encode(&header, &claims, &self.key);
        SignedMandate::parse(&text.map_err(|_| ReadMandateError::Claims)?)
    }
}

impl fmt::Debug for SignedMandate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedMandate(***)")
    }
}

impl fmt::Debug for MandateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MandateKey({:?})", self.algorithm)
    }
}

impl fmt::Debug for MandateSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MandateSigner({}, ***)", self.issuer)
    }
}
