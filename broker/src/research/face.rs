//! What is looked at before any register is asked: who it is, what they may, what they ask.
//!
//! ```text
//!   token ─ claims ─▶ Researcher     permit ─▶ SignedDataPermit
//!                         └──────────┬──────────┘
//!   query ─ checked against what is published ─ plan ─ permit, register by register ─▶ Prepared
//! ```
//!
//! What holds: a [`Prepared`] is within the permit at every register that it will ask, but for the
//! budget, which a table that was released before does not need.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use innsyn_policy::{Clock, NationalId, PermitClearance, PermitId, Purpose, Register, RegisterId};
use innsyn_proto::convert::purpose_from_wire;
use innsyn_proto::data_permit::{SignedDataPermit, TrustedIssuers};
use innsyn_proto::head::HeadKey;
use innsyn_proto::query::{Asking, CheckedQuery, Language, check};
use innsyn_proto::wire::research::v1 as wire;
use innsyn_proto::wire::types::v1 as types;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::run_request::Question;

use super::agents::Agents;
use super::claims::{Claims, Researcher};
use super::config::{DEADLINE_MS_MAX, DEADLINE_MS_MIN, ResearchGatewayConfig};
use super::coverage::RegisterOutcome;
use super::dcat::{PublicCatalogue, Publisher};
use super::desk::{ReleaseDesk, Rules};
use super::ledger::{ReleaseKey, Store, Watched};
use super::plan::Plan;
use super::published::{Published, Publishers};
use super::refusal::Refusal;
use super::runs::Runs;
use super::shown::Shown;
use super::sql::{self, OutputColumn, Presentation};
use crate::catalog::{Catalogue, Listing};
use crate::gateway::link::Reach;
use crate::gateway::token::BearerVerifier;

/// A research gateway without its sockets.
pub struct ResearchFace {
    config: ResearchGatewayConfig,
    registers: BTreeMap<RegisterId, Register>,
    tokens: BearerVerifier,
    permits: TrustedIssuers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(super) agents: Arc<Agents>,
    publishers: Publishers,
    pub(super) desk: ReleaseDesk,
    pub(super) ledger: Watched,
    pub(super) catalogue: Option<PublicCatalogue>,
    pub(super) runs: Runs,
    pub(super) places: Arc<Semaphore>,
    random: Mutex<StdRng>,
}

/// What a research gateway is put together from, beside its configuration.
pub struct ResearchParts {
    /// Who is a register.
    pub catalogue: Catalogue,
    /// How agents are reached.
    pub reach: Arc<dyn Reach>,
    /// Who knows a good token.
    pub tokens: BearerVerifier,
    /// Whose data permits are accepted.
    pub permits: TrustedIssuers,
    /// What of an exact table may leave.
    pub desk: ReleaseDesk,
    /// Where releases are kept.
    pub ledger: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids of runs and questions come from.
    pub random: StdRng,
}

/// What is cleared.
struct Clearing<'a> {
    researcher: &'a Researcher,
    permit: &'a SignedDataPermit,
    query: &'a CheckedQuery,
    purpose: Purpose,
    rules: Rules,
}

/// A question that may be asked.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(super) researcher: Researcher,
    pub(super) permit: SignedDataPermit,
    pub(super) query: CheckedQuery,
    pub(super) plan: Plan,
    pub(super) purpose: Purpose,
    pub(super) rules: Rules,
    /// One for each register that is asked; or at which the budget is used up.
    pub(super) cleared: Result<Vec<PermitClearance>, Refusal>,
    /// Registers that may publish the view too and have not told, and what becomes of them.
    pub(super) unknown: BTreeMap<RegisterId, RegisterOutcome>,
    /// What would be released, if nothing has changed since the registers last published.
    pub(super) expected: Option<ReleaseKey>,
    pub(super) deadline: Duration,
    pub(super) must_be_complete: bool,
    /// How SQL shows the table; none as it is released.
    pub(super) shown: Option<Shown>,
}

impl std::fmt::Debug for ResearchFace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResearchFace").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ResearchParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResearchParts").finish_non_exhaustive()
    }
}

impl ResearchFace {
    /// A gateway of these parts. [`Self::keep_fresh`] keeps what it knows up to date.
    pub fn new(config: ResearchGatewayConfig, parts: ResearchParts) -> Arc<Self> {
        let entries = parts.catalogue.entries().iter();
        let publishers = entries.map(|entry| Publisher {
            entry: entry.wire.clone(),
            is_live: entry.listing == Listing::Live,
        });
        let gateway = config.public_catalogue.clone();
        let catalogue = gateway.map(|gateway| PublicCatalogue::new(gateway, publishers.collect()));
        let live = parts.catalogue.entries().iter();
        let registers: BTreeMap<RegisterId, Register> = live
            .filter(|entry| entry.listing == Listing::Live)
            .map(|entry| (entry.register.id.clone(), entry.register.clone()))
            .collect();
        let agents = Arc::new(Agents::new(parts.reach, registers.keys().cloned()));
        let places = Arc::new(Semaphore::new(config.runs_in_flight_max));
        Arc::new(Self {
            config,
            publishers: Publishers::new(Arc::clone(&agents), registers.keys().cloned().collect()),
            registers,
            tokens: parts.tokens,
            permits: parts.permits,
            clock: parts.clock,
            agents,
            desk: parts.desk,
            ledger: Watched::new(parts.ledger),
            catalogue,
            runs: Runs::default(),
            places,
            random: Mutex::new(parts.random),
        })
    }

    /// Asks registers again and again what they publish, and looks after the ledger, until
    /// `shutdown`.
    pub async fn keep_fresh(&self, shutdown: CancellationToken) {
        let watch = self.ledger.keep_watch(shutdown.clone());
        tokio::join!(self.publishers.keep_fresh(shutdown), watch);
    }

    /// Whether tokens can be told, there is somebody to ask, and the ledger works.
    pub(super) fn is_ready(&self) -> bool {
        self.tokens.has_keys() && self.publishers.is_any_known() && self.ledger.works()
    }

    /// The key of the log of use of `register`, if it is known.
    pub(super) fn log_key(&self, register: &RegisterId) -> Option<&HeadKey> {
        self.config.log_keys.get(register)
    }

    /// 16 bytes that nobody can guess.
    pub(crate) fn random_id(&self) -> [u8; 16] {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .random()
    }

    pub(crate) async fn published(&self) -> Published {
        self.publishers.gather().await
    }

    /// Who makes the call that arrived at `arrived`.
    ///
    /// A bad token is refused at one time after its arrival, whatever was wrong: neither words nor
    /// waiting tell a forger how far they came.
    pub(crate) async fn admit(
        &self,
        headers: &HeaderMap,
        arrived: Instant,
    ) -> Result<Researcher, Refusal> {
        let refuse_at = arrived + self.config.refusal_after;
        let claims: Claims = match self.tokens.check(headers, refuse_at).await {
            Ok(claims) => claims,
            Err(error) => {
                tracing::info!(cause = error.label(), "token refused");
                tokio::time::sleep_until(refuse_at).await;
                return Err(Refusal::Token);
            }
        };
        claims.researcher(&self.config.scope, |text| self.read_id(text))
    }

    fn read_id(&self, text: &str) -> Option<NationalId> {
        let id = NationalId::parse(text, self.config.number_rules).ok()?;
        self.config.environment.admit_citizen(&id).ok()?;
        Some(id)
    }

    /// Reads a permit that entitles `researcher`.
    pub(crate) fn permit(
        &self,
        text: &str,
        researcher: &Researcher,
    ) -> Result<SignedDataPermit, Refusal> {
        let permit = self.permits.read(text.trim(), self.clock.now());
        let permit = permit.map_err(Refusal::Permit)?;
        let terms = permit.permit().terms();
        let entitled = terms.people.contains(&researcher.person)
            && terms.organisation == researcher.organisation;
        if entitled {
            Ok(permit)
        } else {
            Err(Refusal::NotEntitled)
        }
    }

    /// Everything that can be said of `request` without asking a register to count.
    pub(crate) async fn prepare(
        &self,
        researcher: Researcher,
        request: wire::RunRequest,
    ) -> Result<Prepared, Refusal> {
        let deadline = match request.deadline_ms {
            0 => self.config.default_deadline,
            ms @ DEADLINE_MS_MIN..=DEADLINE_MS_MAX => Duration::from_millis(ms.into()),
            _ => return Err(Refusal::Deadline),
        };
        let permit = self.permit(&request.data_permit, &researcher)?;
        let purpose = purpose(request.purpose, &permit)?;
        let question = request.question.ok_or(Refusal::QuestionMissing)?;
        let (published, asked) = read(question, self.published().await).await?;
        let query = checked(&asked.query, &published)?;
        let plan = Plan::of(&query).map_err(Refusal::Plan)?;
        let terms = permit.permit().terms();
        let rules = Rules::new(
            self.config.rules.k().max(terms.smallest_cell.into()),
            self.config.rules.base().max(terms.rounding_base.into()),
        );
        let rules = rules.map_err(Refusal::Rules)?;
        // Every other field first: whoever is outside one gets no earlier table either.
        let asking = Clearing {
            researcher: &researcher,
            permit: &permit,
            query: &query,
            purpose,
            rules,
        };
        self.clear(&asking, &BTreeMap::new())?;
        let cleared = self.clear(&asking, &self.ledger.answered(&terms.id).await?);
        let expected = expected(&permit, &query, &published);
        let unknown = if query.normal().registers.is_empty() {
            published.unanswering()
        } else {
            BTreeMap::new()
        };
        let shown = asked
            .shown
            .map(|(columns, presentation)| Shown::of(&columns, &presentation, &plan));
        Ok(Prepared {
            researcher,
            permit,
            query,
            plan,
            purpose,
            shown,
            rules,
            cleared,
            unknown,
            expected,
            deadline,
            must_be_complete: request.must_be_complete,
        })
    }

    /// Clears `prepared` anew for every register that it asks, as for one more run.
    pub(super) async fn clear_again(&self, prepared: &mut Prepared) -> Result<(), Refusal> {
        let permit = &prepared.permit.permit().terms().id;
        let answered = self.ledger.answered(permit).await?;
        let asking = Clearing {
            researcher: &prepared.researcher,
            permit: &prepared.permit,
            query: &prepared.query,
            purpose: prepared.purpose,
            rules: prepared.rules,
        };
        prepared.cleared = self.clear(&asking, &answered);
        Ok(())
    }

    /// The right to ask each register, of whose budget so much is used.
    fn clear(
        &self,
        clearing: &Clearing<'_>,
        answered: &BTreeMap<RegisterId, u32>,
    ) -> Result<Vec<PermitClearance>, Refusal> {
        let Clearing {
            researcher,
            permit,
            query,
            purpose,
            rules,
        } = clearing;
        let each = query.registers().iter().map(|name| {
            let register = self.register(name)?;
            let asking = Asking {
                person: researcher.person,
                organisation: researcher.organisation,
                purpose: *purpose,
                smallest_cell: u32::try_from(rules.k()).unwrap_or_default(),
                rounding_base: u32::try_from(rules.base()).unwrap_or_default(),
                queries_before: answered.get(&register.id).copied().unwrap_or_default(),
            };
            let facts = query.facts(register, asking);
            let cleared = permit.permit().check(&facts, self.clock.now());
            cleared.map_err(|field| Refusal::Outside {
                register: register.id.clone(),
                field,
            })
        });
        each.collect()
    }

    /// The register called `name`, which publishes something and so is in the catalogue.
    fn register(&self, name: &str) -> Result<&Register, Refusal> {
        let id = RegisterId::parse(name).ok();
        id.and_then(|id| self.registers.get(&id))
            .ok_or_else(|| Refusal::RegisterUnknown(name.to_owned()))
    }
}

/// What a run is for: what it says, or else what `permit` is for.
fn purpose(told: i32, permit: &SignedDataPermit) -> Result<Purpose, Refusal> {
    match types::Purpose::try_from(told) {
        Ok(types::Purpose::Unspecified) => Ok(permit.permit().terms().purpose),
        Ok(told) => purpose_from_wire(told).ok_or(Refusal::Purpose),
        Err(_) => Err(Refusal::Purpose),
    }
}

/// A question, read.
struct Asked {
    query: wire::Query,
    /// How SQL shows its table.
    shown: Option<(Vec<OutputColumn>, Presentation)>,
}

/// Reads the question over what is published. SQL is read where it may take its time.
async fn read(question: Question, published: Published) -> Result<(Published, Asked), Refusal> {
    let sql = match question {
        Question::Query(query) => return Ok((published, Asked { query, shown: None })),
        Question::Sql(sql) => sql,
    };
    let reading = tokio::task::spawn_blocking(move || {
        let lowered = sql::lower(&sql, &published.views);
        (published, lowered)
    });
    let (published, lowered) = reading.await.map_err(|_| Refusal::Failed)?;
    let lowered = lowered.map_err(|error| Refusal::Sql(Box::new(error)))?;
    let asked = Asked {
        query: lowered.query,
        shown: Some((lowered.columns, lowered.presentation)),
    };
    Ok((published, asked))
}

/// The query, checked against what is published.
fn checked(query: &wire::Query, published: &Published) -> Result<CheckedQuery, Refusal> {
    let is_silent = |name: &&String| published.silent.iter().any(|id| id.as_str() == *name);
    if let Some(silent) = query.registers.iter().find(is_silent) {
        let mut not_served = published.not_served.iter();
        return Err(if not_served.any(|id| id.as_str() == silent) {
            Refusal::NotServed(silent.clone())
        } else {
            Refusal::RegisterUnknown(silent.clone())
        });
    }
    check(query, &published.views).map_err(|error| Refusal::Query(error.into()))
}

/// What will be released if every register answers over the data that it last published of.
fn expected(
    permit: &SignedDataPermit,
    query: &CheckedQuery,
    published: &Published,
) -> Option<ReleaseKey> {
    let contributors = query.registers().iter().map(|name| {
        let id = RegisterId::parse(name).ok()?;
        let snapshot = *published.snapshots.get(&id)?;
        Some((id, snapshot))
    });
    Some(ReleaseKey {
        permit: permit.permit().terms().id.clone(),
        query: query.name(),
        contributors: contributors.collect::<Option<_>>()?,
    })
}

impl Prepared {
    /// The columns of the table that may be released.
    pub(crate) fn columns(&self) -> Vec<wire::Column> {
        match &self.shown {
            Some(shown) => shown.columns().cloned().collect(),
            None => self.plan.columns().to_vec(),
        }
    }

    /// The permit that it is asked under.
    pub(crate) fn permit_id(&self) -> &PermitId {
        &self.permit.permit().terms().id
    }

    /// What would be asked of whom.
    pub(super) fn told(&self) -> wire::DryRunResponse {
        wire::DryRunResponse {
            query: Some(self.query.normal().clone()),
            query_name: self.query.name().as_bytes().to_vec(),
            words_nb: self.query.words(Language::Bokmal),
            words_en: self.query.words(Language::English),
            registers: self.query.registers().to_vec(),
            cells_max: self.plan.cells_declared(),
        }
    }
}
