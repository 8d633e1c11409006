//! What both faces, gRPC and HTTP, do with a call: who is it, may they, start the listing.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use innsyn_policy::{Clock, NationalId, Request, Timestamp, represents};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::claims::Claims;
use super::config::{CitizenGatewayConfig, DEADLINE_MS_MAX, DEADLINE_MS_MIN};
use super::everyone::Everyone;
use super::fanout::{AskEveryRegister, Readiness};
use super::listing::Listing;
use super::metrics::CitizenMetrics;
use super::refusal::Refusal;
use super::settings::GatewaySettings;
use super::token::VerifyToken;
use crate::catalog::Catalogue;

/// A citizen gateway without its sockets.
pub struct CitizenFace {
    config: CitizenGatewayConfig,
    catalogue: Arc<Catalogue>,
    registers: Arc<dyn AskEveryRegister>,
    everyone: Everyone,
    settings: Option<Arc<GatewaySettings>>,
    tokens: Arc<dyn VerifyToken>,
    clock: Arc<dyn Clock>,
    metrics: Arc<CitizenMetrics>,
    places: Arc<Semaphore>,
}

/// What a gateway's face is made of.
pub struct CitizenFaceParts {
    /// How it is set up.
    pub config: CitizenGatewayConfig,
    /// The registers.
    pub catalogue: Arc<Catalogue>,
    /// Asks all of them where somebody is registered.
    pub registers: Arc<dyn AskEveryRegister>,
    /// Calls all of them.
    pub everyone: Everyone,
    /// Takes changes of settings, if they are offered.
    pub settings: Option<Arc<GatewaySettings>>,
    /// Who knows a good token.
    pub tokens: Arc<dyn VerifyToken>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<CitizenMetrics>,
}

impl std::fmt::Debug for CitizenFaceParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CitizenFaceParts").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CitizenFace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CitizenFace").finish_non_exhaustive()
    }
}

/// A caller whose token is good and reaches to this service.
#[derive(Debug)]
pub(super) struct Admitted(Claims);

/// Whether the gateway can serve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Serving {
    pub(super) registers: Readiness,
    pub(super) token_keys: bool,
}

impl Serving {
    /// One dead register is no reason to send callers elsewhere; having none to ask is.
    pub(super) const fn is_ready(self) -> bool {
        let somebody_to_ask =
            self.registers.registers_connected > 0 || self.registers.registers_expected == 0;
        self.token_keys && self.registers.relay_reachable && somebody_to_ask
    }
}

impl CitizenFace {
    /// A gateway made of `parts`.
    pub fn new(parts: CitizenFaceParts) -> Arc<Self> {
        let limits = parts.config.limits;
        Arc::new(Self {
            config: parts.config,
            catalogue: parts.catalogue,
            registers: parts.registers,
            everyone: parts.everyone,
            settings: parts.settings,
            tokens: parts.tokens,
            clock: parts.clock,
            metrics: parts.metrics,
            places: Arc::new(Semaphore::new(limits.listings_in_flight_max)),
        })
    }

    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Every register, to be called.
    pub(super) const fn everyone(&self) -> &Everyone {
        &self.everyone
    }

    /// A place among the calls under way; dropped, it is free again.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let places = Arc::clone(&self.places);
        places.try_acquire_owned().map_err(|_| Refusal::Overloaded)
    }

    pub(super) fn serving(&self) -> Serving {
        Serving {
            registers: self.registers.readiness(),
            token_keys: self.tokens.can_verify(),
        }
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long a caller waits for registers who asks for `deadline_ms`.
    pub(super) fn deadline(&self, deadline_ms: Option<u32>) -> Result<Duration, Refusal> {
        match deadline_ms {
            None => Ok(self.config.default_deadline),
            Some(ms @ DEADLINE_MS_MIN..=DEADLINE_MS_MAX) => Ok(Duration::from_millis(ms.into())),
            Some(_) => Err(Refusal::Deadline),
        }
    }

    /// The request that an admitted caller's token is the right to.
    pub(super) fn request_of(
        &self,
        Admitted(claims): &Admitted,
        national_id: &str,
    ) -> Result<Request, Refusal> {
        self.request(claims, national_id)
    }

    /// Counts `refusal`, and gives it back.
    pub(super) fn refused(&self, refusal: Refusal) -> Refusal {
        self.metrics.refusal(refusal.reason(), "");
        tracing::debug!(reason = refusal.reason(), "call refused");
        refusal
    }

    /// Checks the token of a call that arrived at `arrived`.
    ///
    /// A bad one is refused at one time after its arrival, whatever was wrong: neither words nor
    /// waiting tell a forger how far they came. Looking for a new key ends by then too.
    pub(super) async fn admit(
        &self,
        headers: &HeaderMap,
        arrived: Instant,
    ) -> Result<Admitted, Refusal> {
        let refuse_at = arrived + self.config.refusal_after;
        let claims = match self.tokens.verify(headers, refuse_at).await {
            Ok(claims) => claims,
            Err(error) => {
                self.metrics.refusal(Refusal::Token.reason(), error.label());
                tracing::info!(cause = error.label(), "token refused");
                tokio::time::sleep_until(refuse_at).await;
                return Err(Refusal::Token);
            }
        };
        if !claims.has_scope(&self.config.scope) {
            return Err(self.refused(Refusal::ScopeMissing));
        }
        Ok(Admitted(claims))
    }

    /// Starts the listing that an admitted caller asks for; no register is asked before all is
    /// well.
    pub(super) fn list(
        &self,
        Admitted(claims): &Admitted,
        national_id: &str,
        deadline_ms: Option<u32>,
        arrived: Instant,
    ) -> Result<Listing, Refusal> {
        self.begin(claims, national_id, deadline_ms, arrived)
            .map_err(|refusal| self.refused(refusal))
    }

    fn begin(
        &self,
        claims: &Claims,
        national_id: &str,
        deadline_ms: Option<u32>,
        arrived: Instant,
    ) -> Result<Listing, Refusal> {
        let deadline = self.deadline(deadline_ms)?;
        let request = self.request(claims, national_id)?;
        let place = self.place()?;
        let ends = arrived + deadline;
        let updates = self
            .registers
            .list(request, ends.saturating_duration_since(Instant::now()));
        Ok(Listing::new(
            self.catalogue.entries().len(),
            updates,
            (arrived, ends),
            Arc::clone(&self.metrics),
            place,
        ))
    }

    /// The request for insight that `claims` are the right to, if it is about the person with
    /// `national_id`.
    fn request(&self, claims: &Claims, national_id: &str) -> Result<Request, Refusal> {
        let subject = self.read_id(national_id)?;
        let client = self.config.clients.get(claims.client_id());
        let organisation = *client.ok_or(Refusal::ClientUnknown)?;
        let request = claims.request(subject, organisation, |text| self.read_id(text))?;
        represents(&request, self.clock.now()).map_err(Refusal::Denied)?;
        Ok(request)
    }

    /// What `admitted` may ask about the person with `national_id`, and how long it waits.
    pub(super) fn asked(
        &self,
        Admitted(claims): &Admitted,
        national_id: &str,
        deadline_ms: Option<u32>,
    ) -> Result<(Request, Duration), Refusal> {
        let asked = || {
            Ok((
                self.request(claims, national_id)?,
                self.deadline(deadline_ms)?,
            ))
        };
        asked().map_err(|refusal| self.refused(refusal))
    }

    /// Takes changes of settings, if they are offered here.
    pub(super) fn settings(&self) -> Result<&Arc<GatewaySettings>, Refusal> {
        let settings = self.settings.as_ref();
        settings.ok_or_else(|| self.refused(Refusal::SettingsNotOffered))
    }

    /// What has messages wait for registers that are absent, if anything does.
    pub(super) const fn waits(&self) -> Option<&Arc<GatewaySettings>> {
        self.settings.as_ref()
    }

    fn read_id(&self, text: &str) -> Result<NationalId, Refusal> {
        let id = NationalId::parse(text, self.config.number_rules).map_err(Refusal::NationalId)?;
        let admitted = self.config.environment.admit_citizen(&id);
        admitted.map_err(Refusal::NotAdmitted)?;
        Ok(id)
    }
}
