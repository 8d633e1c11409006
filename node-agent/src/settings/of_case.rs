//! A blocking or reservation that the register has accepted in a dialog becomes a setting.

use std::sync::Arc;

use futures::future::BoxFuture;
use innsyn_policy::setting::definition::Scope;
use innsyn_policy::{CaseKind, NationalId, Organisation, SettingDefinition, SettingKind};
use innsyn_proto::case_receipt::CaseId;
use innsyn_proto::setting::{ActedAs, Change, ChangeId};

use super::keeper::Keeper;
use super::kept::Writer;
use crate::cases::{BecomeError, BecomesSetting};

/// Makes settings of accepted cases, by the register's own definition of that kind.
#[derive(Debug, Clone)]
pub struct OfCases(pub Arc<Keeper>);

impl OfCases {
    /// The register's own definition of `kind`, that is not written elsewhere; none where it has
    /// none, or more than one.
    fn definition(&self, kind: SettingKind) -> Option<&SettingDefinition> {
        let elsewhere = self.0.kept().elsewhere();
        let own = |it: &&Arc<SettingDefinition>| {
            it.kind == kind
                && matches!(&it.scope, Scope::Register(id) if id == self.0.register())
                && !elsewhere.writes(&it.id)
        };
        let mut definitions = self.0.kept().definitions().iter().filter(own);
        let only = definitions.next()?;
        definitions.next().is_none().then_some(only)
    }
}

impl BecomesSetting for OfCases {
    fn become_setting(
        &self,
        person: NationalId,
        kind: CaseKind,
        case: CaseId,
    ) -> BoxFuture<'_, Result<(), BecomeError>> {
        Box::pin(async move {
            let kind = match kind {
                CaseKind::Blocking => SettingKind::Block,
                CaseKind::Reservation => SettingKind::Reservation,
                CaseKind::Insight | CaseKind::Correction | CaseKind::Deletion => {
                    return Err(BecomeError::NotDefined);
                }
            };
            let definition = self.definition(kind).ok_or(BecomeError::NotDefined)?;
            let organisation = Organisation::parse("register");
            let change = Change {
                // The case's own name: accepted again after a crash, it is the same change.
                id: ChangeId(case.0),
                definition: definition.id,
                text_version: definition.text_version,
                person,
                by: person,
                organisation: organisation.map_err(|_| BecomeError::NotDefined)?,
                acted_as: ActedAs::Own,
                sequence: self.0.now().as_micros(),
                active: true,
                until: None,
            };
            let taken = self.0.take_change(&Writer::Case, &change).await;
            taken.map_err(|error| BecomeError::Unavailable(Box::new(error)))
        })
    }
}
