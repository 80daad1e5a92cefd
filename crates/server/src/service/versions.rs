//! History: the versions of a record that the server still keeps.
//!
//! The server knows of a version what it knows of an entry: its place in the ledger, who pushed it,
//! and when. What is in it only an app can tell.

use satchel_wire::Refusal;
use satchel_wire::limits::VERSIONS_MAX;

use super::{Service, Session, refuse, require_sync};
use crate::store::{VersionsPage, VersionsRequest};

impl Service {
    /// Reads versions of one part of a record, the newest first; none for a record that never was.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` without sync, `Unavailable`, `Internal`.
    pub fn versions(&self, session: &Session, request: &VersionsRequest) -> Result<VersionsPage, Refusal> {
        require_sync(session)?;
        let request = VersionsRequest { limit: request.limit.clamp(1, VERSIONS_MAX), ..*request };
        self.store.versions(session.account, &request).map_err(|error| refuse(&error))
    }
}
