//! Stories about the whole system, in one binary.
//!
//! With the feature `external` come those that need programs beyond Rust: `tests/run` installs
//! them, and Python's packages into `.venv`.

// `cfg(test)` tells clippy that helpers may unwrap here too.
#[cfg(test)]
mod system {
    mod bad_input;
    #[cfg(feature = "external")]
    mod clients;
    mod country;
    #[cfg(feature = "external")]
    mod blindness;
    mod dependencies;
    mod examples;
    mod federation;
    mod outcomes;
    #[cfg(feature = "external")]
    mod browser;
    mod check;
    mod demo;
    mod dev;
    #[cfg(feature = "external")]
    mod postgres;
    mod programs;
    mod trust;
    mod truth;
    mod sizes;
    mod crash;
    mod fleet;
    #[cfg(feature = "external")]
    mod log_down;
    mod log_reading;
    mod open_load;
    #[cfg(feature = "external")]
    mod postgres_agent;
    mod registers_down;
    mod relay_down;
    mod tunnel;
}
