//! Who decides, as the operating system knows them.

use std::fs;

/// The login of who runs this program, and the account it runs as where that is another: `kari`,
/// or `kari as innsyn` after `sudo`. A number where an account has no name here.
pub fn here() -> String {
    let account = rustix::process::getuid().as_raw();
    match login() {
        Some(login) if login != account => format!("{} as {}", name(login), name(account)),
        _ => name(account),
    }
}

/// The account that logged in, which `sudo` and `su` do not change; `None` where nobody did.
fn login() -> Option<u32> {
    let text = fs::read_to_string("/proc/self/loginuid").ok()?;
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

fn name(uid: u32) -> String {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&accounts, uid).unwrap_or_else(|| format!("account {uid}"))
}

pub(super) fn name_in(accounts: &str, uid: u32) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        let is_it = number.parse() == Ok(uid);
        is_it.then(|| name.chars().filter(|c| !c.is_control()).collect())
    })
}
