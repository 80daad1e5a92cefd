//! The word to stop, said once and heard everywhere.

use std::sync::Arc;

use tokio::sync::watch;

/// Stops a send or a run from outside. All clones are the same word.
#[derive(Debug, Clone)]
pub struct Stop {
    said: Arc<watch::Sender<bool>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { said: Arc::new(watch::Sender::new(false)) }
    }
}

impl Stop {
    /// Says it. Requests under way are given up; scripts are killed.
    pub fn stop(&self) {
        self.said.send_replace(true);
    }

    /// Whether it was said.
    pub fn is_stopped(&self) -> bool {
        *self.said.borrow()
    }

    /// Waits until it is said.
    pub async fn stopped(&self) {
        let mut heard = self.said.subscribe();
        // The sender lives in `self`, so the channel cannot close meanwhile.
        let _ = heard.wait_for(|said| *said).await;
    }
}
