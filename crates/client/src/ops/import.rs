//! Bringing a file in: once, a second time as a copy, or over what is here.
//!
//! ```text
//! bytes ──▶ items of the file ──▶ plan (what is added, changed, trashed) ──▶ one engine edit
//! ```
//! Invariants: the whole file comes in or nothing does; a dry run makes the same plan and stores
//! nothing; the same file merged twice changes nothing the second time. Planning over what is here
//! is in `matching`; this file does not know how items are matched.

use std::collections::{BTreeMap, HashMap};

use satchel_model::format::postman::{self, ImportError, ImportedItem};
use satchel_model::{Kind, OrderKey, RecordId};
use satchel_sync::Change;
use satchel_wire::WorkspaceId;

use crate::api::{
    Acknowledged, ApiError, ErrorKind, ImportMode, ImportReport, ItemView, Progress, Reply, Source,
};
use crate::ops::backup;
use crate::ops::edit::{last_order, remove_origin};
use crate::ops::error::{failure, invalid, too_large};
use crate::ops::file;
use crate::ops::local::{Whole, commit, remove_shared};
use crate::ops::matching::{self, Top};
use crate::ops::profile::{LocalValues, Profile};
use crate::ops::select;
use crate::ops::view::{View, kind_word};

/// What an import will do.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) changes: Vec<Change>,
    pub(crate) local: Vec<(RecordId, LocalValues)>,
    pub(crate) tops: Vec<RecordId>,
    pub(crate) added: u64,
    pub(crate) changed: u64,
    pub(crate) trashed: u64,
}

/// How an import was asked for.
pub(crate) struct Asked<'a> {
    pub(crate) source: &'a Source,
    pub(crate) mode: Option<ImportMode>,
    pub(crate) dry_run: bool,
}

/// Imports one file.
pub(crate) fn import(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    asked: &Asked<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Reply, ApiError> {
    let tried = format!("importing {}", file::name(asked.source));
    let bytes = file::read(asked.source, progress)?;
    if backup::is_backup(&bytes) {
        return import_backup(profile, asked, &bytes, progress);
    }
    let file = postman::import(&bytes, select::root(workspace), profile.rng());
    let file = file.map_err(|error| refused(&tried, &error))?;
    drop(bytes);
    let mut report = ImportReport {
        source: file.source.to_string(),
        items: Vec::new(),
        counts: count_kinds(&file.items),
        losses: file.losses.iter().map(ToString::to_string).collect(),
        dry_run: asked.dry_run,
        added: 0,
        changed: 0,
        trashed: 0,
        acknowledged: Acknowledged::Local,
    };
    let plan = plan(profile, workspace, file.items, asked.mode, &tried)?;
    (report.added, report.changed, report.trashed) = (plan.added, plan.changed, plan.trashed);
    if asked.dry_run {
        report.items = preview(profile, workspace, &plan);
        return Ok(Reply::Imported(report));
    }
    let tops = plan.tops.clone();
    store(profile, workspace, plan, progress)?;
    let view = View::open(profile, workspace);
    report.items = tops.into_iter().filter(|id| view.is_live(*id)).map(|id| view.item(id)).collect();
    Ok(Reply::Imported(report))
}

/// A backup that is given as a file to import: it comes in beside what is here.
fn import_backup(
    profile: &mut dyn Profile,
    asked: &Asked<'_>,
    bytes: &[u8],
    progress: &mut dyn FnMut(Progress),
) -> Result<Reply, ApiError> {
    let tried = format!("importing {}", file::name(asked.source));
    match asked.mode {
        Some(ImportMode::Merge | ImportMode::Replace) => {
            Err(invalid(tried, "a backup comes in beside what is here; leave the mode out"))
        }
        _ if asked.dry_run => backup::look(bytes, &tried),
        _ => backup::bring_back(profile, bytes, &tried, progress),
    }
}

fn refused(tried: &str, error: &ImportError) -> ApiError {
    if error.is_limit() { too_large(tried, error.to_string()) } else { invalid(tried, error.to_string()) }
}

fn store(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    plan: Plan,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ApiError> {
    let total = plan.changes.len() as u64;
    let mut tell = |done| progress(Progress { phase: "storing".to_owned(), done, total });
    tell(0);
    commit(profile, workspace, plan.changes, plan.local)?;
    tell(total);
    Ok(())
}

fn plan(
    profile: &mut dyn Profile,
    workspace: WorkspaceId,
    items: Vec<ImportedItem>,
    mode: Option<ImportMode>,
    tried: &str,
) -> Result<Plan, ApiError> {
    let tops = {
        let view = View::open(profile, workspace);
        let tops = matching::tops(profile, workspace, &view, items)?;
        let here: Vec<_> = tops.iter().filter_map(|top| top.here).collect();
        if mode.is_none() && !here.is_empty() {
            let candidates = here.into_iter().map(|id| view.candidate(id)).collect();
            let detail = "it was imported before; choose merge, replace or copy";
            return Err(ApiError { candidates, ..failure(ErrorKind::ImportExists, tried, detail) });
        }
        tops
    };
    let mut plan = Plan::default();
    let mut added = Vec::new();
    for top in tops {
        if let (Some(here), Some(mode @ (ImportMode::Merge | ImportMode::Replace))) = (top.here, mode) {
            plan.tops.push(here);
            matching::merge(profile, workspace, (top, here), mode == ImportMode::Replace, &mut plan)?;
        } else {
            plan.tops.push(top.item().item.id);
            added.push(top);
        }
    }
    add_all(profile, workspace, added, &mut plan);
    Ok(plan)
}

/// Adds whole subtrees after what is at the top of the workspace.
fn add_all(profile: &mut dyn Profile, workspace: WorkspaceId, tops: Vec<Top>, plan: &mut Plan) {
    let view = View::open(profile, workspace);
    let last = last_order(&view, view.root());
    let orders = OrderKey::block(last.as_ref(), None, tops.len(), profile.rng());
    for (mut top, order) in tops.into_iter().zip(orders) {
        let is_copy = top.here.is_some();
        let first = &mut top.items[0].item;
        first.node.position.order = order;
        if is_copy {
            remove_origin(&first.node.kind, &mut first.body);
        }
        for imported in top.items {
            add(plan, imported);
        }
    }
}

/// Adds one item as it is.
pub(crate) fn add(plan: &mut Plan, imported: ImportedItem) {
    let mut item = imported.item;
    remove_shared(&mut item.body);
    let (body, local) = Whole::new(item.body).split();
    if !local.is_empty() {
        plan.local.push((item.id, local));
    }
    plan.changes.push(Change { record: item.id, node: Some(item.node), body: Some(body) });
    plan.added += 1;
}

/// The top items as they would be.
fn preview(profile: &dyn Profile, workspace: WorkspaceId, plan: &Plan) -> Vec<ItemView> {
    let view = View::open(profile, workspace);
    let planned: HashMap<_, _> =
        plan.changes.iter().filter_map(|change| Some((change.record, change.node.as_ref()?))).collect();
    let of_change = |id: &RecordId| {
        let node = planned.get(id).copied().or_else(|| view.node(*id))?;
        Some(ItemView {
            id: id.to_string(),
            kind: kind_word(&node.kind).to_owned(),
            name: node.name.clone(),
            method: node.method.clone(),
            path: satchel_model::path::format(&[&node.name]),
            depth: 0,
            conflicts: 0,
            waiting: false,
        })
    };
    plan.tops.iter().filter_map(of_change).collect()
}

fn count_kinds(items: &[ImportedItem]) -> Vec<(String, u64)> {
    let mut kinds = BTreeMap::new();
    for imported in items {
        *kinds.entry(imported.item.node.kind.clone()).or_insert(0) += 1;
    }
    counts(&kinds)
}

/// How many of each kind, in words.
pub(crate) fn counts(kinds: &BTreeMap<Kind, u64>) -> Vec<(String, u64)> {
    kinds.iter().map(|(kind, count)| (kind_word(kind).to_owned(), *count)).collect()
}
