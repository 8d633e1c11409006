//! Which other registers' agents are a log's witnesses.
//!
//! All gateways must ask the same ones, without asking each other, and no register must be able to
//! choose its own: the order follows from hashes of the log's name and the witness's (rendezvous
//! hashing). Where one of them is away, the next in the order is asked as well, so that two gateways
//! have all but as many in common as are away for one of them alone.

use innsyn_policy::RegisterId;
use innsyn_proto::head::origin;
use sha2::{Digest as _, Sha256};

/// The registers of `all` in the order in which they are asked to witness the log of `log`, which
/// is not among them, by their places in `all`.
pub(super) fn order<'a>(
    log: &RegisterId,
    all: impl IntoIterator<Item = (usize, &'a RegisterId)>,
) -> Vec<usize> {
    let mut ranked: Vec<_> = all
        .into_iter()
        .filter(|(_, witness)| *witness != log)
        .map(|(place, witness)| (rank(log, witness), place))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, place)| place).collect()
}

fn rank(log: &RegisterId, witness: &RegisterId) -> [u8; 32] {
    let names = format!("innsyn witness 1\n{}\n{}\n", origin(log), origin(witness));
    Sha256::digest(names).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registers(count: usize) -> Vec<RegisterId> {
        (0..count)
            .map(|n| RegisterId::parse(&format!("register-{n}")).unwrap())
            .collect()
    }

    #[test]
    fn every_gateway_asks_the_same_and_nobody_witnesses_themself() {
        let all = registers(70);
        for log in &all {
            let chosen = order(log, all.iter().enumerate());
            let backwards = order(log, all.iter().enumerate().rev());
            assert_eq!(chosen, backwards);
            assert_eq!(chosen.len(), 69);
            assert!(chosen.iter().all(|place| all[*place] != *log));
        }
    }

    #[test]
    fn who_is_away_changes_nothing_for_the_others() {
        let all = registers(70);
        let whole = order(&all[0], all.iter().enumerate());
        let away = whole[1];
        let without = order(
            &all[0],
            all.iter().enumerate().filter(|(place, _)| *place != away),
        );
        assert_eq!(without[..2], [whole[0], whole[2]]);
    }

    #[test]
    fn the_work_is_spread() {
        let all = registers(70);
        let mut asked = vec![0; all.len()];
        for log in &all {
            for place in order(log, all.iter().enumerate()).into_iter().take(3) {
                asked[place] += 1;
            }
        }
        assert!(asked.iter().all(|times| *times <= 12), "{asked:?}");
    }
}
