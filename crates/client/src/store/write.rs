//! Writing: one batch is one transaction, durable with the next sync.

use rusqlite::params;
use satchel_sync::{Aside, Batch, CHAINS_KEPT, InFlight, Key, Write};
use satchel_wire::limits::COMMITS_IN_FLIGHT;
use satchel_wire::{CommitId, Head, Id, Part, Revision, WorkspaceId};

use super::StoreError;
use super::database::{Database, part_number, place};

/// What came from the server.
const FROM_SERVER: [&str; 6] = ["base", "base_body", "pack", "removed", "charter", "chain"];
/// What is this app's own.
const OWN: [&str; 5] = ["pending", "pending_body", "in_flight", "in_flight_envelope", "aside"];

/// What a row of the base says beside its content.
struct BaseEntry {
    seq: u64,
    revision: Revision,
    conflicts: u32,
}

/// One workspace's rows, within a transaction.
struct Rows<'a> {
    database: &'a Database,
    workspace: WorkspaceId,
    number: i64,
}

impl Database {
    /// Applies a batch: all of it, or nothing on an error.
    pub(super) fn apply(&self, batch: &Batch) -> Result<(), StoreError> {
        self.log.before_write(&self.connection)?;
        let written = self.write(batch);
        if written.is_err() {
            self.numbers.borrow_mut().clear(); // one that was made is not there any more
        }
        written?;
        self.note_flying(batch);
        self.log.after_write(batch.writes.iter().map(content_bytes).sum());
        Ok(())
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        if batch.writes.contains(&Write::RemoveWorkspace) {
            self.remove_workspace(batch.workspace)?;
        } else {
            let number = self.make_workspace(batch.workspace)?;
            let rows = Rows { database: self, workspace: batch.workspace, number };
            batch.writes.iter().try_for_each(|write| rows.write(write))?;
        }
        Ok(transaction.commit()?)
    }

    /// Keeps the envelopes of a commit that is about to be sent, until it is answered.
    fn note_flying(&self, batch: &Batch) {
        let mut flying = self.flying.borrow_mut();
        for write in &batch.writes {
            match write {
                Write::PutInFlight { commit, envelopes } => {
                    if flying.len() >= COMMITS_IN_FLIGHT {
                        flying.clear(); // they are in the database, too
                    }
                    flying.insert((batch.workspace, commit.commit), envelopes.clone());
                }
                Write::RemoveInFlight { commit } => drop(flying.remove(&(batch.workspace, *commit))),
                Write::RemoveWorkspace => flying.retain(|(workspace, _), _| *workspace != batch.workspace),
                _ => {}
            }
        }
    }

    fn make_workspace(&self, workspace: WorkspaceId) -> Result<i64, StoreError> {
        if let Some(number) = self.number(workspace)? {
            return Ok(number);
        }
        let sql = "INSERT INTO workspace (id, head_seq, head_chain, digest) VALUES (?1, 0, ?2, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![workspace.as_slice(), [0_u8; 32].as_slice()])?;
        Ok(self.connection.last_insert_rowid())
    }

    fn remove_workspace(&self, workspace: WorkspaceId) -> Result<(), StoreError> {
        let Some(number) = self.number(workspace)? else { return Ok(()) };
        self.numbers.borrow_mut().remove(&workspace);
        for table in FROM_SERVER.iter().chain(&OWN) {
            self.connection.execute(&format!("DELETE FROM {table} WHERE workspace = ?1"), [number])?;
        }
        self.connection
            .execute("DELETE FROM cell WHERE workspace = ?1 AND kind <> 'device'", [workspace.as_slice()])?;
        self.connection.execute("DELETE FROM shelf WHERE workspace = ?1", [workspace.as_slice()])?;
        self.connection.execute("DELETE FROM workspace WHERE number = ?1", [number])?;
        Ok(())
    }
}

impl Rows<'_> {
    fn write(&self, write: &Write) -> Result<(), StoreError> {
        match write {
            Write::AddWorkspace | Write::RemoveWorkspace => Ok(()),
            Write::PutBase { key, seq, revision, conflicts, envelope } => {
                let entry = BaseEntry { seq: *seq, revision: *revision, conflicts: *conflicts };
                self.put_base(*key, &entry, envelope)
            }
            Write::PutPack { pack, part, names, sealed } => self.execute(
                "INSERT OR REPLACE INTO pack VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    self.number,
                    pack.as_slice(),
                    part_number(*part),
                    integer(sealed.len() as u64),
                    names,
                    sealed
                ],
            ),
            Write::ForgetPacks => {
                self.execute("DELETE FROM pack WHERE workspace = ?1", params![self.number])?;
                self.execute("DELETE FROM removed WHERE workspace = ?1", params![self.number])
            }
            Write::RemoveBase { key } => {
                self.note_removed(*key)?;
                self.remove_part("base", "base_body", *key)
            }
            Write::PutPending { key, ordinal, conflicts, payload } => {
                self.put_pending(*key, *ordinal, *conflicts, payload.as_deref())
            }
            Write::PutPurge { key, ordinal, bulk } => self.put_purge(*key, *ordinal, *bulk),
            Write::RemovePending { key } => self.remove_part("pending", "pending_body", *key),
            Write::PutInFlight { commit, envelopes } => self.put_in_flight(commit, envelopes),
            Write::RemoveInFlight { commit } => self.remove_in_flight(*commit),
            Write::AddCharter { seq, header } => self.execute(
                "INSERT OR REPLACE INTO charter VALUES (?1, ?2, ?3, ?4)",
                params![self.number, integer(*seq), header.header.as_slice(), header.signature.as_slice()],
            ),
            Write::SetHead { head, digest } => self.execute(
                "UPDATE workspace SET head_seq = ?2, head_chain = ?3, digest = ?4 WHERE number = ?1",
                params![self.number, integer(head.seq), head.chain.as_slice(), digest.as_slice()],
            ),
            Write::SetFresh(fresh) => self.execute(
                "UPDATE workspace SET fresh = ?2 WHERE number = ?1",
                params![self.number, fresh.as_deref()],
            ),
            Write::ForgetLedger => self.forget_ledger(),
            Write::ClearCharter => {
                self.execute("DELETE FROM charter WHERE workspace = ?1", params![self.number])
            }
            Write::AddChains(heads) => self.add_chains(heads),
            Write::ClearChains => {
                self.execute("DELETE FROM chain WHERE workspace = ?1", params![self.number])
            }
            Write::SetReturning(returning) => self.execute(
                "UPDATE workspace SET [returning] = ?2 WHERE number = ?1",
                params![self.number, returning.as_deref()],
            ),
            Write::SetIncarnation(incarnation) => self.execute(
                "UPDATE workspace SET incarnation = ?2 WHERE number = ?1",
                params![self.number, incarnation.as_slice()],
            ),
            Write::SetAside(aside) => self.set_aside(aside),
            Write::ClearAside { key } => self.execute(
                "DELETE FROM aside WHERE workspace = ?1 AND record = ?2 AND part = ?3",
                params![self.number, key.record.as_slice(), part_number(key.part)],
            ),
        }
    }

    /// Makes the tables anew, so that damaged indexes and rows out of their order go with the old ones.
    fn forget_ledger(&self) -> Result<(), StoreError> {
        for table in FROM_SERVER {
            self.rewrite(table, &format!("workspace <> {}", self.number))?;
        }
        OWN.iter().try_for_each(|table| self.rewrite(table, "TRUE"))
    }

    fn rewrite(&self, table: &str, kept: &str) -> Result<(), StoreError> {
        let connection = &self.database.connection;
        let sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        let made: String = connection.query_row(sql, [table], |row| row.get(0))?;
        connection.execute_batch(&format!("ALTER TABLE {table} RENAME TO old_{table}; {made};"))?;
        connection.execute_batch(&format!(
            "INSERT OR IGNORE INTO {table} SELECT * FROM old_{table} NOT INDEXED WHERE {kept};
             DROP TABLE old_{table};"
        ))?;
        Ok(())
    }

    fn add_chains(&self, heads: &[Head]) -> Result<(), StoreError> {
        for head in heads {
            self.execute(
                "INSERT OR REPLACE INTO chain VALUES (?1, ?2, ?3)",
                params![self.number, integer(head.seq), head.chain.as_slice()],
            )?;
        }
        let Some(last) = heads.last() else { return Ok(()) };
        let first_kept = last.seq.saturating_sub(CHAINS_KEPT as u64);
        self.execute(
            "DELETE FROM chain WHERE workspace = ?1 AND seq <= ?2",
            params![self.number, integer(first_kept)],
        )
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
        self.database.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// What stands in a pack, or may stand in one that has not come, must not come back with it.
    fn note_removed(&self, key: Key) -> Result<(), StoreError> {
        self.execute(
            "INSERT OR IGNORE INTO removed SELECT ?1, ?2, ?3
             WHERE EXISTS (SELECT 1 FROM pack WHERE workspace = ?1)
             OR EXISTS (SELECT 1 FROM workspace WHERE number = ?1 AND fresh IS NOT NULL)",
            params![self.number, key.record.as_slice(), part_number(key.part)],
        )
    }

    fn put_base(&self, key: Key, entry: &BaseEntry, content: &[u8]) -> Result<(), StoreError> {
        let BaseEntry { seq, revision, conflicts } = *entry;
        let node = (key.part == Part::Node).then_some(content);
        let record = key.record.as_slice();
        let part = part_number(key.part);
        self.execute(
            "INSERT OR REPLACE INTO base VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![self.number, record, part, integer(seq), revision.as_slice(), conflicts, node],
        )?;
        if node.is_some() {
            return Ok(());
        }
        self.execute(
            "INSERT INTO base_body VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET content = excluded.content",
            params![self.number, record, content],
        )
    }

    fn put_pending(
        &self,
        key: Key,
        ordinal: u64,
        conflicts: u32,
        payload: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let sealed =
            payload.map(|payload| self.database.seal(&place("pending", self.workspace, key), payload));
        let record = key.record.as_slice();
        let part = part_number(key.part);
        let node = sealed.as_deref().filter(|_| key.part == Part::Node);
        self.execute(
            "INSERT OR REPLACE INTO pending VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)",
            params![self.number, record, part, integer(ordinal), conflicts, payload.is_none(), node],
        )?;
        match (key.part, &sealed) {
            (Part::Node, _) => Ok(()),
            (Part::Body, Some(sealed)) => self.execute(
                "INSERT INTO pending_body VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET payload = excluded.payload",
                params![self.number, record, sealed],
            ),
            (Part::Body, None) => self.remove_body("pending_body", key),
        }
    }

    fn put_purge(&self, key: Key, ordinal: u64, bulk: bool) -> Result<(), StoreError> {
        let (record, part) = (key.record.as_slice(), part_number(key.part));
        self.execute(
            "INSERT OR REPLACE INTO pending VALUES (?1, ?2, ?3, ?4, 0, 1, ?5, NULL)",
            params![self.number, record, part, integer(ordinal), bulk],
        )?;
        if key.part == Part::Body { self.remove_body("pending_body", key) } else { Ok(()) }
    }

    fn remove_part(&self, table: &str, bodies: &str, key: Key) -> Result<(), StoreError> {
        let sql = match table {
            "base" => "DELETE FROM base WHERE workspace = ?1 AND record = ?2 AND part = ?3",
            _ => "DELETE FROM pending WHERE workspace = ?1 AND record = ?2 AND part = ?3",
        };
        self.execute(sql, params![self.number, key.record.as_slice(), part_number(key.part)])?;
        if key.part == Part::Body { self.remove_body(bodies, key) } else { Ok(()) }
    }

    fn remove_body(&self, bodies: &str, key: Key) -> Result<(), StoreError> {
        let sql = match bodies {
            "base_body" => "DELETE FROM base_body WHERE workspace = ?1 AND record = ?2",
            _ => "DELETE FROM pending_body WHERE workspace = ?1 AND record = ?2",
        };
        self.execute(sql, params![self.number, key.record.as_slice()])
    }

    fn put_in_flight(&self, commit: &InFlight, envelopes: &[Vec<u8>]) -> Result<(), StoreError> {
        self.remove_in_flight(commit.commit)?;
        let ordinals: Vec<u8> = commit.ordinals.iter().flat_map(|ordinal| ordinal.to_le_bytes()).collect();
        let (id, header) = (commit.commit.as_slice(), &commit.header);
        let ordinal = integer(commit.ordinal);
        self.execute(
            "INSERT INTO in_flight VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                self.number,
                id,
                ordinal,
                header.header.as_slice(),
                header.signature.as_slice(),
                ordinals
            ],
        )?;
        (0_i64..).zip(envelopes).try_for_each(|(position, envelope)| {
            let sql = "INSERT INTO in_flight_envelope VALUES (?1, ?2, ?3, ?4)";
            self.execute(sql, params![self.number, id, position, envelope])
        })
    }

    fn remove_in_flight(&self, commit: CommitId) -> Result<(), StoreError> {
        let values = params![self.number, commit.as_slice()];
        self.execute("DELETE FROM in_flight WHERE workspace = ?1 AND id = ?2", values)?;
        self.execute("DELETE FROM in_flight_envelope WHERE workspace = ?1 AND id = ?2", values)
    }

    fn set_aside(&self, aside: &Aside) -> Result<(), StoreError> {
        let place = place("aside", self.workspace, aside.key);
        let detail = self.database.seal(&place, aside.detail.as_bytes());
        let (record, part) = (aside.key.record.as_slice(), part_number(aside.key.part));
        self.execute(
            "INSERT OR REPLACE INTO aside VALUES (?1, ?2, ?3, ?4, ?5)",
            params![self.number, record, part, aside.alarm.as_str(), detail],
        )
    }
}

/// The size of a write's content.
fn content_bytes(write: &Write) -> usize {
    match write {
        Write::PutBase { envelope, .. } => envelope.len(),
        Write::PutPack { names, sealed, .. } => names.len() + sealed.len(),
        Write::PutPending { payload, .. } => payload.as_ref().map_or(0, Vec::len),
        Write::PutInFlight { envelopes, .. } => envelopes.iter().map(Vec::len).sum(),
        _ => 64,
    }
}

/// `SQLite`'s integers are signed; no counter of ours comes near the limit.
fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
