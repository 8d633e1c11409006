//! Where an accepted blocking or reservation becomes a setting.

use futures::future::BoxFuture;
use innsyn_policy::{CaseKind, NationalId};
use innsyn_proto::case_receipt::CaseId;

/// Makes a setting of what a register has accepted. A seam: settings are kept by another part of
/// the agent.
pub trait BecomesSetting: Send + Sync + 'static {
    /// Sees to it that `person` has the setting that `case`, a [`CaseKind::Blocking`] or a
    /// [`CaseKind::Reservation`], was accepted to; it stands durably when this returns.
    ///
    /// Called again for the same case, after a crash, it changes nothing.
    fn become_setting(
        &self,
        person: NationalId,
        kind: CaseKind,
        case: CaseId,
    ) -> BoxFuture<'_, Result<(), BecomeError>>;
}

/// Why there is no such setting.
#[derive(Debug, thiserror::Error)]
pub enum BecomeError {
    /// Never: the register has no such setting. The case is not accepted.
    #[error("the register has no setting that this could become")]
    NotDefined,
    /// Not now; it is tried again.
    #[error("the settings cannot be written now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
