//! What a person has said, and where it is in effect: asked of every register, live.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use innsyn_policy::{
    DefinitionId, NoAnswerReason, Outcome, QuestionId, RegisterId, Request, Timestamp,
};
use innsyn_proto::convert::encode_question;
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::node::v1::settings_service_client::SettingsServiceClient;
use innsyn_proto::wire::types::v1::SaidOnPaper;
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
    /// Where it was said on paper, and what there is of that; none where it came over a gateway.
    pub paper: Option<(RegisterId, SaidOnPaper)>,
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
    /// In the order of the definitions' ids; those from paper, each at its register, last.
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
        let mut papers: Vec<(usize, Standing)> = Vec::new();
        while let Some((position, called)) = calls.next().await {
            let answer = match called {
                Called::Answered(answer) => {
                    for setting in answer.settings {
                        let Ok(id) = <[u8; 16]>::try_from(&*setting.definition) else {
                            continue;
                        };
                        let id = DefinitionId::from_bytes(id);
                        if let Some(paper) = setting.paper.clone() {
                            let register = everyone.entries().get(position);
                            let register = register.map(|entry| entry.register.id.clone());
                            let at = register.map(|register| (register, paper));
                            papers.push((position, on_paper(id, &setting, at)));
                        } else {
                            said.entry(id).or_default().push(setting);
                        }
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
        papers.sort_by_key(|(position, standing)| (standing.definition, *position));
        listed
            .settings
            .extend(papers.into_iter().map(|(_, standing)| standing));
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
            paper: None,
        })
    }
}

/// What one register has from paper, which binds there alone.
fn on_paper(
    definition: DefinitionId,
    said: &node::SaidSetting,
    paper: Option<(RegisterId, SaidOnPaper)>,
) -> Standing {
    Standing {
        definition,
        active: said.active,
        since: Timestamp::from_micros(said.since_micros),
        until: said.until_micros.map(Timestamp::from_micros),
        sequence: said.sequence,
        effective_at: 1,
        registers: 1,
        paper,
    }
}
