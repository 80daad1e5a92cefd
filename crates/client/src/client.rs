//! The handle to a profile: calls go to the one thread that owns it.

use std::path::PathBuf;

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::api::{ApiError, ErrorKind, Progress, Reply, Request};
use crate::core::news::{self, Change};
use crate::core::{Core, Input, PendingCall};
use crate::keyring::KeyringChoice;
use crate::problem::problem;
use crate::transport::TransportChoice;

/// How a profile is opened.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The profile's folder.
    pub home: PathBuf,
    /// Whether new local keys leave a share in the operating system's keyring.
    pub keyring: KeyringChoice,
    /// Whether the connection is kept.
    pub mode: Mode,
    /// A file of certificates (PEM) to trust beside the system's.
    pub extra_ca: Option<PathBuf>,
    /// The proxy for sync; none takes the system's settings.
    pub proxy: Option<String>,
    /// How to reach the server.
    pub transport: TransportChoice,
}

/// Whether a profile keeps its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Connects only when a call needs it.
    OneShot,
    /// Keeps the connection, and reconnects by itself.
    Agent,
}

/// A profile that this process holds; clones are the same profile.
#[derive(Debug, Clone)]
pub struct Client {
    inputs: mpsc::UnboundedSender<Input>,
    version: watch::Receiver<u64>,
    changes: broadcast::Sender<Change>,
}

impl Client {
    /// Takes the profile and opens its stores.
    ///
    /// A wipe that was interrupted is finished first. No connection is made.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] if another process keeps the profile for more than a few seconds;
    /// [`ErrorKind::LocalStore`] or [`ErrorKind::Damaged`] if the stores cannot be opened;
    /// [`ErrorKind::Keyring`] if the keyring does not give what their keys need.
    pub async fn open(options: ClientOptions) -> Result<Self, ApiError> {
        let (inputs, queue) = mpsc::unbounded_channel();
        let (changed, version) = watch::channel(0);
        let changes = news::channel();
        let told = (changed, changes.clone());
        let (ready, opened) = oneshot::channel();
        let inbox = inputs.downgrade();
        let run = move || {
            let core = match Core::open(options, inbox, told) {
                Ok(core) => core,
                Err(error) => return drop(ready.send(Err(error))),
            };
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    let _ = ready.send(Ok(()));
                    runtime.block_on(core.run(queue));
                }
                Err(error) => drop(ready.send(Err(problem(ErrorKind::Internal, TRIED, error.to_string())))),
            }
        };
        std::thread::Builder::new()
            .name("satchel-core".into())
            .spawn(run)
            .map_err(|error| problem(ErrorKind::Internal, TRIED, error.to_string()))?;
        opened.await.unwrap_or_else(|_| Err(ended(TRIED)))?;
        Ok(Self { inputs, version, changes })
    }

    /// Does one call; `progress` is told how long work goes.
    ///
    /// # Errors
    /// Why the call failed; [`ErrorKind`] says what each means.
    pub async fn call(
        &self,
        request: Request,
        progress: Option<mpsc::UnboundedSender<Progress>>,
    ) -> Result<Reply, ApiError> {
        let (reply, answer) = oneshot::channel();
        let call = PendingCall { request, progress, reply };
        let sent = self.inputs.send(Input::Call(Box::new(call)));
        sent.map_err(|_| ended("calling a closed profile"))?;
        answer.await.unwrap_or_else(|_| Err(ended("calling the profile")))
    }

    /// Counts up whenever a state or content changed; the face asks again then.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.version.clone()
    }

    /// What changes from now on, item by item; who is too slow is told so by the channel, and reads everything.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Disconnects, closes the stores and frees the profile.
    pub async fn close(self) {
        let (done, closed) = oneshot::channel();
        if self.inputs.send(Input::Close(done)).is_ok() {
            let _ = closed.await;
        }
    }
}

const TRIED: &str = "opening the profile";

fn ended(tried: &str) -> ApiError {
    problem(ErrorKind::Internal, tried, "the profile's thread has ended")
}
