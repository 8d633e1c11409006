//! What the agent signs of others' logs, and what it remembers.

use innsyn_policy::{ManualClock, Timestamp};
use innsyn_proto::head::HeadSigner;
use innsyn_proto::witnessing::{read_granted, read_seen};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;
use tlog_tiles::{Hash, HashReader, prove_tree, stored_hashes, tree_hash};

use super::*;
use crate::presence::Peer;
use crate::uselog::{LogKeys, SimDisk, UseLog, UseLogConfig};

struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let at = |i: &u64| self.0[usize::try_from(*i).unwrap()];
        Ok(indexes.iter().map(at).collect())
    }
}

/// A log of 40 entries; two of different `variant` have no entry in common.
fn log_of(variant: u8) -> Stored {
    let mut log = Stored(Vec::new());
    for n in 0..40 {
        let more = stored_hashes(n, &[variant, u8::try_from(n).unwrap()], &log).unwrap();
        log.0.extend(more);
    }
    log
}

fn kreft() -> HeadSigner {
    HeadSigner::from_seed("innsyn/kreft", [1; 32]).unwrap()
}

/// A request of whoever knows the log to have `old` entries, for its head of `size`.
fn asks(log: &Stored, old: u64, size: u64, signer: &HeadSigner) -> wire::AddCheckpointRequest {
    let proof = match old {
        0 => Vec::new(),
        _ => prove_tree(size, old, log).unwrap(),
    };
    let root = tree_hash(size, log).unwrap().0;
    let asked = AddCheckpoint {
        old,
        proof: proof.into_iter().map(|hash| hash.0).collect(),
        checkpoint: SignedHead::sign(size, root, signer).unwrap().note().into(),
    };
    wire::AddCheckpointRequest {
        body: asked.to_bytes().into(),
        log_key: signer.public_text().to_owned(),
    }
}

struct World {
    folder: TempDir,
    clock: Arc<ManualClock>,
    witness: Witness,
}

async fn witness_in(folder: &TempDir, clock: &Arc<ManualClock>) -> Witness {
    let mut random = StdRng::seed_from_u64(1);
    let (records, key) = (folder.path().join("records"), folder.path().join("key"));
    let records = Records::open(&records, &key, &[SCHEMA], &mut random)
        .await
        .unwrap();
    let npr = RegisterId::parse("npr").unwrap();
    let keys = LogKeys::from_seed(&npr, [7; 32]).unwrap();
    let config = UseLogConfig::default();
    let log = UseLog::open(config, keys, SimDisk::new(1), random).unwrap();
    let asked = AskedInTime::new(CAPS, Instant::now());
    Witness {
        own_origin: origin(&npr),
        log: Arc::new(log),
        seen: SeenLogs::new(records),
        clock: Arc::clone(clock) as Arc<_>,
        gateways: [("helsenorge".parse().unwrap(), Mutex::new(asked))].into(),
    }
}

impl World {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
        let witness = witness_in(&folder, &clock).await;
        Self {
            folder,
            clock,
            witness,
        }
    }

    async fn restarted(self) -> Self {
        let Self {
            folder,
            clock,
            witness,
        } = self;
        drop(witness);
        let witness = witness_in(&folder, &clock).await;
        Self {
            folder,
            clock,
            witness,
        }
    }

    async fn add(&self, request: wire::AddCheckpointRequest) -> wire::AddCheckpointResponse {
        let added = self.witness.add_checkpoint(from("helsenorge", request));
        added.await.unwrap().into_inner()
    }
}

fn from<T>(gateway: &str, request: T) -> Request<T> {
    let mut request = Request::new(request);
    let pin = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    let gateway = gateway.parse().unwrap();
    request.extensions_mut().insert(Peer { gateway, pin });
    request
}

#[tokio::test]
async fn a_log_that_grows_is_signed_and_one_that_forks_is_not_after_a_restart_either() {
    let world = World::new().await;
    let (log, forked) = (log_of(0), log_of(1));
    let (log_key, witness) = (
        kreft().public().unwrap(),
        world.witness.log.witness_key().unwrap(),
    );

    let first = world.add(asks(&log, 0, 7, &kreft())).await;
    let checkpoint = AddCheckpoint::parse(&asks(&log, 0, 7, &kreft()).body).unwrap();
    let signed = read_granted(&checkpoint.checkpoint, &log_key, &first.body, &witness).unwrap();
    assert_eq!((first.status, signed.size()), (200, 7));

    let world = world.restarted().await;
    assert_eq!(world.add(asks(&log, 7, 20, &kreft())).await.status, 200);
    let other = world.add(asks(&forked, 20, 30, &kreft())).await;
    assert_eq!(other.status, 422);
    // Whoever was shown the fork is given what the log itself has signed elsewhere.
    let seen = SignedHead::read(&other.seen.unwrap(), &log_key).unwrap();
    let root = tree_hash(20, &log).unwrap().0;
    assert_eq!((seen.size(), seen.root()), (20, root));

    let behind = world.add(asks(&log, 7, 25, &kreft())).await;
    assert_eq!((behind.status, read_seen(&behind.body)), (409, Ok(20)));
    assert_eq!(world.add(asks(&log, 20, 25, &kreft())).await.status, 200);
}

#[tokio::test]
async fn two_logs_of_one_name_are_told_of_while_both_are_seen() {
    let world = World::new().await;
    let other = HeadSigner::from_seed("innsyn/kreft", [2; 32]).unwrap();
    let (log, forked) = (log_of(0), log_of(1));

    let alone = world.add(asks(&log, 0, 7, &kreft())).await;
    assert_eq!(alone.other_keys, Vec::<String>::new());
    let second = world.add(asks(&forked, 0, 9, &other)).await;
    assert_eq!(second.other_keys, [kreft().public_text()]);
    let first = world.add(asks(&log, 7, 8, &kreft())).await;
    assert_eq!(first.other_keys, [other.public_text()]);

    // A register that has begun a new log is not told of its old one for ever.
    world.clock.advance(std::time::Duration::from_hours(25));
    let later = world.add(asks(&forked, 9, 10, &other)).await;
    assert_eq!((later.status, later.other_keys), (200, Vec::new()));
}

#[tokio::test]
async fn nobody_is_their_own_witness_and_only_registers_logs_are_kept() {
    let world = World::new().await;
    let log = log_of(0);
    for (name, status) in [
        ("innsyn/npr", 404),
        ("example.com/log", 404),
        ("innsyn/UPPER", 404),
    ] {
        let signer = HeadSigner::from_seed(name, [3; 32]).unwrap();
        let said = world.add(asks(&log, 0, 7, &signer)).await;
        assert_eq!((said.status, said.seen), (status, None), "{name}");
    }
    let dar = HeadSigner::from_seed("innsyn/dar", [3; 32]).unwrap();
    let mut mixed = asks(&log, 0, 7, &kreft());
    mixed.log_key = dar.public_text().to_owned();
    assert_eq!(world.add(mixed).await.status, 403);
    let mut no_key = asks(&log, 0, 7, &kreft());
    no_key.log_key.clear();
    assert_eq!(world.add(no_key).await.status, 400);
    let broken = wire::AddCheckpointRequest {
        body: Bytes::from_static(b"old x\n\n"),
        log_key: String::new(),
    };
    assert_eq!(world.add(broken).await.status, 400);
}

#[tokio::test]
async fn a_gateway_that_is_not_pinned_has_nothing_looked_at() {
    let world = World::new().await;
    let request = asks(&log_of(0), 0, 7, &kreft());
    let refused = world.witness.add_checkpoint(from("other", request)).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::PermissionDenied);
    let proof = wire::ProveConsistencyRequest { from: 1, to: 2 };
    let refused = world.witness.prove_consistency(from("other", proof)).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::PermissionDenied);
}
