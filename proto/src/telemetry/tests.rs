//! The cap on others' logs.

use std::io;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(filter: &str, format: LogFormat) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let config = TelemetryConfig {
        filter: filter.to_owned(),
        format,
    };
    let subscriber = subscriber(&config, move || writer.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        tracing::trace!(target: "h2::codec", "h2 trace");
        tracing::debug!(target: "hyper_util::client", "hyper debug");
        tracing::info!(target: "tonic::transport", "tonic info");
        tracing::warn!(target: "rustls::conn", "rustls warn");
        tracing::trace!(target: "innsyn_broker::gateway", "our trace");
        tracing::info!(target: "innsyn_broker::gateway", "our info");
    });
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn no_filter_lifts_the_cap_on_libraries() {
    for filter in ["trace", "trace,h2=trace,hyper_util=trace", "h2=trace"] {
        let written = written(filter, LogFormat::Text);
        assert!(!written.contains("h2 trace"), "{filter}: {written}");
        assert!(!written.contains("hyper debug"), "{filter}: {written}");
    }
    let written = written("trace", LogFormat::Text);
    for line in ["tonic info", "rustls warn", "our trace", "our info"] {
        assert!(written.contains(line), "{line} is not in {written}");
    }
}

#[test]
fn the_filter_narrows_and_json_is_one_object_per_line() {
    let written = written("warn,innsyn_broker=info", LogFormat::Json);

    let lines: Vec<serde_json::Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let messages: Vec<_> = lines.iter().map(|l| &l["fields"]["message"]).collect();
    assert_eq!(messages, ["rustls warn", "our info"]);
}

#[test]
fn a_filter_that_is_none_is_named() {
    let config = TelemetryConfig {
        filter: "innsyn=loud".to_owned(),
        ..TelemetryConfig::default()
    };

    let Err(error) = subscriber(&config, io::stderr) else {
        panic!("it is no filter");
    };
    assert!(error.to_string().contains("`innsyn=loud`"));
}
