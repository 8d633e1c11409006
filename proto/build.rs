//! Compiles the .proto files without `protoc`.

use std::path::PathBuf;

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "innsyn/types/v1/types.proto",
        "innsyn/citizen/v1/citizen.proto",
        "innsyn/node/v1/node.proto",
        "innsyn/research/v1/catalogue.proto",
        "innsyn/research/v1/query.proto",
    ];
    for file in files {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    // Messages that hold a national id get no derived Debug; see `wire.rs`.
    tonic_prost_build::configure()
        .bytes(".innsyn.node.v1")
        .skip_debug([
            "innsyn.node.v1.Question",
            "innsyn.citizen.v1.ListRegistrationsRequest",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}
