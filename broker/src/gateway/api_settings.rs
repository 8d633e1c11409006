//! Settings for citizens: `innsyn.citizen.v1.SettingService`, and the same in JSON.
//!
//! Both faces read a [`Wish`](super::settings::Wish) from the wire, and both write what
//! [`GatewaySettings`](super::settings::GatewaySettings) says.

pub(super) mod grpc;
pub(super) mod http;

use innsyn_policy::{DefinitionId, Timestamp};
use innsyn_proto::setting::ChangeId;

use super::refusal::Refusal;
use super::settings::{ChangeError, Wish};

/// What a caller wants changed, as either face has read it.
struct Wanted<'a> {
    definition: &'a str,
    text_version: u32,
    active: bool,
    until: Option<i64>,
    change_id: Option<[u8; 16]>,
}

impl Wanted<'_> {
    fn read(self) -> Result<Wish, Refusal> {
        let definition = DefinitionId::parse(self.definition);
        let id = self.change_id.filter(|id| *id != [0; 16]);
        Ok(Wish {
            id: ChangeId(id.ok_or(Refusal::ChangeId)?),
            definition: definition.map_err(|_| Refusal::SettingUnknown)?,
            text_version: self.text_version,
            active: self.active,
            until: self.until.map(Timestamp::from_seconds),
        })
    }
}

/// What the caller is told; the rest is for the operator.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn refusal(error: ChangeError) -> Refusal {
    match &error {
        ChangeError::UnknownDefinition => Refusal::SettingUnknown,
        ChangeError::OtherText => Refusal::SettingTextChanged,
        ChangeError::End => Refusal::SettingEnd,
        ChangeError::NotForSettings => Refusal::NotForSettings,
        ChangeError::Proof => Refusal::RepresentationProof,
        ChangeError::NeverMet => Refusal::SettingRegisterNotConnected,
        ChangeError::Outbox(error) => {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "a setting cannot be kept");
            Refusal::SettingsUnavailable
        }
    }
}
