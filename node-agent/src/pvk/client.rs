//! Calls to Personvernkomponenten, each with a token of HelseID and a proof that it is ours.

use std::fmt;
use std::sync::{Arc, PoisonError};

use innsyn_policy::{DefinitionId, NationalId, SettingDefinition, Timestamp};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Client, Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::helseid::{HelseId, HelseIdError, ProofOf, nonce_of};
use super::http;
use super::wire::{
    self, Asked, ErrorAnswer, NotASetting, Page, PageAnswer, PvkSetting, Reader, Status, Written,
    WrittenAnswer,
};

/// The longest answer, in bytes: a page of some tens of thousands of persons.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Where the calls are, after the system's address.
const FOLDER: &str = "personvern/Personverninnstillinger";

/// Why a call came to nothing. No person is in it.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// HelseID gives no token.
    #[error("no token for Personvernkomponenten")]
    Token(#[from] HelseIdError),
    /// Nobody answered.
    #[error("Personvernkomponenten does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// It said no.
    #[error("Personvernkomponenten answers {status} ({code})")]
    Refused {
        /// With this status.
        status: StatusCode,
        /// And this, in its own words for it.
        code: String,
    },
    /// The answer did not come whole.
    #[error("Personvernkomponenten's answer was not read: {0}")]
    Unread(String),
    /// What it said is not what it should be.
    #[error("Personvernkomponenten's answer cannot be understood: {0}")]
    Malformed(&'static str),
    /// What it said is no setting of this register's.
    #[error("Personvernkomponenten's answer cannot be used")]
    NotASetting(#[from] NotASetting),
}

impl CallError {
    /// Whether the same call would be refused again, whenever it is made.
    pub(super) fn is_for_good(&self) -> bool {
        const AGAIN: [StatusCode; 5] = [
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::TOO_EARLY,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        matches!(self, Self::Refused { status, .. }
            if status.is_client_error() && !AGAIN.contains(status))
    }

    /// Whether it was about this one call, and others may go well.
    pub(super) fn is_of_this_call(&self) -> bool {
        matches!(
            self,
            Self::Refused { status, .. } if *status != StatusCode::UNAUTHORIZED
        ) || matches!(self, Self::NotASetting(_) | Self::Malformed(_))
    }
}

/// Personvernkomponenten, as it is called.
pub struct PvkClient {
    base: Url,
    http: Client,
    helseid: HelseId,
    reader: Reader,
    /// What the next proof must contain, if it says so.
    nonce: std::sync::Mutex<Option<String>>,
}

impl fmt::Debug for PvkClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PvkClient")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

impl PvkClient {
    pub(super) fn new(base: Url, http: Client, helseid: HelseId, reader: Reader) -> Self {
        Self {
            base,
            http,
            helseid,
            reader,
            nonce: std::sync::Mutex::default(),
        }
    }

    /// What is understood of it here.
    pub(super) const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// What `person` has said of `definition` there; `None` if that has never said anything.
    pub(super) async fn status(
        &self,
        person: &NationalId,
        definition: &DefinitionId,
    ) -> Result<Option<PvkSetting>, CallError> {
        let defined = self.definition(definition)?;
        let url = self.url("SjekkInnbyggersPiStatus/v2");
        let status: Status = self
            .call(Method::POST, url, Some(&asked(person, &defined)))
            .await?;
        Ok(self.reader.status(&status, person, definition)?)
    }

    /// A page of those whose setting of `definition` stands; the first is called `0`.
    pub(super) async fn page(
        &self,
        definition: &DefinitionId,
        page: &str,
    ) -> Result<Page, CallError> {
        let defined = self.definition(definition)?;
        let mut url = self.url("HentInnbyggereAktivePiForDefinisjon/v2");
        url.query_pairs_mut()
            .append_pair("definisjonGuid", &definition.to_string())
            .append_pair("partKode", defined.part.as_str())
            .append_pair("pagingReference", page);
        let answer: PageAnswer = self.call(Method::GET, url, None::<&()>).await?;
        Ok(self.reader.page(&answer, definition)?)
    }

    /// Says there what `person` has said here, at `said_at`.
    pub(super) async fn write(
        &self,
        person: &NationalId,
        definition: &DefinitionId,
        active: bool,
        said_at: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<(), CallError> {
        let defined = self.definition(definition)?;
        let written = Written {
            of: asked(person, &defined),
            type_pi: wire::kind_name(defined.kind),
            aktiv: active,
            tidspunkt: wire::time(said_at),
            gyldig_til: until.map(wire::time),
        };
        let url = self.url("SettInnbyggersPersonvernInnstilling/v2");
        let answer: WrittenAnswer = self.call(Method::POST, url, Some(&written)).await?;
        if answer.retur_kode != "ok" {
            return Err(CallError::Malformed("`returKode` is not `ok`"));
        }
        Ok(())
    }

    fn definition(&self, id: &DefinitionId) -> Result<Arc<SettingDefinition>, CallError> {
        let definition = self.reader.definition(id).map(Arc::clone);
        Ok(definition.ok_or(NotASetting::Definition)?)
    }

    fn url(&self, call: &str) -> Url {
        let base = self.base.path().trim_end_matches('/');
        let mut url = self.base.clone();
        url.set_path(&format!("{base}/{FOLDER}/{call}"));
        url
    }

    /// Calls; once more if the token or the proof was not good any more.
    async fn call<A: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
    ) -> Result<A, CallError> {
        let body = body.map(serde_json::to_vec).transpose();
        let body = body.map_err(|_| CallError::Malformed("our own question"))?;
        let body = body.map(Zeroizing::new);
        let mut may_repeat = true;
        loop {
            let token = self.helseid.token().await?;
            let (status, headers, answer) = self
                .ask(&method, &url, body.as_deref(), token.expose())
                .await?;
            let news = nonce_of(&headers).filter(|nonce| self.is_news(nonce));
            if status == StatusCode::UNAUTHORIZED && may_repeat {
                may_repeat = false;
                let wants_nonce = news.is_some() && says(&headers, "use_dpop_nonce");
                if !wants_nonce {
                    self.helseid.forget(&token).await;
                }
                continue;
            }
            if !status.is_success() {
                return Err(refused(status, &answer));
            }
            return serde_json::from_slice(&answer)
                .map_err(|_| CallError::Malformed("not the JSON that it should be"));
        }
    }

    async fn ask(
        &self,
        method: &Method,
        url: &Url,
        body: Option<&Vec<u8>>,
        token: &str,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), CallError> {
        let nonce = self.nonce().clone();
        let proof = self.helseid.proof(&ProofOf {
            method: method.as_str(),
            url,
            nonce: nonce.as_deref(),
            token: Some(token),
        })?;
        let mut request = self
            .http
            .request(method.clone(), url.clone())
            .header(AUTHORIZATION, format!("DPoP {token}"))
            .header("DPoP", proof);
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        let answer = request.send().await.map_err(CallError::Unreachable)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let answer = http::read(answer, ANSWER_BYTES_MAX)
            .await
            .map_err(|error| CallError::Unread(error.to_string()))?;
        Ok((status, headers, answer))
    }

    /// Remembers `nonce`; whether it is another than before.
    fn is_news(&self, nonce: &str) -> bool {
        let mut known = self.nonce();
        let is_news = known.as_deref() != Some(nonce);
        *known = Some(nonce.to_owned());
        is_news
    }

    fn nonce(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.nonce.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn asked<'a>(person: &'a NationalId, definition: &'a SettingDefinition) -> Asked<'a> {
    Asked {
        innbygger_fnr: person.expose_str(),
        definisjon_guid: definition.id.to_string(),
        definisjon_navn: &definition.name_nb,
        part_kode: definition.part.as_str(),
    }
}

fn says(headers: &HeaderMap, word: &str) -> bool {
    let header = headers.get(WWW_AUTHENTICATE);
    header
        .and_then(|it| it.to_str().ok())
        .is_some_and(|it| it.contains(word))
}

/// The no, with the code of its reason and nothing else of the answer.
fn refused(status: StatusCode, answer: &[u8]) -> CallError {
    let code = serde_json::from_slice::<ErrorAnswer>(answer).ok();
    let is_code = |code: &String| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        code.len() <= 32
            && code.bytes().all(letters)
            && code.bytes().filter(u8::is_ascii_digit).count() < 11
    };
    let code = code.map(|it| it.code).filter(is_code);
    CallError::Refused {
        status,
        code: code.unwrap_or_else(|| "no code".to_owned()),
    }
}
