//! Generates the code again, and compares.

use std::fs;
use std::path::Path;

use prost::Message as _;

const FILES: &[&str] = &[
    "innsyn/types/v1/types.proto",
    "innsyn/types/v1/cases.proto",
    "innsyn/types/v1/insight.proto",
    "innsyn/types/v1/paper.proto",
    "innsyn/citizen/v1/citizen.proto",
    "innsyn/citizen/v1/uses.proto",
    "innsyn/citizen/v1/cases.proto",
    "innsyn/citizen/v1/insight.proto",
    "innsyn/node/v1/node.proto",
    "innsyn/node/v1/insight.proto",
    "innsyn/node/v1/cases.proto",
    "innsyn/node/v1/compute.proto",
    "innsyn/node/v1/settings.proto",
    "innsyn/relay/v1/mailbox.proto",
    "innsyn/citizen/v1/settings.proto",
    "innsyn/node/v1/uses.proto",
    "innsyn/node/v1/witness.proto",
    "innsyn/research/v1/catalogue.proto",
    "innsyn/research/v1/query.proto",
    "innsyn/research/v1/research.proto",
];

/// Messages that hold a national id get no derived Debug; see `wire.rs`.
const WITHOUT_DEBUG: &[&str] = &[
    "innsyn.node.v1.Question",
    "innsyn.node.v1.ComputeRequest",
    "innsyn.node.v1.ListSettingsRequest",
    "innsyn.node.v1.ListSettingsResponse",
    "innsyn.citizen.v1.ChangeSettingRequest",
    "innsyn.citizen.v1.ListSettingsRequest",
    "innsyn.citizen.v1.ListSettingsResponse",
    "innsyn.node.v1.ListUsesRequest",
    "innsyn.node.v1.ShownUse",
    "innsyn.node.v1.CountedUse",
    "innsyn.node.v1.ListUsesResponse",
    "innsyn.research.v1.RunRequest",
    "innsyn.research.v1.LedgerRequest",
    "innsyn.citizen.v1.ListRegistrationsRequest",
    "innsyn.citizen.v1.ListUsesRequest",
    "innsyn.citizen.v1.ListUsesResponse",
    "innsyn.citizen.v1.RegisterUses",
    "innsyn.citizen.v1.UsesProof",
    "innsyn.citizen.v1.Use",
    "innsyn.types.v1.CaseAttachment",
    "innsyn.types.v1.CaseStep",
    "innsyn.node.v1.CaseWords",
    "innsyn.node.v1.Notice",
    "innsyn.citizen.v1.OpenCaseRequest",
    "innsyn.citizen.v1.AddMessageRequest",
    "innsyn.citizen.v1.AppealCaseRequest",
    "innsyn.citizen.v1.ListCasesRequest",
    "innsyn.citizen.v1.GetCaseRequest",
    "innsyn.node.v1.ShowInsightRequest",
    "innsyn.node.v1.ShowInsightResponse",
    "innsyn.citizen.v1.GetInsightRequest",
    "innsyn.citizen.v1.GetInsightResponse",
    "innsyn.citizen.v1.RegisterInsight",
    "innsyn.types.v1.InsightTable",
    "innsyn.types.v1.InsightRow",
    "innsyn.types.v1.SaidOnPaper",
    "innsyn.citizen.v1.FindMessageRequest",
];

/// Writes the code that the .proto files say into the folder `out`.
fn generate(out: &Path) {
    let descriptors = protox::compile(FILES, [env!("CARGO_MANIFEST_DIR")]).unwrap();
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec()).unwrap();
    tonic_prost_build::configure()
        .bytes(".innsyn.node.v1")
        .bytes(".innsyn.relay.v1")
        .skip_debug(WITHOUT_DEBUG)
        .out_dir(out)
        .compile_fds(descriptors)
        .unwrap();
}

#[test]
fn the_generated_code_is_what_the_proto_files_say() {
    let kept = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/generated"));
    let out = tempfile::tempdir().unwrap();
    generate(out.path());
    for entry in fs::read_dir(out.path()).unwrap() {
        let name = entry.unwrap().file_name();
        let new = fs::read(out.path().join(&name)).unwrap();
        if std::env::var_os("REGENERATE").is_some() {
            fs::write(kept.join(&name), &new).unwrap();
        }
        assert!(
            fs::read(kept.join(&name)).ok() == Some(new),
            "{} is not what the .proto files say; run the tests with REGENERATE=1",
            name.display()
        );
    }
}
