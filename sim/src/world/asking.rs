//! What the people of a world ask with: tokens and the researcher's data permit.

use anyhow::Context as _;
use innsyn_policy::Timestamp;
use innsyn_policy::data_permit::Terms;

use super::World;
use crate::caller::Question;
use crate::country::Asking;
use crate::permit;
use crate::population::Person;
use crate::sts::Researcher;

impl World {
    /// The invented researcher.
    pub fn researcher(&self) -> anyhow::Result<Person> {
        let researcher = self.country.person(permit::RESEARCHER);
        researcher.context("the country has nobody; invent it anew")
    }

    /// A token of the invented researcher that is good from `now`.
    pub fn researcher_token(
        &self,
        now: Timestamp,
        random: &mut impl rand::Rng,
    ) -> anyhow::Result<String> {
        let researcher = Researcher {
            person: &self.researcher()?,
            organisation: permit::ORGANISATION,
        };
        Ok(self.sts.researcher_token(&researcher, now, random)?)
    }

    /// The invented researcher's data permit over all registers and views, for a year from `now`.
    pub fn data_permit(&self, now: Timestamp) -> anyhow::Result<String> {
        let researcher = self.researcher()?.id;
        self.permits
            .permit(&self.country.registers, researcher, now)
    }

    /// The same permit with its terms changed.
    pub fn data_permit_with(
        &self,
        now: Timestamp,
        change: impl FnOnce(&mut Terms),
    ) -> anyhow::Result<String> {
        let researcher = self.researcher()?.id;
        let registers = &self.country.registers;
        let mut terms = self.permits.terms(registers, researcher, now)?;
        change(&mut terms);
        self.permits.sign(terms)
    }

    /// What `asking` sends to the gateway at `now`: the id asked about, and a fresh token.
    pub fn question(
        &self,
        asking: &Asking,
        now: Timestamp,
        random: &mut impl rand::Rng,
    ) -> anyhow::Result<Question> {
        let token = self.sts.token(&asking.grant(), now, random)?;
        Ok(Question {
            national_id: asking.subject.id.expose_str().to_owned(),
            authorization: format!("Bearer {token}").parse()?,
            deadline_ms: None,
            omit_catalogue: false,
        })
    }
}
