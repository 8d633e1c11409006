//! The port: connections in, TLS if there is a certificate, HTTP/1.1 or HTTP/2, limits.
//!
//! What holds:
//!
//! - **Nobody holds a connection by silence.** Handshake, first request and each request's
//!   headers have a time limit.
//! - **A shutdown lets go of nobody who is being answered**, for a bounded time: no new
//!   connections, HTTP/2 is told to go away, answers under way are finished.
//!
//! HTTP/2 works with and without TLS (by prior knowledge), so that gRPC and HTTP share the port.

mod gathered;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::serve::{Listener, ListenerExt as _};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::config::{Limits, TlsFiles};
use gathered::Gathered;

/// How often a silent HTTP/2 caller is asked whether it is there, and how long it may take.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that was told to end may linger.
const LINGER: Duration = Duration::from_secs(1);

/// Why the port cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`{}` is no PEM file that can be read", .0.display())]
    Pem(std::path::PathBuf, #[source] pem::Error),
    /// The two do not make a server.
    #[error("the certificate and the key do not make a TLS server")]
    Rustls(#[source] rustls::Error),
}

/// Listens on `listen`, without delay for small writes.
pub async fn bind(
    listen: SocketAddr,
) -> io::Result<impl Listener<Io = tokio::net::TcpStream, Addr = SocketAddr>> {
    let listener = TcpListener::bind(listen).await?;
    Ok(listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a caller's connection is gone already");
        }
    }))
}

/// Reads the certificate and key of a TLS 1.3 server that speaks HTTP/1.1 and HTTP/2.
pub fn tls(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let certificates = CertificateDer::pem_file_iter(&files.certificate_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| TlsError::Pem(files.certificate_file.clone(), error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key_file)
        .map_err(|error| TlsError::Pem(files.key_file.clone(), error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Rustls)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(TlsError::Rustls)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves `router` to whoever connects, until `shutdown`; then finishes what is under way.
pub async fn serve(
    mut listener: impl Listener,
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let connections = TaskTracker::new();
    let port = Arc::new(Port {
        http: http(limits),
        header_timeout: Duration::from_millis(limits.header_timeout_ms),
        router,
        tls,
        shutdown: shutdown.clone(),
    });
    let accept = async {
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let (io, _) = listener.accept().await;
            let port = Arc::clone(&port);
            connections.spawn(async move {
                port.connection(io).await;
                drop(place);
            });
        }
    };
    shutdown.run_until_cancelled(accept).await;
    drop(listener);
    connections.close();
    let under_way = connections.len();
    let finished = tokio::time::timeout(
        Duration::from_millis(limits.shutdown_timeout_ms),
        connections.wait(),
    );
    let in_time = finished.await.is_ok();
    tracing::info!(connections = under_way, in_time, "port closed");
}

struct Port {
    http: Builder<TokioExecutor>,
    header_timeout: Duration,
    router: Router,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
}

fn http(limits: Limits) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.header_timeout_ms))
        .max_buf_size(usize::try_from(limits.header_bytes_max).unwrap_or(usize::MAX));
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE_EVERY)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .max_header_list_size(limits.header_bytes_max)
        .max_concurrent_streams(limits.streams_per_connection_max);
    http
}

impl Port {
    async fn connection<IO>(&self, io: IO)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(tls) = &self.tls else {
            return self.speak_http(io).await;
        };
        match tokio::time::timeout(self.header_timeout, tls.accept(io)).await {
            Ok(Ok(io)) => self.speak_http(io).await,
            Ok(Err(error)) => tracing::debug!(%error, "no tls with a caller"),
            Err(_) => tracing::debug!("a caller was too slow for tls"),
        }
    }

    async fn speak_http<IO>(&self, io: IO)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let spoke = Arc::new(AtomicBool::new(false));
        let (router, heard) = (self.router.clone(), Arc::clone(&spoke));
        let service = service_fn(move |request: http::Request<Incoming>| {
            heard.store(true, Ordering::Relaxed);
            router.clone().oneshot(request.map(Body::new))
        });
        let mut connection = pin!(
            self.http
                .serve_connection(TokioIo::new(Gathered(io)), service)
        );
        let silent = async {
            tokio::time::sleep(self.header_timeout).await;
            if spoke.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        let linger = tokio::select! {
            _ = connection.as_mut() => return,
            () = silent => LINGER,
            () = self.shutdown.cancelled() => Duration::MAX,
        };
        connection.as_mut().graceful_shutdown();
        // What the caller breaks is the caller's; a shutdown's own limit is `serve`'s.
        let _ = tokio::time::timeout(linger, connection).await;
    }
}
