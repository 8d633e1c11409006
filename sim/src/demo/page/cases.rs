//! A person's dialogs with registers: their cases everywhere, a new one, and one with all that was
//! said. In the demo, whoever looks can also answer as the register's case handler does.

mod one;
mod render;

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse as _, Response};
use innsyn_proto::case_receipt::CaseId;
use innsyn_proto::wire::types::v1::CaseKind;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde::Deserialize;

use super::visit::{Chosen, Visit};
use crate::caller::Letter;
use crate::demo::words::cases::KINDS;
use crate::processes::Starter;
use crate::world::World;

/// What the form of a new case sends.
#[derive(Deserialize)]
pub(super) struct Opening {
    #[serde(flatten)]
    chosen: Chosen,
    register: String,
    kind: String,
    /// Names the message: a page that is sent again does nothing twice.
    message: String,
    text: String,
}

/// Which case is looked at.
#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(flatten)]
    chosen: Chosen,
    register: String,
    case: String,
}

/// What the form of a message or an appeal sends.
#[derive(Deserialize)]
pub(super) struct More {
    #[serde(flatten)]
    chosen: Chosen,
    register: String,
    case: String,
    message: String,
    act: ActForm,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ActForm {
    Message,
    Appeal,
}

/// What the case handler's form sends.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(flatten)]
    chosen: Chosen,
    register: String,
    case: String,
    verdict: Verdict,
    text: String,
}

/// What is decided, as `innsyn-agent cases answer` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Accepted,
    Partly,
    Refused,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Partly => "partly",
            Self::Refused => "refused",
        }
    }
}

/// What has just become of a case.
#[derive(Debug)]
enum Done {
    /// It is looked at.
    Nothing,
    /// The register has what was said; what it signed.
    Delivered(String),
    /// The case handler has answered; what their command said.
    Answered(String),
    /// It was not done.
    Not(anyhow::Error),
}

/// The cases at every register, and a form for a new one.
pub(super) async fn list(State(world): State<Arc<World>>, Form(chosen): Form<Chosen>) -> Response {
    match Visit::begin(&world, chosen).await {
        Ok(visit) => listed(&world, &visit, None).await,
        Err(page) => *page,
    }
}

async fn listed(world: &World, visit: &Visit, error: Option<anyhow::Error>) -> Response {
    let cases = visit.caller.cases(&visit.question).await;
    let cases = cases.map_err(anyhow::Error::from);
    let page = render::cases(world, visit, cases, error.as_ref(), &new_name());
    Html(page.into_string()).into_response()
}

/// Opens a case, and shows it.
pub(super) async fn open(
    State(world): State<Arc<World>>,
    Form(opening): Form<Opening>,
) -> Response {
    let visit = match Visit::begin(&world, opening.chosen).await {
        Ok(visit) => visit,
        Err(page) => return *page,
    };
    let kind = KINDS.iter().find(|(_, name)| *name == opening.kind);
    let kind = kind.map_or(CaseKind::Unspecified, |(kind, _)| *kind);
    let letter = Letter {
        register: &opening.register,
        id: name(&opening.message),
        text: &opening.text,
    };
    let opened = visit.caller.open_case(&visit.question, kind, letter).await;
    match opened {
        Ok(opened) => {
            let (case, done) = (opened.summary.case_id, Done::Delivered(opened.receipt));
            shown(&world, &visit, &opening.register, &case, done).await
        }
        Err(error) => listed(&world, &visit, Some(error.into())).await,
    }
}

/// One case.
pub(super) async fn one(State(world): State<Arc<World>>, Form(which): Form<Which>) -> Response {
    let visit = match Visit::begin(&world, which.chosen).await {
        Ok(visit) => visit,
        Err(page) => return *page,
    };
    let case = name(&which.case);
    shown(&world, &visit, &which.register, &case, Done::Nothing).await
}

/// Adds a message or appeals, and shows the case.
pub(super) async fn say(State(world): State<Arc<World>>, Form(more): Form<More>) -> Response {
    let visit = match Visit::begin(&world, more.chosen).await {
        Ok(visit) => visit,
        Err(page) => return *page,
    };
    let case = name(&more.case);
    let letter = Letter {
        register: &more.register,
        id: name(&more.message),
        text: &more.text,
    };
    let (caller, question) = (&visit.caller, &visit.question);
    let delivered = match more.act {
        ActForm::Message => caller.add_message(question, &case, letter).await,
        ActForm::Appeal => caller.appeal_case(question, &case, letter).await,
    };
    let done = match delivered {
        Ok(delivered) => Done::Delivered(delivered.receipt),
        Err(error) => Done::Not(error.into()),
    };
    shown(&world, &visit, &more.register, &case, done).await
}

/// Answers as the register's case handler, with the command that a real one uses.
pub(super) async fn answer(
    State(world): State<Arc<World>>,
    Form(answer): Form<Answer>,
) -> Response {
    let visit = match Visit::begin(&world, answer.chosen).await {
        Ok(visit) => visit,
        Err(page) => return *page,
    };
    let case = name(&answer.case);
    let answered = async {
        let known = world
            .live()
            .any(|live| live.id().as_str() == answer.register);
        anyhow::ensure!(known, "no register with an agent is called so");
        let id = CaseId(case).to_string();
        let verdict = answer.verdict.name();
        let args = ["answer", &id, "--verdict", verdict, "--text", "-"];
        let starter = Starter::this_program()?;
        starter
            .case_handler(&world, &answer.register, &args, &answer.text)
            .await
    };
    let done = match answered.await {
        Ok(said) => Done::Answered(said),
        Err(error) => Done::Not(error),
    };
    shown(&world, &visit, &answer.register, &case, done).await
}

async fn shown(world: &World, visit: &Visit, register: &str, case: &[u8], done: Done) -> Response {
    let told = visit.caller.case(&visit.question, register, case).await;
    let told = told.map_err(anyhow::Error::from);
    let page = one::case(world, visit, register, told, &done, &new_name());
    Html(page.into_string()).into_response()
}

/// A name for a message that may be written.
fn new_name() -> String {
    let mut random: StdRng = rand::make_rng();
    let name: [u8; 16] = random.random();
    hex::encode(name)
}

/// A name as a form sends it; nobody's where it is none.
fn name(text: &str) -> [u8; 16] {
    let mut name = [0; 16];
    if hex::decode_to_slice(text, &mut name).is_err() {
        return [0; 16];
    }
    name
}
