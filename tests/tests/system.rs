//! Stories about the whole system, in one binary.
//!
//! With the feature `external` come those that need programs beyond Rust: `tests/run` installs
//! them, and Python's packages into `.venv`.

// `cfg(test)` tells clippy that helpers may unwrap here too.
#[cfg(test)]
mod system {
    mod absent;
    mod asked_agents;
    mod attacks;
    mod bad_input;
    #[cfg(feature = "external")]
    mod blindness;
    #[cfg(feature = "external")]
    mod browser;
    #[cfg(feature = "external")]
    mod catalogue_rdf;
    mod check;
    mod clerk;
    #[cfg(feature = "external")]
    mod clients;
    mod country;
    mod crash;
    mod demo;
    mod dependencies;
    mod dev;
    mod dialogs;
    #[cfg(feature = "external")]
    mod differential;
    mod equal_bytes;
    mod examples;
    #[cfg(feature = "external")]
    mod exchange;
    mod federation;
    mod fleet;
    #[cfg(feature = "external")]
    mod flight_sql;
    mod heads;
    mod insight;
    mod late;
    mod ledger;
    #[cfg(feature = "external")]
    mod ledger_postgres;
    #[cfg(feature = "external")]
    mod log_down;
    mod log_reading;
    #[cfg(feature = "external")]
    mod notices;
    mod open_load;
    mod outcomes;
    mod permits;
    #[cfg(feature = "external")]
    mod pooled;
    #[cfg(feature = "external")]
    mod postgres;
    #[cfg(feature = "external")]
    mod postgres_agent;
    #[cfg(feature = "external")]
    mod postgres_research;
    mod programs;
    mod pvk;
    mod registers_down;
    mod relay_down;
    mod representation;
    mod research;
    mod research_crash;
    #[cfg(feature = "external")]
    mod research_python;
    mod reservation;
    #[cfg(feature = "external")]
    mod sealed_mailbox;
    mod settings;
    mod sizes;
    mod steward;
    mod tampered_mailbox;
    mod trust;
    mod truth;
    mod tunnel;
    mod uses;
    mod weakened;
    mod witnesses;
}
