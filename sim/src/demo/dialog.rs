//! The demo's citizen has a dialog with a register: a request, its receipt, and an answer by the
//! register's case handler, who uses the same command as a real one.

use anyhow::Context as _;
use innsyn_proto::case_receipt::CaseReceipt;
use innsyn_proto::wire::types::v1::CaseKind;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::somebody::Somebody;
use super::{DEAD, SLOW, print};
use crate::caller::Letter;
use crate::processes::Starter;

/// What the citizen asks for.
const ASKED: &str = "Adressen min er gammel. Kan dere rette den?";
/// What the case handler answers.
const ANSWER: &str = "Vi har rettet den. Takk for at du sa fra.";

/// Asks one of the person's registers for a correction, has it answered, and reads the answer.
pub(super) async fn there_and_back(
    somebody: &Somebody<'_>,
    starter: &Starter,
) -> anyhow::Result<()> {
    let register = register(somebody)?;
    let (world, caller) = (somebody.world, &somebody.caller);
    let mut random: StdRng = rand::make_rng();
    let letter = Letter {
        register: &register,
        id: random.random(),
        text: ASKED,
    };
    let began = Instant::now();
    let line = print::Dialog { began };
    print::Dialog::begins(&register);
    line.says("the person", &format!("asks for a correction: «{ASKED}»"));
    let question = somebody.question()?;
    let kind = CaseKind::Correction;
    let opened = caller.open_case(&question, kind, letter).await?;
    let receipt = CaseReceipt::read_unchecked(&opened.receipt)?;
    let due = receipt.due;
    line.says(
        &register,
        &format!("receipt, signed; the law gives it until {due}"),
    );

    let case = receipt.case.to_string();
    let handle =
        async |args: &[&str], says: &str| starter.case_handler(world, &register, args, says).await;
    let listed = handle(&["list"], "").await?;
    anyhow::ensure!(listed.contains(&case), "the register has no such case");
    handle(&["begin", &case], "").await?;
    line.says("case handler", "finds it in `cases list`, and begins");
    let answer = ["answer", &case, "--verdict", "accepted", "--text", "-"];
    handle(&answer, ANSWER).await?;
    line.says("case handler", &format!("accepted: «{ANSWER}»"));

    let seen = caller.case(&question, &register, &receipt.case.0).await?;
    let summary = seen.summary.unwrap_or_default();
    let state = print::state(summary.state());
    let last = seen.steps.last().context("a case without steps")?;
    let steps = seen.steps.len();
    let words = format!("sees {state}, in {steps} steps: «{}»", last.text);
    line.says("the person", &words);
    print::Dialog::ends(&register);
    Ok(())
}

/// A register that the person is in, and whose agent is up and not slow.
fn register(somebody: &Somebody<'_>) -> anyhow::Result<String> {
    let country = &somebody.world.country;
    let records = country.records_of(somebody.asking.subject.number);
    let mut registers = country
        .registers
        .iter()
        .enumerate()
        .filter(|(at, _)| records.iter().any(|record| record.register == *at))
        .map(|(_, register)| register.id().as_str())
        .filter(|id| *id != DEAD && SLOW.iter().all(|(slow, _)| slow != id))
        .filter(|id| somebody.world.live().any(|live| live.id().as_str() == *id));
    let register = registers.next();
    Ok(register.context("the person is in no register")?.to_owned())
}
