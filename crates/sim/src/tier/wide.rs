//! The wide tier: everything in memory, for many histories a second.

use std::sync::{Arc, LazyLock};

use satchel_server::service::Publish;
use satchel_server::store::Store as ServerStore;
use satchel_server::store::memory::{MemoryDisk, MemoryStore as ServerMemory};
use satchel_sync::MemoryStore;

use super::{AppDisk, ServerDisk, Tier};
use crate::rng::SimRng;
use crate::server::the_setup;

/// One world in memory.
pub(crate) struct Wide;

impl AppDisk for MemoryStore {
    type Backup = MemoryStore;

    fn backup(&mut self) -> MemoryStore {
        self.clone()
    }

    fn restore(&mut self, backup: &MemoryStore) {
        *self = backup.clone();
    }

    fn reopen(&mut self) {}
}

impl ServerDisk for MemoryDisk {
    type Backup = MemoryDisk;

    fn open(&mut self, publish: Arc<dyn Publish>) -> Arc<dyn ServerStore> {
        Arc::new(ServerMemory::open(self.clone(), publish))
    }

    fn lose_unsynced(&mut self) {
        MemoryDisk::lose_unsynced(self);
    }

    fn backup(&mut self) -> MemoryDisk {
        self.snapshot()
    }

    fn restore(&mut self, backup: &MemoryDisk, renew: bool, rng: &mut SimRng) -> bool {
        *self = backup.snapshot();
        if renew {
            self.renew(rng);
        }
        renew
    }
}

impl Tier for Wide {
    const NAME: &'static str = "wide";
    type App = MemoryStore;
    type Server = MemoryDisk;

    fn begin() -> Self {
        Self
    }

    fn app(&mut self) -> MemoryStore {
        MemoryStore::default()
    }

    fn server(&mut self, rng: &mut SimRng) -> MemoryDisk {
        static SETUP: LazyLock<Arc<Vec<u8>>> = LazyLock::new(|| Arc::new(the_setup().to_bytes().to_vec()));
        MemoryDisk::with_setup(Arc::clone(&SETUP), rng)
    }
}
