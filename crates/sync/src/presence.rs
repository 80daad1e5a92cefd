//! Who is here now: what connected apps say of themselves, sealed, believed only of members, and kept nowhere.

use rand_core::{CryptoRng, RngCore};
use satchel_crypto::{PresencePlace, open_presence, presence_epoch, seal_presence};
use satchel_wire::{AccountId, AppId, ClientFrame, Presence, WorkspaceId};

use crate::engine::Engine;
use crate::replica::{Link, Replica};

impl Engine {
    /// The frame that tells the other apps where this one is; none while the workspace is not live.
    pub fn make_presence<R: RngCore + CryptoRng>(
        &self,
        workspace: WorkspaceId,
        presence: &Presence,
        rng: &mut R,
    ) -> Option<ClientFrame> {
        let identity = self.identity.as_ref()?;
        let replica = self.replicas.get(&workspace).filter(|replica| matches!(replica.link, Link::Live))?;
        let (key, epoch) = replica.sealing()?;
        let place = place(workspace, identity.account, identity.app);
        let sealed = seal_presence(key, epoch, &place, &presence.encode(), rng).ok()?;
        Some(ClientFrame::Presence { workspace, sealed: sealed.into() })
    }

    /// The other apps that are here, as they have said since this one is connected.
    pub fn present(&self, workspace: WorkspaceId) -> Vec<(AccountId, AppId, Presence)> {
        let replica = self.replicas.get(&workspace);
        let present = replica.into_iter().flat_map(|replica| &replica.present);
        present.map(|((account, app), presence)| (*account, *app, *presence)).collect()
    }

    pub(crate) fn handle_presence(&mut self, workspace: WorkspaceId, who: (AccountId, AppId), sealed: &[u8]) {
        let Some(replica) = self.replicas.get_mut(&workspace) else { return };
        match replica.open_presence(who, sealed) {
            Some(presence) => drop(replica.present.insert(who, presence)),
            // Gone, or not to be believed.
            None => drop(replica.present.remove(&who)),
        }
    }
}

impl Replica {
    fn open_presence(&self, (account, app): (AccountId, AppId), sealed: &[u8]) -> Option<Presence> {
        self.charter.member(account)?;
        let key = self.keys.as_deref()?.get(presence_epoch(sealed).ok()?)?;
        let plain = open_presence(key, &place(self.workspace, account, app), sealed).ok()?;
        Presence::decode(&plain).ok()
    }
}

fn place(workspace: WorkspaceId, account: AccountId, app: AppId) -> PresencePlace {
    PresencePlace { workspace: *workspace.as_bytes(), account: *account.as_bytes(), app: *app.as_bytes() }
}
