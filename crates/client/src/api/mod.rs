//! The types that the command line and the page see: a call, its reply, its progress.
//!
//! Why it exists: one interface for every face. A call made in this process, over the agent's socket
//! or by the page is the same JSON; what it does lives in `ops`. Types are plain data: ids are
//! hexadecimal text, times are milliseconds since 1970, documents are JSON.
//!
//! Knows nothing of terminals, HTML, sockets, the store or keys.

mod call;
mod error;
mod page;
mod people;
mod reply;
mod sending;
mod status;
mod view;

pub use call::{
    Call, Discard, ExportFormat, FieldEdit, ImportMode, Request, Resolution, Secret, Source, VariableEdit,
};
pub use error::{ApiError, ErrorKind};
pub use page::{PageCall, PageEvent, PageReply, RunData, RunOrder, RunResult};
pub use people::{
    ActivityItem, ActivityView, Here, InviteView, MemberView, PresentView, ReadableSecret, Role, TeamView,
    WorkspaceKind,
};
pub use reply::{Acknowledged, Progress, Reply};
pub use sending::{
    CookieView, EnvironmentChoice, KeptChange, LogLine, RunEntry, RunView, SendOrder, SentBody, SentEntry,
    SentRequest, SentResponse, SentSizes, SentTimings, SentView, SourceView, SourcesView, TestView,
    ValueChange, ValuePlace,
};
pub use status::{Pending, SetAside, State, Status, WorkspaceStatus};
pub use view::{
    AccountView, AppView, Check, ConflictView, ExportedFile, Hit, ImportReport, ItemView, TrashView,
    VariableView, Verification, VersionView, WorkspaceView,
};
