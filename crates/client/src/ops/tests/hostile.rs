//! Backups that somebody else chose: any bytes are restored or refused, and nothing panics.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use satchel_fuzz::{Seeds, Target, driver};

use super::Desk;
use super::script::run;
use crate::api::{Call, Reply, Source};

const TARGET: Target = Target { name: "backup", run: restore, seeds: Seeds::Made(seeds), inputs: 2_000 };

/// What was restored can be listed and written into a backup again.
fn restore(bytes: &[u8]) {
    let mut desk = Desk::new(None, 7);
    let source = Source::Base64 { name: "backup".to_owned(), content: STANDARD.encode(bytes) };
    if desk.call(&Call::RestoreBackup { source }).is_ok() {
        desk.call(&Call::List { path: None, tree: true }).expect("what was restored is listed");
        desk.call(&Call::CreateBackup).expect("what was restored is kept");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut desk = Desk::scratch();
    run(
        &mut desk,
        "
        new collection Shop
        new request Shop/Get url=http://a.test/:id?b=1 header.Accept=x
        new request Shop/Gone
        rm Shop/Gone
        setenv Dev host=a !token=hunter2 ~host=current
        ",
    );
    match desk.call(&Call::CreateBackup) {
        Ok(Reply::Exported { files, .. }) => vec![files[0].content.clone().into_bytes()],
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_backup_of_any_bytes_is_restored_or_refused() {
    driver::drive(&TARGET, TARGET.inputs);
}
