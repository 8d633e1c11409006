//! HTTP clients for what the configuration names: token issuers, other witnesses.

use std::sync::Arc;
use std::time::Duration;

use rustls_platform_verifier::BuilderVerifierExt as _;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// Whether nobody on the way can change what is fetched from `url`: https, or http on loopback.
pub(crate) fn is_safe(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    url.scheme() == "https" || (url.scheme() == "http" && address.is_ok_and(|a| a.is_loopback()))
}

/// A client for `url`, which waits no longer than `timeout`. Redirects and proxies are not followed:
/// what comes, comes from where the configuration says.
pub(crate) fn client(
    url: &reqwest::Url,
    timeout: Duration,
) -> Result<reqwest::Client, OutgoingError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(OutgoingError::Tls)?;
    // The machine's roots are wanted only where they are used: it may have none.
    let tls = if url.scheme() == "https" {
        tls.with_platform_verifier().map_err(OutgoingError::Tls)?
    } else {
        tls.with_root_certificates(rustls::RootCertStore::empty())
    };
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.with_no_client_auth())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .build()
        .map_err(OutgoingError::Client)
}
