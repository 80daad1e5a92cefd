//! The real server as a process, and a proxy before it that counts bytes.
//!
//! The proxy gives each connection a source address of its own from 127.0.0.0/8: a thousand apps on one
//! machine would else meet the limit of sign-ins for one address.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::Outcome;

const LISTENING: &str = "listening on ";
const BUFFER_BYTES: usize = 64 * 1024;

/// A running server; dropping it ends the process.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    address: SocketAddr,
}

impl Server {
    pub(crate) fn start(program: &Path, folder: &Path) -> Outcome<Self> {
        let mut child = Command::new(program)
            .arg("--data")
            .arg(folder.join("server"))
            .args(["--listen", "127.0.0.1:0", "--max-apps", "0", "--max-sockets", "1000"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.contains(LISTENING)));
        let line = line.ok_or("the server ended before it listened")?;
        let (_, url) = line.split_once(LISTENING).ok_or("no address")?;
        let (url, address) = (url.trim().to_owned(), url.trim().trim_start_matches("http://").parse()?);
        // A full pipe would stop the server.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, url, address })
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// A proxy before the server, for as long as this process runs.
    pub(crate) async fn proxy(&self) -> Outcome<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let received = Arc::new(AtomicU64::new(0));
        let (is_cut, cut) = watch::channel(false);
        tokio::spawn(serve(listener, self.address, Arc::clone(&received), cut));
        Ok(Proxy { url, received, is_cut })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left to do about an error.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Where the proxy listens, and the bytes that came from the server.
pub(crate) struct Proxy {
    pub(crate) url: String,
    received: Arc<AtomicU64>,
    is_cut: watch::Sender<bool>,
}

impl Proxy {
    /// Ends every connection and takes no other until it is called with false.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.send_replace(is_cut);
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

async fn serve(
    listener: TcpListener,
    server: SocketAddr,
    received: Arc<AtomicU64>,
    cut: watch::Receiver<bool>,
) {
    let count = AtomicU32::new(0);
    while let Ok((near, _)) = listener.accept().await {
        let mut cut = cut.clone();
        if *cut.borrow() {
            continue;
        }
        let number = count.fetch_add(1, Ordering::Relaxed);
        let received = Arc::clone(&received);
        tokio::spawn(async move {
            tokio::select! {
                _ = pass(near, server, number, &received) => {}
                _ = cut.wait_for(|is_cut| *is_cut) => {}
            }
        });
    }
}

async fn pass(near: TcpStream, server: SocketAddr, number: u32, received: &AtomicU64) -> std::io::Result<()> {
    let source = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + number);
    let socket = TcpSocket::new_v4()?;
    socket.bind((source, 0).into())?;
    let far = socket.connect(server).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    let up = async {
        drop(tokio::io::copy(&mut near_read, &mut far_write).await);
        far_write.shutdown().await
    };
    let down = async {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let bytes = far_read.read(&mut buffer).await?;
            if bytes == 0 {
                return near_write.shutdown().await;
            }
            received.fetch_add(bytes as u64, Ordering::Relaxed);
            near_write.write_all(&buffer[..bytes]).await?;
        }
    };
    tokio::try_join!(up, down).map(drop)
}
