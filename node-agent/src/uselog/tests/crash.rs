//! Promise 4 under crashes: what was acknowledged is there.

use super::*;
use rand::RngExt as _;

/// Writes until the power fails at a point that `seed` chooses, several times over, and says
/// what is wrong with what is found afterwards.
fn survive<D: Disk>(seed: u64, on: impl Fn(SimDisk) -> D) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut disk = SimDisk::new(seed);
    let mut acknowledged: Vec<LogHash> = Vec::new();
    let mut written = 0;
    for life in 0..4 {
        disk.crash_after(random.random_range(0..60));
        let config = UseLogConfig {
            segment_bytes_max: 4000,
            ..config()
        };
        let opened = Writer::open(on(disk.clone()), config, keys(), salts());
        if let Err(error) = &opened
            && !disk.has_crashed()
        {
            return Err(format!("life {life} cannot begin: {error}"));
        }
        if let Ok(mut log) = opened {
            // What an earlier life wrote without acknowledging may have survived, and stays.
            let known = acknowledged.len() as u64;
            acknowledged.extend((known..log.size()).map_while(|n| leaf_at(&disk, n)));
            while !disk.has_crashed() {
                let batch = match random.random_range(0..3) {
                    0 => 1,
                    1 => random.random_range(1..4),
                    _ => random.random_range(1..30),
                };
                if let Ok(hashes) = log.commit(records(written..written + batch).iter()) {
                    acknowledged.extend(hashes);
                }
                written += batch;
                if random.random_bool(0.2) {
                    let _ = log.sign_head();
                }
            }
        }
        disk = disk.after_crash();
        check(&disk).map_err(|error| format!("before recovery, life {life}: {error}"))?;
        let after = SimDisk::with_files(&disk.files());
        let found = Writer::open(after.clone(), UseLogConfig::default(), keys(), salts())
            .map_err(|error| format!("after life {life}: {error}"))?;
        for (n, hash) in (0..).zip(&acknowledged) {
            if n >= found.size() || leaf_at(&after, n) != Some(*hash) {
                return Err(format!("after life {life}: entry {n} is lost"));
            }
        }
        check(&after).map_err(|error| format!("after life {life}: {error}"))?;
    }
    Ok(())
}

/// The stored hash of an entry; none once the power has failed.
fn leaf_at(disk: &SimDisk, n: u64) -> Option<LogHash> {
    let mut hash = [0; 32];
    let at = tlog_tiles::stored_hash_index(0, n) * 32;
    disk.read_at("hashes", at, &mut hash).ok().map(|()| hash)
}

#[test]
fn promise_4_every_acknowledged_entry_survives_a_thousand_crashes() {
    for seed in 0..1000 {
        if let Err(error) = survive(seed, |disk| disk) {
            panic!("seed {seed}: {error}");
        }
    }
}

#[test]
fn promise_4_without_the_sync_the_same_check_fails() {
    let lost = (0..200)
        .filter(|seed| survive(*seed, NoSync).is_err())
        .count();
    assert!(lost > 100, "only {lost} of 200 crashes were noticed");
}
