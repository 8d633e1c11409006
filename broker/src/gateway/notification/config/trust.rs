//! By which certificates servers are believed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Why a server's certificate cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The CA's file.
    #[error("`{}` holds no certificate of a CA that can be used", .0.display())]
    Ca(PathBuf),
    /// TLS could not be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The server's name.
    #[error("`{0}` is no name that a certificate could have")]
    Name(String),
}

/// The certificates in `file`; at least one.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let unusable = || TrustError::Ca(file.to_owned());
    let certificates = CertificateDer::pem_file_iter(file).map_err(|_| unusable())?;
    let certificates: Vec<_> = certificates
        .collect::<Result<_, _>>()
        .map_err(|_| unusable())?;
    // Whatever uses them later, it can.
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        roots.add(certificate.clone()).map_err(|_| unusable())?;
    }
    if certificates.is_empty() {
        return Err(unusable());
    }
    Ok(certificates)
}

/// What believes those that the CA in `ca` vouches for and nobody else, or those that the machine
/// does.
pub(super) fn client(ca: Option<&Path>) -> Result<Arc<ClientConfig>, TrustError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let tls = match ca {
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(ca)? {
                roots.add(certificate)?;
            }
            tls.with_root_certificates(roots)
        }
        None => tls.with_platform_verifier()?,
    };
    Ok(Arc::new(tls.with_no_client_auth()))
}
