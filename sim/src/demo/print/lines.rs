//! Lines that fit a terminal.
#![expect(clippy::print_stdout, reason = "a program's face")]

/// The columns of a terminal.
const COLUMNS: usize = 80;

/// Prints `text` in lines that fit: the first after `first`, the others after `rest`.
pub(super) fn wrapped(first: &str, rest: &str, text: &str) {
    let mut line = String::from(first);
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let columns = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if columns > COLUMNS && !is_empty {
            println!("{line}");
            rest.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    println!("{line}");
}
