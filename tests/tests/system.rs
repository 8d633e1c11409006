//! Stories about the whole system, in one binary.
//!
//! With the feature `external` come those that need programs beyond Rust: `tests/run` installs
//! them, and Python's packages into `.venv`.

// `cfg(test)` tells clippy that helpers may unwrap here too.
#[cfg(test)]
mod system {
    #[cfg(feature = "external")]
    mod browser;
    mod check;
    mod demo;
    mod dependencies;
    mod dev;
    #[cfg(feature = "external")]
    mod postgres;
    mod tunnel;
}
