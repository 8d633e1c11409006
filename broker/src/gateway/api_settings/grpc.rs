//! The gRPC face of settings.

use std::sync::Arc;

use innsyn_policy::setting::definition::Scope;
use innsyn_policy::{Purpose, SettingDefinition, SettingKind};
use innsyn_proto::convert::{outcome_to_wire, purpose_to_wire};
use innsyn_proto::wire::citizen::v1 as wire;
use innsyn_proto::wire::citizen::v1::setting_service_server::SettingService;
use innsyn_proto::wire::types::v1::{Channel, Reason};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::{Wanted, refusal};
use crate::gateway::face::CitizenFace;
use crate::gateway::settings::{AtRegister, Listed, Standing};

/// The service, over a face that the HTTP routes share.
pub(in crate::gateway) struct GrpcSettings(pub(in crate::gateway) Arc<CitizenFace>);

#[tonic::async_trait]
impl SettingService for GrpcSettings {
    async fn list_setting_definitions(
        &self,
        request: Request<wire::ListSettingDefinitionsRequest>,
    ) -> Result<Response<wire::ListSettingDefinitionsResponse>, Status> {
        let headers = request.metadata().as_ref();
        self.0.admit(headers, Instant::now()).await?;
        let definitions = self.0.settings()?.definitions();
        Ok(Response::new(wire::ListSettingDefinitionsResponse {
            definitions: definitions.iter().map(|it| definition(it)).collect(),
        }))
    }

    async fn change_setting(
        &self,
        request: Request<wire::ChangeSettingRequest>,
    ) -> Result<Response<wire::ChangeSettingResponse>, Status> {
        let arrived = Instant::now();
        let admitted = self.0.admit(request.metadata().as_ref(), arrived).await?;
        let request = request.into_inner();
        let (asked, _) = self.0.asked(&admitted, &request.national_id, None)?;
        let wanted = Wanted {
            definition: &request.definition_id,
            text_version: request.text_version,
            active: request.active,
            until: request.until,
            change_id: request.change_id.as_slice().try_into().ok(),
        };
        let wish = wanted.read().map_err(|refusal| self.0.refused(refusal))?;
        let settings = self.0.settings()?;
        let proof = &request.representation_proof;
        let changed = settings.change_with(&asked, wish, proof).await;
        let changed = changed.map_err(|error| self.0.refused(refusal(error)))?;
        Ok(Response::new(wire::ChangeSettingResponse {
            sequence: changed.sequence,
            registers: u32::try_from(changed.registers).unwrap_or(u32::MAX),
        }))
    }

    async fn list_settings(
        &self,
        request: Request<wire::ListSettingsRequest>,
    ) -> Result<Response<wire::ListSettingsResponse>, Status> {
        let arrived = Instant::now();
        let admitted = self.0.admit(request.metadata().as_ref(), arrived).await?;
        let request = request.into_inner();
        let (asked, deadline) =
            self.0
                .asked(&admitted, &request.national_id, request.deadline_ms)?;
        let listed = self
            .0
            .settings()?
            .list(self.0.everyone(), &asked, deadline)
            .await;
        Ok(Response::new(to_wire(&self.0, &listed)))
    }
}

/// A definition as both faces tell it.
pub(super) fn definition(definition: &SettingDefinition) -> wire::SettingDefinition {
    let purposes = definition.covers.purposes();
    wire::SettingDefinition {
        id: definition.id.to_string(),
        part_code: definition.part.to_string(),
        register_id: match &definition.scope {
            Scope::National => String::new(),
            Scope::Register(id) => id.to_string(),
        },
        kind: match definition.kind {
            SettingKind::Consent => wire::SettingKind::Consent,
            SettingKind::Reservation => wire::SettingKind::Reservation,
            SettingKind::Block => wire::SettingKind::Block,
        }
        .into(),
        purposes: purposes
            .map(|it: Purpose| purpose_to_wire(it).into())
            .collect(),
        name: definition.name_nb.clone(),
        name_en: definition.name_en.clone(),
        legal_ground: definition.legal_ground.clone(),
        text_version: definition.text_version,
        may_end: definition.may_end,
    }
}

/// What was listed, as both faces tell it.
pub(super) fn to_wire(face: &CitizenFace, listed: &Listed) -> wire::ListSettingsResponse {
    wire::ListSettingsResponse {
        settings: listed.settings.iter().map(standing).collect(),
        registers: listed
            .registers
            .iter()
            .map(|at| at_register(face, at))
            .collect(),
    }
}

fn standing(standing: &Standing) -> wire::StandingSetting {
    let count = |registers| u32::try_from(registers).unwrap_or(u32::MAX);
    let (register, paper) = standing.paper.clone().unzip();
    let channel = match paper {
        Some(_) => Channel::Analogue,
        None => Channel::Digital,
    };
    wire::StandingSetting {
        definition_id: standing.definition.to_string(),
        active: standing.active,
        since: standing.since.as_seconds(),
        until: standing.until.map(innsyn_policy::Timestamp::as_seconds),
        sequence: standing.sequence,
        effective_at: count(standing.effective_at),
        registers: count(standing.registers),
        channel: channel.into(),
        paper,
        register_id: register.map(|id| id.to_string()).unwrap_or_default(),
    }
}

fn at_register(face: &CitizenFace, at: &AtRegister) -> wire::SettingsAtRegister {
    let entry = face.catalogue().entries().get(at.position);
    let reason = match &at.answer {
        Ok(_) => Reason::Unspecified,
        Err(outcome) => outcome_to_wire(outcome).1,
    };
    wire::SettingsAtRegister {
        register_id: entry.map(|it| it.wire.id.clone()).unwrap_or_default(),
        answered: at.answer.is_ok(),
        is_current: at.answer == Ok(true),
        reason: reason.into(),
    }
}
