//! The targets: for each decoder, its promise as a function of any bytes.

mod charter;
mod model;
mod sealed;
mod wire;

use crate::{Seeds, Target};

const CLIENT: Seeds = Seeds::Hex(&["wire/client.hex"]);
const SERVER: Seeds = Seeds::Hex(&["wire/server.hex"]);
const ACCOUNT: Seeds = Seeds::Hex(&["wire/account.hex", "wire/login.hex"]);
const HEADERS: Seeds = Seeds::Hex(&["wire/headers.hex", "wire/charter.hex"]);
const JOINS: Seeds = Seeds::Hex(&["wire/join.hex"]);
const V1: Seeds = Seeds::Folders(&["postman/examples/v1.0.0"]);
const V2: Seeds = Seeds::Made(model::v2_seeds);
const V2_1: Seeds = Seeds::Folders(&["postman/examples/v2.1.0", "postman/real"]);

const fn target(name: &'static str, run: fn(&[u8]), seeds: Seeds, inputs: u32) -> Target {
    Target { name, run, seeds, inputs }
}

/// The table behind [`crate::TARGETS`].
pub(crate) const TARGETS: &[Target] = &[
    target("client-frame", wire::client_frame, CLIENT, 40_000),
    target("server-frame", wire::server_frame, SERVER, 40_000),
    target("poll", wire::poll, CLIENT, 20_000),
    target("account", wire::account, ACCOUNT, 8_000),
    target("commit-header", wire::commit_header, HEADERS, 40_000),
    target("manifest", wire::manifest, Seeds::Made(wire::manifest_seeds), 40_000),
    target("pack-content", wire::pack_content, Seeds::Made(wire::pack_seeds), 40_000),
    target("join", wire::join, JOINS, 40_000),
    target("charter", charter::charter, Seeds::Made(charter::seeds), 10_000),
    target("envelope", sealed::envelope, Seeds::Made(sealed::envelope_seeds), 4_000),
    target("pack", sealed::pack, Seeds::Made(sealed::pack_seeds), 4_000),
    target("certificate", sealed::certificate, Seeds::Made(sealed::certificate_seeds), 2_000),
    target("wraps", sealed::wraps, Seeds::Made(sealed::wrap_seeds), 300),
    target("local", sealed::local, Seeds::Made(sealed::local_seeds), 4_000),
    target("recovery-code", sealed::recovery_code, Seeds::Made(sealed::recovery_seeds), 10_000),
    target("invite-link", sealed::invite_link, Seeds::Made(sealed::link_seeds), 20_000),
    target("people", sealed::people, Seeds::Made(sealed::people_seeds), 2_000),
    target("opaque", sealed::opaque, Seeds::Hex(&["crypto/opaque.hex"]), 300),
    target("payload-node", model::node, Seeds::Made(model::node_seeds), 10_000),
    target("payload-body", model::body, Seeds::Made(model::body_seeds), 10_000),
    target("import-v1", model::import, V1, 6_000),
    target("import-v2", model::import, V2, 6_000),
    target("import-v2-1", model::import, V2_1, 6_000),
    target("import-environment", model::import, Seeds::Made(model::environment_seeds), 12_000),
    target("import-dump", model::import, Seeds::Made(model::dump_seeds), 8_000),
    target("import-zip", model::import, Seeds::Made(model::zip_seeds), 8_000),
    target("url", model::url, Seeds::Made(model::url_seeds), 40_000),
    target("path", model::path, Seeds::Made(model::path_seeds), 40_000),
    target("order-key", model::order_key, Seeds::Made(model::order_seeds), 20_000),
];
