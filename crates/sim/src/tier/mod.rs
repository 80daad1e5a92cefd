//! What a world is made of, apart from its rules: disks of apps and of the server.
//!
//! Two tiers run the same histories. The wide one keeps everything in memory, the real one in the
//! `SQLite` files of the products.

#[cfg(feature = "real")]
pub(crate) mod real;
pub(crate) mod wide;

use std::sync::Arc;

use satchel_server::service::Publish;
use satchel_server::store::Store as ServerStore;

use crate::rng::SimRng;

/// An app's disk: a store that outlives its engine.
pub(crate) trait AppDisk: satchel_sync::Store {
    /// A copy of it, from which it can be set back.
    type Backup;
    /// Copies the disk.
    fn backup(&mut self) -> Self::Backup;
    /// Sets the disk back.
    fn restore(&mut self, backup: &Self::Backup);
    /// Closes and opens it, as a restart does.
    fn reopen(&mut self);
}

/// The server's disk.
pub(crate) trait ServerDisk {
    /// A copy of it, from which it can be set back.
    type Backup;
    /// Opens the store; one at a time.
    fn open(&mut self, publish: Arc<dyn Publish>) -> Arc<dyn ServerStore>;
    /// The power goes: what was not durable is gone. Only while no store is open.
    fn lose_unsynced(&mut self);
    /// Copies the disk. Only while no store is open.
    fn backup(&mut self) -> Self::Backup;
    /// Sets the disk back; with a new life if it is to be restored by the server's own command. Whether
    /// it has one.
    fn restore(&mut self, backup: &Self::Backup, renew: bool, rng: &mut SimRng) -> bool;
}

/// The disks of one world.
pub(crate) trait Tier {
    /// The word for it on the command line.
    const NAME: &'static str;
    /// An app's disk.
    type App: AppDisk;
    /// The server's disk.
    type Server: ServerDisk;
    /// A new world's.
    fn begin() -> Self;
    /// An empty disk for an app.
    fn app(&mut self) -> Self::App;
    /// An empty disk for the server.
    fn server(&mut self, rng: &mut SimRng) -> Self::Server;
}
