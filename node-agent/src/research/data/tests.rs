//! What is published, and who is counted, over real Parquet files.

mod counted;
mod layout;
mod manifest;
mod published;
mod rows;
mod world;
