//! The ledger of acknowledgements: what the processes said is safe, kept outside of them.
//!
//! Invariants: a line is in the file before the next thing happens; every item has one writer, so its
//! value is the last acknowledged one or one that was written after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// What an app shows: value by name of the item, and each name as often as it occurs.
pub(crate) type Shown = BTreeMap<String, Vec<String>>;

/// Which acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acked {
    /// The app said so.
    Local,
    /// The app said that the server said so.
    Server,
}

/// The ledger.
pub(crate) struct Acks {
    file: File,
    last: u64,
    acknowledged: u64,
    issued: BTreeMap<String, BTreeSet<u64>>,
    local: BTreeMap<String, u64>,
    server: BTreeMap<String, u64>,
}

impl Acks {
    pub(crate) fn new(path: &Path) -> Self {
        let file = File::create(path).expect("the ledger can be made");
        let empty = BTreeMap::new;
        Self { file, last: 0, acknowledged: 0, issued: BTreeMap::new(), local: empty(), server: empty() }
    }

    /// The number of the next edit.
    pub(crate) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// An edit of an item is about to be made.
    pub(crate) fn issue(&mut self, item: &str, edit: u64) {
        self.write("issued", item, edit);
        self.issued.entry(item.to_owned()).or_default().insert(edit);
    }

    /// An edit was acknowledged.
    pub(crate) fn acknowledge(&mut self, item: &str, edit: u64, acked: Acked) {
        self.write(if acked == Acked::Server { "server" } else { "local" }, item, edit);
        self.acknowledged += 1;
        self.local.insert(item.to_owned(), edit);
        if acked == Acked::Server {
            self.server.insert(item.to_owned(), edit);
        }
    }

    /// Everything that was acknowledged locally has come to the server.
    pub(crate) fn all_synced(&mut self) {
        self.write("synced", "", self.last);
        self.server = self.local.clone();
    }

    /// How many edits were acknowledged.
    pub(crate) fn count(&self) -> u64 {
        self.acknowledged
    }

    fn write(&mut self, what: &str, item: &str, edit: u64) {
        writeln!(self.file, "{what}\t{item}\te{edit}").expect("the ledger can be written");
    }

    /// What is missing or wrong in what an app shows.
    pub(crate) fn lost(&self, shown: &Shown, acked: Acked) -> Vec<String> {
        let expected = if acked == Acked::Server { &self.server } else { &self.local };
        let mut wrong = Vec::new();
        for (item, edit) in expected {
            match shown.get(item).map(Vec::as_slice) {
                None | Some([]) => {
                    wrong.push(format!("{item} is gone, e{edit} was acknowledged ({acked:?})"));
                }
                Some([value]) => {
                    if self.number(item, value).is_none_or(|shown| shown < *edit) {
                        wrong.push(format!("{item} is {value:?}, e{edit} was acknowledged ({acked:?})"));
                    }
                }
                Some(values) => wrong.push(format!("{item} is there {} times: {values:?}", values.len())),
            }
        }
        wrong.extend(self.invented(shown));
        wrong
    }

    /// What an app shows that nobody wrote.
    pub(crate) fn invented(&self, shown: &Shown) -> Vec<String> {
        let values = shown.iter().flat_map(|(item, values)| values.iter().map(move |value| (item, value)));
        values
            .filter(|(item, value)| self.number(item, value).is_none())
            .map(|(item, value)| format!("{item} is {value:?}, which nobody wrote"))
            .collect()
    }

    /// The edit that wrote a value, if one did.
    fn number(&self, item: &str, value: &str) -> Option<u64> {
        let number = value.strip_prefix('e')?.parse().ok()?;
        self.issued.get(item)?.contains(&number).then_some(number)
    }
}

#[test]
fn the_ledger_sees_what_is_lost_doubled_or_invented() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut acks = Acks::new(&folder.path().join("acks"));
    for edit in 1..=3 {
        acks.issue("R", edit);
    }
    acks.acknowledge("R", 2, Acked::Server);
    let check = |values: &[&str], wrong: usize| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let shown = Shown::from([("R".to_owned(), values)]);
        assert_eq!(acks.lost(&shown, Acked::Server).len(), wrong, "{shown:?}");
    };
    check(&["e2"], 0);
    check(&["e3"], 0);
    check(&["e1"], 1);
    check(&[], 1);
    check(&["e2", "e2"], 1);
    check(&["e4"], 2);
}
