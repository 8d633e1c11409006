//! A witness that speaks C2SP tlog-witness over HTTP.

use std::time::Duration;

use innsyn_proto::head::{HeadError, WitnessKey};
use innsyn_proto::witnessing::{ANSWER_BYTES_MAX, AddCheckpoint};

use super::super::outgoing::{self, OutgoingError};
use super::submitting::{Looks, Said, SubmitError};

/// How long it may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a witness cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Its address is none.
    #[error("the address of a witness")]
    Url,
    /// Its key is none.
    #[error("the key of a witness")]
    Key(#[from] HeadError),
    /// There is no client.
    #[error(transparent)]
    Client(#[from] OutgoingError),
}

/// A witness elsewhere.
#[derive(Debug, Clone)]
pub struct Remote {
    url: String,
    key: WitnessKey,
    client: reqwest::Client,
}

impl Remote {
    /// The witness that takes heads under `url` and signs with `key`.
    pub fn new(url: &str, key: &str) -> Result<Self, RemoteError> {
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let parsed = url.parse().map_err(|_| RemoteError::Url)?;
        Ok(Self {
            url,
            key: WitnessKey::parse(key)?,
            client: outgoing::client(&parsed, TIMEOUT)?,
        })
    }

    pub(super) const fn key(&self) -> &WitnessKey {
        &self.key
    }
}

impl Looks for Remote {
    async fn add(&mut self, asked: &AddCheckpoint) -> Result<Said, SubmitError> {
        let request = self.client.post(&self.url).body(asked.to_bytes());
        let mut response = request.send().await.map_err(SubmitError::http)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(SubmitError::http)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(SubmitError::Answer);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Said {
            status,
            body,
            seen: None,
            other_key: false,
        })
    }
}
