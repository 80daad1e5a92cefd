//! The functions that `pm/*.js` has from outside of JavaScript. None of them reaches further than this process.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use rand_core::{OsRng, RngCore as _};
use rquickjs::context::EvalOptions;
use rquickjs::{Ctx, Exception, Function, Object, Result, TypedArray};

use super::super::frame::{self, Kind};
use super::super::limits::{FRAMES, OUTPUT_BYTES, OUTWARD_BYTES, RANDOM_BYTES};
use super::library;
use crate::variable::Dynamic;

/// What lies outside of JavaScript's memory.
#[derive(Default)]
pub(super) struct Outside {
    /// The bodies of the answer and of the script's own requests, by their handles.
    pub(super) bodies: Vec<Vec<u8>>,
    /// How many frames the script has sent.
    frames: usize,
    /// And how many bytes.
    bytes: usize,
    /// Whether the end was told.
    pub(super) is_done: bool,
}

impl Outside {
    /// Forgets the script before.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// What the natives share with the engine.
pub(super) type Shared = Rc<RefCell<Outside>>;

/// `atob` takes text with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Makes the object `S.host`.
pub(super) fn make<'js>(ctx: &Ctx<'js>, outside: &Shared) -> Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    let begin = Instant::now();
    host.set("now", Function::new(ctx.clone(), move || begin.elapsed().as_secs_f64() * 1000.0)?)?;
    let shared = Rc::clone(outside);
    let emit = move |ctx: Ctx<'js>, kind: String, json: String| emit(&ctx, &shared, &kind, &json);
    host.set("emit", Function::new(ctx.clone(), emit)?)?;
    let shared = Rc::clone(outside);
    let text = move |handle: usize, charset: String| {
        shared.borrow().bodies.get(handle).map(|body| decoded(body, &charset)).unwrap_or_default()
    };
    host.set("text", Function::new(ctx.clone(), text)?)?;
    let shared = Rc::clone(outside);
    let body = move |ctx: Ctx<'js>, handle: usize| {
        TypedArray::<u8>::new(ctx, shared.borrow().bodies.get(handle).cloned().unwrap_or_default())
    };
    host.set("body", Function::new(ctx.clone(), body)?)?;
    host.set(
        "decode",
        Function::new(ctx.clone(), |bytes: Vec<u8>, charset: String| decoded(&bytes, &charset))?,
    )?;
    let encode = |ctx: Ctx<'js>, text: String| TypedArray::<u8>::new(ctx, text.into_bytes());
    host.set("encode", Function::new(ctx.clone(), encode)?)?;
    host.set("random", Function::new(ctx.clone(), |ctx: Ctx<'js>, count: usize| random(ctx, count))?)?;
    host.set("dynamic", Function::new(ctx.clone(), |name: String| dynamic(&name))?)?;
    host.set("atob", Function::new(ctx.clone(), |ctx: Ctx<'js>, text: String| from_base64(&ctx, &text))?)?;
    host.set("btoa", Function::new(ctx.clone(), |ctx: Ctx<'js>, text: String| to_base64(&ctx, &text))?)?;
    host.set("load", Function::new(ctx.clone(), |ctx: Ctx<'js>, name: String| load(&ctx, &name))?)?;
    let compiled = |ctx: Ctx<'js>, source: String, file: String, is_async: bool| {
        let kind = if is_async { "async function" } else { "function" };
        compile(&ctx, format!("({kind}(){{{source}\n}})"), file)
    };
    host.set("compile", Function::new(ctx.clone(), compiled)?)?;
    Ok(host)
}

/// Evaluates a text that is one function.
pub(super) fn compile<'js>(ctx: &Ctx<'js>, source: String, file: String) -> Result<Function<'js>> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(file);
    ctx.eval_with_options(source, options)
}

fn load<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Option<Function<'js>>> {
    let Some(source) = library::source(name) else { return Ok(None) };
    let source = format!("(function (module, exports, require, process) {{{source}\n}})");
    compile(ctx, source, format!("{name}.js")).map(Some)
}

/// Sends a frame, within what one script may send. The end is always let through, if it is not too long itself.
fn emit(ctx: &Ctx<'_>, shared: &Shared, kind: &str, json: &str) -> Result<()> {
    let Some(kind) = Kind::named(kind) else { return Err(Exception::throw_type(ctx, "no such frame")) };
    let mut outside = shared.borrow_mut();
    if json.len() > OUTWARD_BYTES - 64 {
        return Err(Exception::throw_range(ctx, "the script gives back more than 16 MiB at once"));
    }
    if kind == Kind::Done {
        outside.is_done = true;
        send(kind, json);
        return Ok(());
    }
    outside.frames += 1;
    outside.bytes += json.len();
    if outside.frames >= FRAMES || outside.bytes >= OUTPUT_BYTES {
        return Err(Exception::throw_range(ctx, "the script prints, tests and asks more than is allowed"));
    }
    send(kind, json);
    Ok(())
}

/// Without a parent there is nothing left to do.
fn send(kind: Kind, json: &str) {
    if frame::write(&mut io::stdout(), kind, json.as_bytes()).is_err() {
        std::process::exit(1);
    }
}

fn random(ctx: Ctx<'_>, count: usize) -> Result<TypedArray<'_, u8>> {
    if count > RANDOM_BYTES {
        return Err(Exception::throw_range(&ctx, "more than 1 MiB of random bytes at once"));
    }
    let mut bytes = vec![0; count];
    OsRng.fill_bytes(&mut bytes);
    TypedArray::new(ctx, bytes)
}

fn dynamic(name: &str) -> Option<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Dynamic::new(&mut OsRng, u64::try_from(now.as_millis()).unwrap_or(u64::MAX)).value(name)
}

fn from_base64(ctx: &Ctx<'_>, text: &str) -> Result<String> {
    let plain: String = text.chars().filter(|it| !it.is_ascii_whitespace()).collect();
    let bytes = LENIENT.decode(plain);
    let bytes = bytes.map_err(|_| Exception::throw_message(ctx, "the text to be decoded is not base64"))?;
    Ok(bytes.into_iter().map(char::from).collect())
}

fn to_base64(ctx: &Ctx<'_>, text: &str) -> Result<String> {
    let bytes: std::result::Result<Vec<u8>, _> = text.chars().map(|it| u8::try_from(u32::from(it))).collect();
    let bytes =
        bytes.map_err(|_| Exception::throw_message(ctx, "the text holds characters outside of Latin-1"))?;
    Ok(STANDARD.encode(bytes))
}

/// Bytes as text. What is no UTF-8, and of a charset that is not known here, has replacement characters.
fn decoded(bytes: &[u8], charset: &str) -> String {
    let units = |from: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| from([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match charset.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "iso88591" | "latin1" | "ascii" | "usascii" | "windows1252" | "binary" => {
            bytes.iter().copied().map(char::from).collect()
        }
        "utf16" | "utf16le" | "ucs2" => units(u16::from_le_bytes),
        "utf16be" => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}
