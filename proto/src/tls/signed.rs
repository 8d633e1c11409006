//! Texts that a party signs with the key of its certificate, for somebody who is not connected.
//!
//! ```text
//! innsyn recipient 1                      the text: whole lines, the first of which says what it is
//! register: kreft
//! …
//! signature: 1027 MEUCIQ…                 TLS signature scheme, and the signature in base64
//! -----BEGIN CERTIFICATE-----             its certificate, and the intermediate ones
//! ```
//!
//! A handshake of TLS 1.3 never signs a text that begins with a letter, so that neither signature can
//! be taken for the other.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use innsyn_policy::Timestamp;
use rustls::SignatureScheme;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{Authority, Credentials, LoadTlsError, client_verifier, provider};
use crate::identity::{IdentityError, PeerCertificate};

#[cfg(test)]
mod tests;

/// What stands before the signature.
const SIGNATURE: &str = "signature: ";
/// How texts are signed, as far as the certificate's key allows it.
const SCHEMES: [SignatureScheme; 4] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
];
/// Characters of base64 in a line of PEM.
const PEM_LINE: usize = 64;
/// Certificates in a chain that are looked at.
const CHAIN_MAX: usize = 8;

/// Why nobody of the federation is known to have signed a text.
#[derive(Debug, thiserror::Error)]
pub enum SignedTextError {
    /// Not a text with a signature and certificates.
    #[error("it is not a signed text with its certificate; was it cut or changed on its way?")]
    Malformed,
    /// Another CA's, or not valid now.
    #[error(
        "its certificate is not one that the federation's CA has issued, or is not valid now; look \
         at `tls.federation_ca`, and at this machine's clock"
    )]
    NotOfFederation,
    /// The certificate names nobody.
    #[error("its certificate: {0}")]
    Identity(#[from] IdentityError),
    /// Changed, or signed with another key.
    #[error("its signature does not verify; was it changed on its way?")]
    Signature,
    /// Our own CA cannot be used.
    #[error(transparent)]
    Authority(#[from] LoadTlsError),
}

impl Credentials {
    /// `text`, whole lines, signed with the certificate's key, and the certificate after it.
    pub fn sign(&self, text: &str) -> Result<String, LoadTlsError> {
        let unusable = || LoadTlsError::Unusable(rustls::Error::General("cannot sign".to_owned()));
        let key = provider()
            .key_provider
            .load_private_key(self.key.clone_key())?;
        let signer = key.choose_scheme(&SCHEMES).ok_or_else(unusable)?;
        let signature = BASE64_STANDARD.encode(signer.sign(text.as_bytes())?);
        let mut whole = format!(
            "{text}{SIGNATURE}{} {signature}\n",
            u16::from(signer.scheme())
        );
        for certificate in &self.chain {
            whole.push_str("-----BEGIN CERTIFICATE-----\n");
            let mut encoded = &*BASE64_STANDARD.encode(certificate);
            while !encoded.is_empty() {
                let (line, rest) = encoded.split_at(PEM_LINE.min(encoded.len()));
                let _written = writeln!(whole, "{line}");
                encoded = rest;
            }
            whole.push_str("-----END CERTIFICATE-----\n");
        }
        Ok(whole)
    }
}

impl Authority {
    /// The text in `signed`, and who has signed it, if this authority has issued their certificate
    /// and it is valid at `now`.
    pub fn read_signed<'a>(
        &self,
        signed: &'a str,
        now: Timestamp,
    ) -> Result<(&'a str, PeerCertificate), SignedTextError> {
        use SignedTextError as E;
        let before = signed.find(&format!("\n{SIGNATURE}")).ok_or(E::Malformed)? + 1;
        let (text, rest) = signed.split_at(before);
        let (signature, certificates) = rest.split_once('\n').ok_or(E::Malformed)?;
        let signature = signature.strip_prefix(SIGNATURE).ok_or(E::Malformed)?;
        let (scheme, signature) = signature.split_once(' ').ok_or(E::Malformed)?;
        let scheme = SignatureScheme::from(scheme.parse::<u16>().map_err(|_| E::Malformed)?);
        let signature = BASE64_STANDARD.decode(signature);
        let signature = signature.map_err(|_| E::Malformed)?;
        let chain = CertificateDer::pem_slice_iter(certificates.as_bytes())
            .take(CHAIN_MAX)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| E::Malformed)?;
        let (leaf, between) = chain.split_first().ok_or(E::Malformed)?;
        let seconds = u64::try_from(now.as_seconds()).unwrap_or_default();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        client_verifier(self)?
            .verify_client_cert(leaf, between, at)
            .map_err(|_| E::NotOfFederation)?;
        if !verifies(leaf, scheme, text.as_bytes(), &signature) {
            return Err(E::Signature);
        }
        Ok((text, PeerCertificate::read(leaf)?))
    }
}

/// Whether the key of `certificate` has signed `message`.
fn verifies(certificate: &[u8], scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return false;
    };
    let key = &certificate.public_key().subject_public_key.data;
    let known = provider().signature_verification_algorithms;
    SCHEMES.contains(&scheme)
        && known
            .mapping
            .iter()
            .filter(|(known, _)| *known == scheme)
            .flat_map(|(_, algorithms)| *algorithms)
            .any(|it| it.verify_signature(key, message, signature).is_ok())
}
