//! Payloads and files: what is read is written and read back equal; a file is imported or refused.

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use satchel_model::format::payload::{decode_body, decode_node, encode_body, encode_node, is_plain_body};
use satchel_model::format::postman;
use satchel_model::{Item, OrderKey, RecordId, Tree, path as model_path};

const ROOT: RecordId = RecordId([1; 16]);
const NODE: &str = r#"{"color":"red","conflicts":{"c":{"local":"/a","path":["url"],"server":null,"when":7,"who":"ab"}},"kind":"request","method":"GET","name":"Get cart","position":{"order":"V","parent":"abababababababababababababababab"},"trashed":{"when_ms":9,"who":"cd"},"v":1}"#;
const BODY: &str =
    r#"{"fields":{"a":{"$list":{"0000000000000001":["V",{"key":"Accept"}]}},"b":{"$$list":1.50}},"v":1}"#;
const COLLECTION: &str = r#"{"info":{"name":"A","schema":"https://schema.getpostman.com/json/collection/v2.0.0/collection.json"},"item":[{"name":"f","item":[{"name":"r","request":{"url":"http://a.test/:id?a=1","method":"POST","header":[{"key":"A","value":"b"}],"auth":{"type":"basic","basic":{"username":"u"}},"body":{"mode":"raw","raw":"x"}},"response":[]}]}],"variable":[{"key":"k","value":"v"}]}"#;
const ENVIRONMENT: &str = r#"{"id":"e","name":"Dev","values":[{"key":"host","value":"a","enabled":true,"type":"secret"}],"_postman_variable_scope":"environment"}"#;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(3)
}

pub(super) fn node(bytes: &[u8]) {
    let Ok(node) = decode_node(bytes) else { return };
    let written = encode_node(&node);
    assert_eq!(decode_node(&written).expect("what was written is read"), node);
    // The tree takes any node, also one that is its own parent.
    let _ = Tree::build(ROOT, [(ROOT, &node), (node.position.parent, &node)]);
}

pub(super) fn node_seeds() -> Vec<Vec<u8>> {
    vec![NODE.into()]
}

pub(super) fn body(bytes: &[u8]) {
    let body = decode_body(bytes);
    let is_plain = body.as_ref().is_ok_and(|body| body.conflicts.is_empty());
    assert!(is_plain || !is_plain_body(bytes), "what looks like a plain body is one");
    let Ok(body) = body else { return };
    let written = encode_body(&body);
    assert_eq!(decode_body(&written).expect("what was written is read"), body);
}

pub(super) fn body_seeds() -> Vec<Vec<u8>> {
    vec![BODY.into()]
}

/// What is imported can be stored, and exported as a dump that is imported again.
pub(super) fn import(bytes: &[u8]) {
    let Ok(file) = postman::import(bytes, ROOT, &mut rng()) else { return };
    for item in &file.items {
        let (node, body) = (encode_node(&item.item.node), encode_body(&item.item.body));
        assert_eq!(decode_node(&node).expect("a node that was imported is stored"), item.item.node);
        assert_eq!(decode_body(&body).expect("a body that was imported is stored"), item.item.body);
    }
}

pub(super) fn v2_seeds() -> Vec<Vec<u8>> {
    vec![COLLECTION.into()]
}

pub(super) fn environment_seeds() -> Vec<Vec<u8>> {
    vec![ENVIRONMENT.into(), ENVIRONMENT.replace("\"environment\"", "\"globals\"").into()]
}

pub(super) fn dump_seeds() -> Vec<Vec<u8>> {
    let dump = format!(
        r#"{{"version":1,"collections":[{COLLECTION}],"environments":[{ENVIRONMENT}],"headerPresets":[],"globals":[{{"key":"g","value":"1"}}]}}"#
    );
    vec![dump.into_bytes(), format!("[{COLLECTION},{ENVIRONMENT}]").into_bytes()]
}

pub(super) fn zip_seeds() -> Vec<Vec<u8>> {
    let files = [COLLECTION, ENVIRONMENT].map(|text| postman::import(text.as_bytes(), ROOT, &mut rng()));
    let items: Vec<Item> =
        files.into_iter().flatten().flat_map(|file| file.items).map(|imported| imported.item).collect();
    satchel_model::format::dump::export_zip(&items).into_iter().collect()
}

pub(super) fn url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parsed = postman::url::parse(text, &mut rng());
    assert_eq!(postman::url::text(&parsed), text, "a URL is written as it was read");
}

pub(super) fn url_seeds() -> Vec<Vec<u8>> {
    let urls = [
        "https://user:pass@a.example.com:8080/v1/:id/x?a=1&b&=c&d=#top",
        "{{baseUrl}}/a/{{b}}?q={{c}}",
        "http://[::1]:80/",
        "a.test",
        "?only=query",
        "grpc://host/:a/:a",
    ];
    urls.map(|url| url.as_bytes().to_vec()).to_vec()
}

pub(super) fn path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let names = model_path::parse(text);
    assert_eq!(model_path::parse(&model_path::format(&names)), names, "a path is read as it was written");
    let _ = model_path::parse_id(text);
}

pub(super) fn path_seeds() -> Vec<Vec<u8>> {
    [r"Shop/Cart\/Get/a b", r"\\/x", "0123456789abcdef0123456789abcdef"].map(Into::into).to_vec()
}

pub(super) fn order_key(bytes: &[u8]) {
    let keys: Vec<OrderKey> = bytes
        .split(|byte| *byte == b' ')
        .filter_map(|word| OrderKey::parse(std::str::from_utf8(word).ok()?).ok())
        .collect();
    for pair in keys.windows(2).filter(|pair| pair[0] < pair[1]) {
        let between = OrderKey::between(Some(&pair[0]), Some(&pair[1]), &mut rng());
        assert_eq!(OrderKey::parse(between.as_str()).as_ref(), Ok(&between), "a key that was made is read");
        assert!(pair[0] < between && between < pair[1], "{:?} {between:?} {:?}", pair[0], pair[1]);
    }
}

pub(super) fn order_seeds() -> Vec<Vec<u8>> {
    ["V", "V W", "A B C", "V0V V1 z"].map(Into::into).to_vec()
}
