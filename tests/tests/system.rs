//! Stories about the whole system, in one binary.
//!
//! With the feature `external` come those that need programs beyond Rust: `tests/run` installs
//! them, and Python's packages into `.venv`.

// `cfg(test)` tells clippy that helpers may unwrap here too.
#[cfg(test)]
mod system {
    mod crash;
    mod dependencies;
    mod fleet;
    #[cfg(feature = "external")]
    mod log_down;
    mod log_reading;
    mod open_load;
    #[cfg(feature = "external")]
    mod postgres;
    #[cfg(feature = "external")]
    mod postgres_agent;
    mod registers_down;
    mod relay_down;
    mod tunnel;
}
