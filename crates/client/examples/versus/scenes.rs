//! The scenes, the same for every system (`bench/peers/src/drive.mjs`).

use std::time::{Duration, Instant};

use crate::app::App;
use crate::measure::{cpu_seconds, millis, quantile, resident_megabytes, tell};
use crate::server::{Proxy, Server};
use crate::{Options, Outcome};

pub(crate) const EMAIL: &str = "bench@example.com";
/// Apps of one account in the scene with idle ones, as the peers have so many apps on a document.
const APPS_OF_AN_ACCOUNT: usize = 25;
/// Everything rests for this long before a fresh app begins, and before a server's memory is read: what the
/// scene before has left to do is not part of it. The peers rest as long.
const SETTLE_TIME: Duration = Duration::from_secs(1);
/// A fresh app's tree is not looked at more often: each look takes time from what it looks at.
const LOOK_PERIOD: Duration = Duration::from_millis(2);

/// Fill, edits, and unless only those are wanted, a burst and a fresh app.
pub(crate) async fn work(options: &Options, whole: bool) -> Outcome<()> {
    let server = Server::start(&options.server, &options.folder)?;
    let a = App::sign_up(&options.folder.join("a"), &server.url, EMAIL).await?;
    let begun = Instant::now();
    a.import(&options.input).await?;
    tell("fill", begun.elapsed().as_secs_f64(), "s");
    let mut b = App::sign_in(&options.folder.join("b"), &server.url, EMAIL).await?;
    b.sync().await?;
    let ids = b.requests().await?;
    edits(options, &a, &mut b, &ids).await?;
    if whole {
        burst(options, &server, &a, &mut b, &ids).await?;
        tokio::time::sleep(SETTLE_TIME).await;
        fresh(options, &server, &ids).await?;
        let (away, proxy) = fresh_bytes(options, &server).await?;
        crate::own::week(options, &a, &away, &proxy, &ids).await?;
    }
    Ok(())
}

async fn edits(options: &Options, a: &App, b: &mut App, ids: &[String]) -> Outcome<()> {
    let mut latencies = Vec::with_capacity(options.edits);
    for number in 0..options.edits {
        let id = &ids[(number * 7_919) % ids.len()];
        let url = format!("https://edited.example.com/{number}/end");
        let begun = Instant::now();
        let (edited, seen) = tokio::join!(a.edit(id, &url), b.until(id, &url));
        edited.and(seen)?;
        latencies.push(millis(begun.elapsed()));
    }
    tell("edit p50", quantile(&latencies, 50), "ms");
    tell("edit p99", quantile(&latencies, 99), "ms");
    Ok(())
}

async fn burst(options: &Options, server: &Server, a: &App, b: &mut App, ids: &[String]) -> Outcome<()> {
    let process = server.process();
    let (begun, cpu) = (Instant::now(), cpu_seconds(process)?);
    for number in 0..options.edits {
        a.edit(&ids[(number * 7_919 + 1) % ids.len()], &format!("burst-{number}-end")).await?;
    }
    let last = options.edits - 1;
    b.until(&ids[(last * 7_919 + 1) % ids.len()], &format!("burst-{last}-end")).await?;
    tell("burst", begun.elapsed().as_secs_f64(), "s");
    let spent = cpu_seconds(process)? - cpu;
    let count = u32::try_from(options.edits)?;
    tell("burst server CPU per edit", spent * 1e6 / f64::from(count), "µs");
    Ok(())
}

/// From the sign-in (told apart: it takes as long as its password hash) to the tree, to everything verified and
/// decrypted, and to everything stored.
///
/// The tree is there when its items can be listed; everything is verified and decrypted when nothing is to be
/// received any more: every pack's hash is the signed manifest's, each opened, and what they say of their
/// records sums up to its digest and, with the entries since, to the server's; it is stored when the app is in
/// sync, which it is not before its disk has it.
async fn fresh(options: &Options, server: &Server, ids: &[String]) -> Outcome<()> {
    let begun = Instant::now();
    let mut app = App::sign_in(&options.folder.join("fresh"), &server.url, EMAIL).await?;
    let (signed_in, cpu) = (begun.elapsed(), cpu_seconds(std::process::id())?);
    let (mut tree, mut verified) = (None, None);
    loop {
        let look_again_at = Instant::now() + LOOK_PERIOD;
        if tree.is_none() && app.requests().await?.len() == ids.len() {
            tree = Some(begun.elapsed());
        }
        if tree.is_some() {
            let (is_in_sync, down) = app.progress().await?;
            if down == 0 {
                verified = verified.or(Some(begun.elapsed()));
            }
            if is_in_sync {
                break;
            }
        }
        app.changed().await?;
        tokio::time::sleep_until(look_again_at.into()).await;
    }
    let all = begun.elapsed();
    let cpu = cpu_seconds(std::process::id())? - cpu;
    // A state alone is no proof: the last edit of the burst must be there.
    let last = options.edits - 1;
    if !app.has(&ids[(last * 7_919 + 1) % ids.len()], &format!("burst-{last}-end")).await? {
        return Err("the fresh app is in sync without the last edit".into());
    }
    tell("fresh sign-in", millis(signed_in), "ms");
    tell("fresh tree", millis(tree.unwrap_or(all).saturating_sub(signed_in)), "ms");
    tell("fresh all", millis(verified.unwrap_or(all).saturating_sub(signed_in)), "ms");
    tell("fresh stored", millis(all.saturating_sub(signed_in)), "ms");
    tell("fresh CPU of the app", cpu * 1e3, "ms");
    Ok(())
}

/// Many fresh apps one after the other, for whoever works on that.
pub(crate) async fn fresh_only(options: &Options) -> Outcome<()> {
    let server = Server::start(&options.server, &options.folder)?;
    let a = App::sign_up(&options.folder.join("a"), &server.url, EMAIL).await?;
    a.import(&options.input).await?;
    let mut b = App::sign_in(&options.folder.join("b"), &server.url, EMAIL).await?;
    b.sync().await?;
    let ids = b.requests().await?;
    edits(options, &a, &mut b, &ids).await?;
    burst(options, &server, &a, &mut b, &ids).await?;
    a.sync().await?;
    for _ in 0..options.apps {
        fresh(options, &server, &ids).await?;
        std::fs::remove_dir_all(options.folder.join("fresh"))?;
    }
    fresh_bytes(options, &server).await.map(drop)
}

async fn fresh_bytes(options: &Options, server: &Server) -> Outcome<(App, Proxy)> {
    let proxy = server.proxy().await?;
    let app = App::sign_in(&options.folder.join("counted"), &proxy.url, EMAIL).await?;
    app.sync().await?;
    let bytes = u32::try_from(proxy.received())?;
    tell("fresh bytes", f64::from(bytes) / 1e6, "MB");
    Ok((app, proxy))
}

/// So many connected apps, then the server's memory.
pub(crate) async fn idle(options: &Options) -> Outcome<()> {
    let server = Server::start(&options.server, &options.folder)?;
    let proxy = server.proxy().await?;
    let mut apps = Vec::with_capacity(options.apps);
    for number in 0..options.apps {
        let home = options.folder.join(format!("app{number}"));
        let email = format!("idle{}@example.com", number / APPS_OF_AN_ACCOUNT);
        let app = if number % APPS_OF_AN_ACCOUNT == 0 {
            App::sign_up(&home, &proxy.url, &email).await?
        } else {
            App::sign_in(&home, &proxy.url, &email).await?
        };
        app.sync().await?;
        apps.push(app);
    }
    tokio::time::sleep(SETTLE_TIME).await;
    for app in &apps {
        if !app.is_in_sync().await? {
            return Err("an app is not connected".into());
        }
    }
    tell("idle memory", resident_megabytes(server.process())?, "MB");
    Ok(())
}

/// Edits until each of so many apps of one account has them.
pub(crate) async fn subscribers(options: &Options) -> Outcome<()> {
    let server = Server::start(&options.server, &options.folder)?;
    let proxy = server.proxy().await?;
    let a = App::sign_up(&options.folder.join("a"), &proxy.url, EMAIL).await?;
    a.import(&options.input).await?;
    let ids = a.requests().await?;
    let mut others = Vec::with_capacity(options.apps);
    for number in 0..options.apps {
        let app = App::sign_in(&options.folder.join(format!("app{number}")), &proxy.url, EMAIL).await?;
        app.sync().await?;
        others.push(app);
    }
    let mut latencies = Vec::with_capacity(options.edits);
    for number in 0..options.edits {
        let (id, url) = (&ids[number % ids.len()], format!("to-all-{number}-end"));
        let begun = Instant::now();
        let seen = others.iter_mut().map(|app| app.until(id, &url));
        let (edited, seen) = tokio::join!(a.edit(id, &url), futures_util::future::join_all(seen));
        edited?;
        seen.into_iter().collect::<Outcome<Vec<()>>>()?;
        latencies.push(millis(begun.elapsed()));
    }
    tell("subscribers p50", quantile(&latencies, 50), "ms");
    tell("subscribers p99", quantile(&latencies, 99), "ms");
    Ok(())
}
