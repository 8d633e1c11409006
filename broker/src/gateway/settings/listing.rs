//! What a person has said, and where it is in effect: asked of every register, live.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use innsyn_policy::{DefinitionId, NoAnswerReason, Outcome, QuestionId, Request, Timestamp};
use innsyn_proto::convert::encode_question;
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::node::v1::settings_service_client::SettingsServiceClient;
use prost::Message as _;
use rand::RngExt as _;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::GatewaySettings;
use crate::gateway::everyone::{Called, Everyone};

/// What the person has said of one definition last, and where that is in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it is a yes or no to.
    pub definition: DefinitionId,
    /// Whether it stands.
    pub active: bool,
    /// Since when.
    pub since: Timestamp,
    /// Until when, if that was said.
    pub until: Option<Timestamp>,
    /// Orders what was said.
    pub sequence: i64,
    /// Registers where it is in effect.
    pub effective_at: usize,
    /// Registers where it is to be.
    pub registers: usize,
}

/// What became of the question at one register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtRegister {
    /// The register's position in the catalogue.
    pub position: usize,
    /// `Ok` where it answered: whether it knows that it has every setting.
    pub answer: Result<bool, Outcome>,
}

/// The answer of every register, put together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// In the order of the definitions' ids.
    pub settings: Vec<Standing>,
    /// One for each register, in the catalogue's order.
    pub registers: Vec<AtRegister>,
}

impl GatewaySettings {
    /// Asks every register what `request`'s subject has said there.
    pub async fn list(&self, everyone: &Everyone, request: &Request, deadline: Duration) -> Listed {
        let id = QuestionId(self.changing.lock().await.random.random());
        let deadline_ms = u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX);
        let question = encode_question(id, 1, request, deadline_ms);
        let calls = everyone.call(Instant::now() + deadline, move |_, channel| {
            let question = node::Question::decode(question.clone());
            async move {
                let question = question.map_err(|_| Status::internal("no question"))?;
                let asked = node::ListSettingsRequest {
                    question: Some(question),
                };
                let mut agent = SettingsServiceClient::new(channel);
                agent
                    .list_settings(asked)
                    .await
                    .map(tonic::Response::into_inner)
            }
        });
        let mut calls = std::pin::pin!(calls);
        let mut listed = Listed::default();
        let mut said: BTreeMap<DefinitionId, Vec<node::SaidSetting>> = BTreeMap::new();
        while let Some((position, called)) = calls.next().await {
            let answer = match called {
                Called::Answered(answer) => {
                    for setting in answer.settings {
                        let Ok(id) = <[u8; 16]>::try_from(&*setting.definition) else {
                            continue;
                        };
                        let of = said.entry(DefinitionId::from_bytes(id)).or_default();
                        of.push(setting);
                    }
                    Ok(answer.is_current)
                }
                Called::Silent(outcome) => Err(outcome),
                Called::Refused(status) => Err(Outcome::NoAnswer(match status.code() {
                    Code::Unimplemented => NoAnswerReason::Unresponsive,
                    _ => NoAnswerReason::Refused,
                })),
            };
            listed.registers.push(AtRegister { position, answer });
        }
        listed.registers.sort_by_key(|at| at.position);
        listed.settings = said
            .into_iter()
            .filter_map(|(definition, all)| self.standing(definition, &all))
            .collect();
        listed
    }

    /// What was said last of `definition`, of `all` that registers told.
    fn standing(&self, definition: DefinitionId, all: &[node::SaidSetting]) -> Option<Standing> {
        let last = all.iter().max_by_key(|said| said.sequence)?;
        let holds = |said: &&node::SaidSetting| {
            (said.sequence, said.active) == (last.sequence, last.active)
        };
        let defined = self.definitions.get(&definition);
        let of = |register: &&innsyn_policy::RegisterId| {
            defined.is_some_and(|defined| defined.holds_at(register))
        };
        Some(Standing {
            definition,
            active: last.active,
            since: Timestamp::from_micros(last.since_micros),
            until: last.until_micros.map(Timestamp::from_micros),
            sequence: last.sequence,
            effective_at: all.iter().filter(holds).count(),
            registers: self.registers.iter().filter(of).count(),
        })
    }
}
