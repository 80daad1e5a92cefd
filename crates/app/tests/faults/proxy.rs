//! A bad line between real processes: a TCP proxy whose faults come from a seed.
//!
//! Invariants: a healed proxy lets everything through and has ended every connection from before, so that
//! nobody waits for one that is half open. Delays are the fault itself and end when the proxy heals.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::seed::Seed;

/// The longest that one piece is held back.
const DELAY_MAX_MS: u64 = 40;

/// What happens to a connection; places are counted in bytes of one direction.
#[derive(Debug, Clone, Copy)]
enum Fault {
    None,
    Refuse,
    Cut { after: u64, upstream: bool },
    HalfOpen { after: u64 },
    Garbage { after: u64, upstream: bool },
    Flip { after: u64, upstream: bool },
    Slow,
    Delay { ms: u64 },
    Twice,
}

struct Line {
    seed: Option<Seed>,
    open: Vec<TcpStream>,
    /// How often it broke down or healed.
    turns: u64,
}

/// What all threads of a proxy share.
struct Shared {
    line: Mutex<Line>,
    healed: Condvar,
    faults: AtomicU64,
    to: SocketAddr,
}

/// The proxy.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Proxy {
    /// A proxy before a local port, without faults.
    pub(crate) fn new(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it listens");
        let to = SocketAddr::from(([127, 0, 0, 1], port));
        let line = Mutex::new(Line { seed: None, open: Vec::new(), turns: 0 });
        let shared = Arc::new(Shared { line, healed: Condvar::new(), faults: AtomicU64::new(0), to });
        let accepting = shared.clone();
        // The thread ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = accepting.clone();
                std::thread::spawn(move || shared.serve(&stream));
            }
        });
        Self { shared, address }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on connections have faults, those that are open end.
    pub(crate) fn break_down(&self, seed: Seed) {
        self.set(Some(seed));
    }

    /// From now on all is well; what is open ends.
    pub(crate) fn heal(&self) {
        self.set(None);
        self.shared.healed.notify_all();
    }

    /// How many connections had a fault.
    pub(crate) fn faults(&self) -> u64 {
        self.shared.faults.load(Ordering::Relaxed)
    }

    fn set(&self, seed: Option<Seed>) {
        let mut line = self.shared.line();
        line.seed = seed;
        line.turns += 1;
        for stream in line.open.drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.heal();
    }
}

fn choose(seed: &mut Seed) -> Fault {
    // Some bytes, more often few: the handshakes are where most can go wrong.
    let after = if seed.one_in(2) { seed.below(600) } else { seed.below(20_000) };
    let upstream = seed.one_in(2);
    match seed.below(10) {
        0 => Fault::Refuse,
        1 | 2 => Fault::Cut { after, upstream },
        3 => Fault::HalfOpen { after },
        4 => Fault::Garbage { after, upstream },
        5 => Fault::Flip { after, upstream },
        6 => Fault::Slow,
        7 => Fault::Delay { ms: 1 + seed.below(DELAY_MAX_MS) },
        8 => Fault::Twice,
        _ => Fault::None,
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(self: &Arc<Self>, client: &TcpStream) {
        let (turn, (fault, mut seed)) = {
            let mut line = self.line();
            let chosen = match &mut line.seed {
                Some(seed) => (choose(seed), Seed::new(seed.next())),
                None => (Fault::None, Seed::new(0)),
            };
            (line.turns, chosen)
        };
        if !matches!(fault, Fault::None) {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        if matches!(fault, Fault::Refuse) {
            return;
        }
        let Ok(server) = TcpStream::connect(self.to) else { return };
        let twin = matches!(fault, Fault::Twice).then(|| TcpStream::connect(self.to).ok()).flatten();
        let clones = [client, &server].map(TcpStream::try_clone);
        {
            let mut line = self.line();
            if line.turns != turn {
                return; // it is one from before, with a fault of then
            }
            line.open.extend(clones.into_iter().flatten());
            line.open.extend(twin.as_ref().and_then(|twin| twin.try_clone().ok()));
        }
        drop(client.set_nodelay(true));
        drop(server.set_nodelay(true));
        let back = (server.try_clone(), client.try_clone());
        let down_seed = Seed::new(seed.next());
        let shared = self.clone();
        let down = std::thread::spawn(move || {
            if let (Ok(mut from), Ok(mut to)) = back {
                shared.pass(&mut from, &mut to, None, fault, false, down_seed);
            }
        });
        let (mut from, mut to) = (client, &server);
        self.pass(&mut from, &mut to, twin, fault, true, seed);
        drop(down.join());
    }

    /// Passes one direction on until it ends or its fault ends it.
    fn pass(
        &self,
        from: &mut impl Read,
        to: &mut (impl Write + Ends),
        mut twin: Option<TcpStream>,
        fault: Fault,
        upstream: bool,
        mut seed: Seed,
    ) {
        let mut passed = 0;
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            let bytes = &mut piece[..length];
            let end = passed + length as u64;
            let is_here = |after: u64, way: bool| way == upstream && (passed..end).contains(&after);
            match fault {
                Fault::Cut { after, upstream: way } if is_here(after, way) => {
                    let before = usize::try_from(after - passed).unwrap_or(0);
                    drop(to.write_all(&bytes[..before]));
                    break;
                }
                Fault::HalfOpen { after } if end > after => {
                    // Both ends go on believing in it, until the line heals and closes it.
                    passed = end;
                    continue;
                }
                Fault::Garbage { after, upstream: way } if is_here(after, way) => {
                    let garbage: Vec<u8> =
                        (0..=seed.below(200)).map(|_| seed.next().to_le_bytes()[0]).collect();
                    drop(to.write_all(&garbage));
                }
                Fault::Flip { after, upstream: way } if is_here(after, way) => {
                    bytes[usize::try_from(after - passed).unwrap_or(0)] ^= 1 << seed.below(8);
                }
                Fault::Delay { ms } => self.hold(Duration::from_millis(seed.below(ms + 1))),
                _ => {}
            }
            if let Some(twin) = &mut twin {
                drop(twin.write_all(bytes));
            }
            let step = if matches!(fault, Fault::Slow) { 1 } else { bytes.len() };
            if bytes.chunks(step).any(|chunk| to.write_all(chunk).is_err()) {
                break;
            }
            passed = end;
        }
        to.end();
    }

    /// Holds a piece back, for as long as the line is bad.
    fn hold(&self, time: Duration) {
        let line = self.line();
        drop(self.healed.wait_timeout_while(line, time, |line| line.seed.is_some()));
    }
}

/// Something that can be closed for both directions.
trait Ends {
    fn end(&self);
}

impl Ends for TcpStream {
    fn end(&self) {
        drop(self.shutdown(Shutdown::Both));
    }
}

impl Ends for &TcpStream {
    fn end(&self) {
        drop(self.shutdown(Shutdown::Both));
    }
}
