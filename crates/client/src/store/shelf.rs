//! Shelves: what is kept of sends and runs on this device, the newest so many and so much of it.
//!
//! Each entry is a line that lists are made of and a content, both sealed with their place, so that an entry cannot be
//! moved to another number, shelf or workspace. How long they are stands beside them in the clear.
//!
//! Knows nothing of what lines and contents mean.

use rusqlite::{OptionalExtension, params};
use satchel_wire::{Id as _, WorkspaceId};
use zeroize::Zeroizing;

use super::{Database, StoreError};

/// A shelf of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shelf {
    /// Requests that were sent.
    Sent,
    /// Runs of collections.
    Runs,
}

/// Lines of a shelf by their numbers.
pub(crate) type Lines = Vec<(u64, Zeroizing<Vec<u8>>)>;

/// An entry: its line and its content.
pub(crate) type Entry = (Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

impl Shelf {
    fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Runs => "run",
        }
    }

    /// How many entries and bytes a workspace keeps; the oldest go first.
    fn limits(self) -> (i64, i64) {
        match self {
            Self::Sent => (1_000, 50_000_000),
            Self::Runs => (100, 50_000_000),
        }
    }

    fn place(self, part: &str, workspace: WorkspaceId, id: i64) -> Vec<u8> {
        let mut place = format!("shelf\0{}\0{part}\0", self.word()).into_bytes();
        place.extend_from_slice(workspace.as_bytes());
        place.extend_from_slice(&id.to_le_bytes());
        place
    }
}

impl Database {
    /// Puts an entry on a shelf, and takes down what is too much; durable with the next sync. Gives its number.
    pub(crate) fn shelve(
        &self,
        shelf: Shelf,
        workspace: WorkspaceId,
        (line, content): (&[u8], &[u8]),
    ) -> Result<u64, StoreError> {
        self.log.before_write(&self.connection)?;
        let transaction = self.connection.unchecked_transaction()?;
        let sql = "INSERT INTO shelf (kind, workspace, bytes, line, content) VALUES (?1, ?2, 0, x'', x'')";
        let owner = workspace.as_slice();
        transaction.prepare_cached(sql)?.execute(params![shelf.word(), owner])?;
        let id = transaction.last_insert_rowid();
        let line = self.seal(&shelf.place("line", workspace, id), line);
        let content = self.seal(&shelf.place("content", workspace, id), content);
        let bytes = i64::try_from(line.len() + content.len()).unwrap_or(i64::MAX);
        transaction
            .prepare_cached("UPDATE shelf SET bytes = ?2, line = ?3, content = ?4 WHERE id = ?1")?
            .execute(params![id, bytes, line, content])?;
        self.clear_excess(shelf, owner)?;
        transaction.commit()?;
        self.log.after_write(line.len() + content.len());
        Ok(u64::try_from(id).unwrap_or_default())
    }

    fn clear_excess(&self, shelf: Shelf, owner: &[u8]) -> Result<(), StoreError> {
        let (count, bytes) = shelf.limits();
        // The newest stays, however large it is: its own size is limited above.
        let sql = "DELETE FROM shelf WHERE id IN (SELECT id FROM (
                SELECT id, row_number() OVER newest AS place, sum(bytes) OVER newest AS so_far FROM shelf
                WHERE kind = ?1 AND workspace = ?2 WINDOW newest AS (ORDER BY id DESC))
            WHERE place > 1 AND (place > ?3 OR so_far > ?4))";
        self.connection.prepare_cached(sql)?.execute(params![shelf.word(), owner, count, bytes])?;
        Ok(())
    }

    /// The lines of a shelf by their numbers, the newest first; one that is damaged is left out.
    pub(crate) fn shelf_lines(&self, shelf: Shelf, workspace: WorkspaceId) -> Result<Lines, StoreError> {
        let sql = "SELECT id, line FROM shelf WHERE kind = ?1 AND workspace = ?2 ORDER BY id DESC";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![shelf.word(), workspace.as_slice()])?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let sealed = row.get_ref(1)?.as_blob().map_err(|_| StoreError::Shape { table: "shelf" })?;
            if let Ok(line) = self.key.open(&shelf.place("line", workspace, id), sealed) {
                lines.push((u64::try_from(id).unwrap_or_default(), line));
            }
        }
        Ok(lines)
    }

    /// One entry of a shelf.
    pub(crate) fn shelf_entry(
        &self,
        shelf: Shelf,
        workspace: WorkspaceId,
        id: u64,
    ) -> Result<Option<Entry>, StoreError> {
        let id = i64::try_from(id).unwrap_or(i64::MAX);
        let sql = "SELECT line, content FROM shelf WHERE id = ?1 AND kind = ?2 AND workspace = ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let values = params![id, shelf.word(), workspace.as_slice()];
        let found = statement.query_row(values, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((line, content)): Option<(Vec<u8>, Vec<u8>)> = found else { return Ok(None) };
        let open = |part: &str, sealed: &[u8]| {
            let opened = self.key.open(&shelf.place(part, workspace, id), sealed);
            opened.map_err(|_| StoreError::Sealed { table: "shelf" })
        };
        Ok(Some((open("line", &line)?, open("content", &content)?)))
    }

    /// Takes everything off a shelf; durable with the next sync.
    pub(crate) fn clear_shelf(&self, shelf: Shelf, workspace: WorkspaceId) -> Result<(), StoreError> {
        self.log.before_write(&self.connection)?;
        let sql = "DELETE FROM shelf WHERE kind = ?1 AND workspace = ?2";
        self.connection.prepare_cached(sql)?.execute(params![shelf.word(), workspace.as_slice()])?;
        self.log.after_write(0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;
    use satchel_crypto::LocalKey;

    use super::*;

    const HERE: WorkspaceId = WorkspaceId::new([7; 16]);
    const THERE: WorkspaceId = WorkspaceId::new([8; 16]);

    fn database(folder: &tempfile::TempDir) -> Database {
        Database::open(&folder.path().join("a.db"), LocalKey::make(&mut OsRng)).expect("it opens")
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder can be made")
    }

    fn numbers(database: &Database, shelf: Shelf, workspace: WorkspaceId) -> Vec<u64> {
        let lines = database.shelf_lines(shelf, workspace).expect("it reads");
        lines.into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn entries_come_back_from_their_own_shelf_alone() {
        let folder = folder();
        let database = database(&folder);
        let first = database.shelve(Shelf::Sent, HERE, (b"line 1", b"content 1")).expect("it is kept");
        let second = database.shelve(Shelf::Sent, HERE, (b"line 2", b"content 2")).expect("it is kept");
        database.shelve(Shelf::Runs, HERE, (b"run", b"")).expect("it is kept");
        database.shelve(Shelf::Sent, THERE, (b"other", b"")).expect("it is kept");
        assert_eq!(numbers(&database, Shelf::Sent, HERE), [second, first]);
        let entry = database.shelf_entry(Shelf::Sent, HERE, first).expect("it reads").expect("it is there");
        assert_eq!((entry.0.as_slice(), entry.1.as_slice()), (&b"line 1"[..], &b"content 1"[..]));
        for (shelf, workspace) in [(Shelf::Runs, HERE), (Shelf::Sent, THERE)] {
            assert!(database.shelf_entry(shelf, workspace, first).expect("it reads").is_none());
        }
        database.clear_shelf(Shelf::Sent, HERE).expect("it is cleared");
        assert!(numbers(&database, Shelf::Sent, HERE).is_empty());
        assert_eq!(numbers(&database, Shelf::Sent, THERE).len(), 1);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_too_much() {
        let folder = folder();
        let database = database(&folder);
        for _ in 0..120 {
            database.shelve(Shelf::Runs, HERE, (b"line", b"content")).expect("it is kept");
        }
        let kept = numbers(&database, Shelf::Runs, HERE);
        assert_eq!((kept.len(), kept.first(), kept.last()), (100, Some(&120), Some(&21)));
        let large = vec![0; 20_000_000];
        for _ in 0..4 {
            database.shelve(Shelf::Sent, HERE, (b"line", &large)).expect("it is kept");
        }
        assert_eq!(numbers(&database, Shelf::Sent, HERE), [124, 123]);
    }

    #[test]
    fn an_entry_that_was_moved_does_not_open() {
        let folder = folder();
        let database = database(&folder);
        let first = database.shelve(Shelf::Sent, HERE, (b"one", b"one")).expect("it is kept");
        let second = database.shelve(Shelf::Sent, HERE, (b"two", b"two")).expect("it is kept");
        let sql =
            "UPDATE shelf SET (line, content) = (SELECT line, content FROM shelf WHERE id = 1) WHERE id = 2";
        database.connection.execute(sql, []).expect("it is moved");
        assert!(matches!(database.shelf_entry(Shelf::Sent, HERE, second), Err(StoreError::Sealed { .. })));
        assert_eq!(numbers(&database, Shelf::Sent, HERE), [first]);
    }

    #[test]
    fn a_file_of_the_first_version_gets_its_shelves() {
        let folder = folder();
        let path = folder.path().join("a.db");
        let key = || LocalKey::from_secret([3; 32]);
        drop(Database::open(&path, key()).expect("it opens"));
        let connection = rusqlite::Connection::open(&path).expect("it opens");
        connection.execute_batch("DROP TABLE shelf; PRAGMA user_version = 1").expect("it is as it was");
        drop(connection);
        let database = Database::open(&path, key()).expect("it opens");
        database.shelve(Shelf::Sent, HERE, (b"line", b"content")).expect("it is kept");
        assert_eq!(numbers(&database, Shelf::Sent, HERE), [1]);
    }
}
