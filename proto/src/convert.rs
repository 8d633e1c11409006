//! The only border crossing between the wire and the policy's types.
//!
//! What comes in is checked here once; an unspecified enum or an absent oneof is refused.

mod answer;
mod case;
mod denied;
mod outcome;
mod purpose;
mod question;
mod register;
mod uses;

#[cfg(test)]
mod tests;

pub use answer::{NodeAnswer, ReadAnswerError, answer_from_wire, answer_to_wire};
pub use case::{
    case_act_to_wire, case_kind_from_wire, case_kind_to_wire, case_party_to_wire,
    case_state_to_wire, case_summary_to_wire,
};
pub use denied::denied_word;
pub use outcome::{ReadOutcomeError, outcome_from_node, outcome_to_wire};
pub use purpose::{purpose_from_wire, purpose_to_wire};
pub use question::{
    NodeQuestion, QUESTION_STEP_BYTES, ReadQuestionError, encode_question, question_from_wire,
    question_to_wire,
};
pub use register::{kind_from_wire, kind_to_wire, legal_basis_to_wire};
pub use uses::{
    ReadUsesError, UsesHead, counted_from_wire, membership_to_wire, path_from_wire, path_to_wire,
    shown_from_wire, uses_head_from_wire,
};
