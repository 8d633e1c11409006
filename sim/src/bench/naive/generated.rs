//! Generates the naive design's code again, and compares.

use std::fs;
use std::path::Path;

#[test]
fn the_generated_code_is_what_the_proto_file_says() {
    let sim = Path::new(env!("CARGO_MANIFEST_DIR"));
    let descriptors = protox::compile(["naive.proto"], [sim.join("proto")]).unwrap();
    let out = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .out_dir(out.path())
        .compile_fds(descriptors)
        .unwrap();
    let new = fs::read_to_string(out.path().join("innsyn.sim.naive.rs")).unwrap();
    let kept = sim.join("generated/innsyn.sim.naive.rs");
    if std::env::var_os("REGENERATE").is_some() {
        fs::write(&kept, &new).unwrap();
    }
    assert!(
        fs::read_to_string(kept).unwrap() == new,
        "the code is not what the .proto file says; run the tests with REGENERATE=1"
    );
}
