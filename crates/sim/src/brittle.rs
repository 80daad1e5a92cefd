//! A store whose power can go, or whose disk can be full, at the n-th write from now.

use std::error::Error;
use std::fmt;

use satchel_sync::{Batch, Kept, Key, Loaded, Store};
use satchel_wire::{CommitId, PackId, WorkspaceId};

/// What goes wrong at a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// The power goes before the write is durable.
    PowerBefore,
    /// The power goes when the write is durable and nobody knows yet.
    PowerAfter,
    /// This write fails and changes nothing.
    Full,
}

/// Why a brittle store failed.
#[derive(Debug)]
pub(crate) enum BrittleError<E> {
    /// There is no power.
    Power,
    /// The disk is full.
    Full,
    /// The store below failed.
    Below(E),
}

impl<E: fmt::Display> fmt::Display for BrittleError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Power => f.write_str("there is no power"),
            Self::Full => f.write_str("the disk is full"),
            Self::Below(source) => write!(f, "{source}"),
        }
    }
}

impl<E: Error + 'static> Error for BrittleError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Below(source) => Some(source),
            Self::Power | Self::Full => None,
        }
    }
}

/// The store.
pub(crate) struct Brittle<S> {
    pub(crate) disk: S,
    fuse: Option<(usize, Mishap)>,
    dead: bool,
}

impl<S: Store> Brittle<S> {
    pub(crate) fn new(disk: S) -> Self {
        Self { disk, fuse: None, dead: false }
    }

    /// Lets a mishap happen at the n-th write from now, 0 for the next.
    pub(crate) fn arm(&mut self, writes: usize, mishap: Mishap) {
        self.fuse = Some((writes, mishap));
    }

    /// The power is back, and nothing is armed.
    pub(crate) fn mend(&mut self) {
        (self.fuse, self.dead) = (None, false);
    }

    fn read<T>(&self, read: impl FnOnce(&S) -> Result<T, S::Error>) -> Result<T, BrittleError<S::Error>> {
        if self.dead {
            return Err(BrittleError::Power);
        }
        read(&self.disk).map_err(BrittleError::Below)
    }
}

impl<S: Store<Error: 'static>> Store for Brittle<S> {
    type Error = BrittleError<S::Error>;

    fn workspaces(&self) -> Result<Vec<WorkspaceId>, Self::Error> {
        self.read(S::workspaces)
    }

    fn load(&self, workspace: WorkspaceId) -> Result<Loaded, Self::Error> {
        self.read(|disk| disk.load(workspace))
    }

    fn base(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Kept>, Self::Error> {
        self.read(|disk| disk.base(workspace, key))
    }

    fn pack(&self, workspace: WorkspaceId, pack: PackId) -> Result<Option<Vec<u8>>, Self::Error> {
        self.read(|disk| disk.pack(workspace, pack))
    }

    fn pending(&self, workspace: WorkspaceId, key: Key) -> Result<Option<Vec<u8>>, Self::Error> {
        self.read(|disk| disk.pending(workspace, key))
    }

    fn in_flight(&self, workspace: WorkspaceId, commit: CommitId) -> Result<Vec<Vec<u8>>, Self::Error> {
        self.read(|disk| disk.in_flight(workspace, commit))
    }

    fn sync(&mut self) -> Result<(), Self::Error> {
        if self.dead {
            return Err(BrittleError::Power);
        }
        self.disk.sync().map_err(BrittleError::Below)
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), Self::Error> {
        if self.dead {
            return Err(BrittleError::Power);
        }
        let mishap = match &mut self.fuse {
            Some((0, mishap)) => Some(*mishap),
            Some((writes, _)) => {
                *writes -= 1;
                None
            }
            None => None,
        };
        if mishap.is_some() {
            self.fuse = None;
        }
        match mishap {
            None => self.disk.apply(batch).map_err(BrittleError::Below),
            Some(Mishap::Full) => Err(BrittleError::Full),
            Some(Mishap::PowerBefore) => {
                self.dead = true;
                Err(BrittleError::Power)
            }
            Some(Mishap::PowerAfter) => {
                self.disk.apply(batch).map_err(BrittleError::Below)?;
                self.dead = true;
                Err(BrittleError::Power)
            }
        }
    }
}
