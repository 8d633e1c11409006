//! Programs that lack a protection, which only tests have, start only where nobody is real.

use std::fs;

use tokio::process::Command;

use super::fleet::Prepared;
use super::research::spec;

#[tokio::test]
async fn a_program_that_lacks_a_protection_does_not_start_where_people_are_real() {
    let prepared = Prepared::new(&spec(200, 9), 1);
    let world = &prepared.world;
    let gateway = world.research_gateway_config();
    let register = world.live().next().unwrap().id().to_string();
    let agent = world.agent_config(&register);
    for config in [&gateway, &agent] {
        let text = fs::read_to_string(config).unwrap();
        let real = text.replace("environment = \"test\"", "environment = \"production\"");
        assert_ne!(text, real);
        fs::write(config, real).unwrap();
    }
    for (command, config) in [
        ("weakened-research-gateway control", &gateway),
        ("weakened-research-gateway check", &gateway),
        ("weakened-research-gateway audit", &gateway),
        ("everybody-agent", &agent),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
            .args(command.split(' '))
            .arg("--config")
            .arg(config)
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(super::fleet::LONG, output).await;
        let output = output.unwrap().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{command}");
        assert!(
            errors.contains("only synthetic people"),
            "{command}: {errors}"
        );
    }
}
