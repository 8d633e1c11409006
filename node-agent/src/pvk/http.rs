//! Calls out: to where the configuration says, no further, and never for long.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use rustls_platform_verifier::BuilderVerifierExt as _;

/// How long one call may take.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// How long it may take to be connected.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why nothing can be called.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The CA's file.
    #[error("`pvk.ca_file`: `{}` holds no certificate that can be used", .0.display())]
    Ca(PathBuf),
    /// TLS could not be set up.
    #[error("TLS towards Personvernkomponenten cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The client could not be made.
    #[error("no HTTP client can be made")]
    Http(#[from] reqwest::Error),
}

/// Why an answer was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the answer broke off")]
    Broken(#[source] reqwest::Error),
}

/// A client that trusts the CA in `ca`, or those of the machine. Redirects and proxies are not
/// followed. `is_https` is whether anything is called over TLS: a machine may have no roots.
pub(super) fn client(ca: Option<&Path>, is_https: bool) -> Result<Client, ClientError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?;
    let tls = match ca {
        Some(ca) => tls.with_root_certificates(roots(ca)?),
        None if is_https => tls.with_platform_verifier()?,
        None => tls.with_root_certificates(RootCertStore::empty()),
    };
    let client = Client::builder()
        .tls_backend_preconfigured(tls.with_no_client_auth())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .build()?;
    Ok(client)
}

fn roots(ca: &Path) -> Result<RootCertStore, ClientError> {
    let unusable = || ClientError::Ca(ca.to_owned());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|_| unusable())? {
        let certificate = certificate.map_err(|_| unusable())?;
        roots.add(certificate).map_err(|_| unusable())?;
    }
    if roots.is_empty() {
        return Err(unusable());
    }
    Ok(roots)
}

/// What `response` says, if that is at most `bytes_max`.
pub(super) async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Broken)? {
        if bytes.len() + chunk.len() > bytes_max {
            return Err(ReadError::TooLong(bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
