//! Collections that look like real ones, and are the same on every machine.
//!
//! Texts are made of words, so that they compress like texts; no two requests are equal.

use serde_json::{Value, json};

/// Requests in a folder.
const FOLDER_SIZE: usize = 25;

const WORDS: &[&str] = &[
    "account",
    "address",
    "amount",
    "archive",
    "balance",
    "basket",
    "billing",
    "cancel",
    "carrier",
    "catalogue",
    "change",
    "channel",
    "checkout",
    "client",
    "comment",
    "confirm",
    "contract",
    "country",
    "coupon",
    "credit",
    "currency",
    "customer",
    "delivery",
    "deposit",
    "discount",
    "document",
    "employee",
    "event",
    "filter",
    "gateway",
    "history",
    "identity",
    "invoice",
    "journey",
    "ledger",
    "limit",
    "location",
    "member",
    "message",
    "notice",
    "offer",
    "order",
    "parcel",
    "partner",
    "payment",
    "period",
    "price",
    "product",
    "profile",
    "purchase",
    "quantity",
    "receipt",
    "record",
    "refund",
    "region",
    "report",
    "request",
    "reserve",
    "return",
    "review",
    "schedule",
    "seller",
    "session",
    "shipment",
    "signal",
    "status",
    "stock",
    "store",
    "summary",
    "supplier",
    "ticket",
    "total",
    "transfer",
    "update",
    "user",
    "value",
    "vendor",
    "voucher",
    "wallet",
    "warehouse",
];
const METHODS: &[&str] = &["GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE"];

/// A linear congruential generator (Knuth's MMIX): small, and good enough for texts.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let count = choices.len() as u64;
        let index = usize::try_from(self.next() % count).expect("it is smaller than a length");
        choices[index]
    }

    fn word(&mut self) -> &'static str {
        self.pick(WORDS)
    }

    fn sentence(&mut self, words: usize) -> String {
        let words: Vec<&str> = (0..words).map(|_| self.word()).collect();
        format!("The {}.", words.join(" "))
    }

    fn id(&mut self) -> String {
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            self.next(),
            self.next() % 0x1_0000,
            self.next() % 0x1000,
            self.next() % 0x1000,
            self.next()
        )
    }
}

/// A collection v2.1.0 of at least `bytes_min` bytes.
pub(crate) fn collection_of_bytes(name: &str, bytes_min: usize, request_bytes: usize) -> Vec<u8> {
    let mut count = bytes_min / request_bytes;
    loop {
        let bytes = collection_of_requests(name, count, request_bytes);
        if bytes.len() >= bytes_min {
            return bytes;
        }
        count += 1 + (bytes_min - bytes.len()) / request_bytes;
    }
}

/// A collection v2.1.0 with this many requests of about `request_bytes` each, in folders.
pub(crate) fn collection_of_requests(name: &str, count: usize, request_bytes: usize) -> Vec<u8> {
    let mut random = Lcg(42);
    let mut folders = Vec::new();
    let mut made = 0;
    while made < count {
        let size = FOLDER_SIZE.min(count - made);
        let requests: Vec<Value> =
            (made..made + size).map(|number| request(&mut random, number, request_bytes)).collect();
        let folder = format!("{} {:03}", random.word(), folders.len() + 1);
        folders.push(json!({"name": folder, "description": random.sentence(20), "item": requests}));
        made += size;
    }
    let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
    let info = json!({"_postman_id": random.id(), "name": name, "schema": schema});
    let variables = json!([{"key": "baseUrl", "value": "https://api.example.com"}]);
    json!({"info": info, "item": folders, "variable": variables}).to_string().into_bytes()
}

/// One request, filled up with description to about the size.
fn request(random: &mut Lcg, number: usize, bytes: usize) -> Value {
    let method = random.pick(METHODS);
    let (noun, verb) = (random.word(), random.word());
    let mut item = json!({
        "name": format!("{verb} {noun} {number:05}"),
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": test_script(random)}}],
        "request": {
            "method": method,
            "header": headers(random),
            "url": url(random, noun),
            "description": "",
        },
        "response": [],
    });
    if method != "GET" && method != "DELETE" {
        let raw = format!("{:#}", body(random));
        item["request"]["body"] =
            json!({"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}});
    }
    let mut description = String::new();
    let missing = bytes.saturating_sub(item.to_string().len());
    while description.len() < missing {
        description += &random.sentence(12);
        description.push('\n');
    }
    description.truncate(missing);
    item["request"]["description"] = Value::String(description);
    item
}

fn headers(random: &mut Lcg) -> Value {
    json!([
        {"key": "Accept", "value": "application/json"},
        {"key": "Authorization", "value": "Bearer {{token}}"},
        {"key": "X-Request-Id", "value": random.id()},
    ])
}

fn url(random: &mut Lcg, noun: &str) -> Value {
    let (part, key, value) = (random.word(), random.word(), random.next() % 1000);
    json!({
        "raw": format!("{{{{baseUrl}}}}/v1/{noun}/:id/{part}?{key}={value}&page=1"),
        "host": ["{{baseUrl}}"],
        "path": ["v1", noun, ":id", part],
        "query": [{"key": key, "value": value.to_string()}, {"key": "page", "value": "1"}],
        "variable": [{"key": "id", "value": random.id()}],
    })
}

fn body(random: &mut Lcg) -> Value {
    let lines: Vec<Value> = (0..3)
        .map(|_| json!({"sku": random.id(), "name": random.sentence(3), "quantity": random.next() % 100}))
        .collect();
    json!({"reference": random.id(), "note": random.sentence(8), "lines": lines})
}

fn test_script(random: &mut Lcg) -> Value {
    json!([
        format!("pm.test(\"answers with the {}\", function () {{", random.word()),
        "    pm.response.to.have.status(200);".to_owned(),
        format!("    pm.expect(pm.response.json().{}).to.be.a(\"string\");", random.word()),
        "});".to_owned(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_collection_comes_every_time() {
        assert_eq!(collection_of_requests("Bench", 60, 2_000), collection_of_requests("Bench", 60, 2_000));
    }

    #[test]
    fn a_collection_has_its_requests_at_their_size() {
        let bytes = collection_of_requests("Bench", 60, 2_000);
        let document: Value = serde_json::from_slice(&bytes).expect("it is JSON");
        let folders = document["item"].as_array().expect("it has folders");
        let requests: Vec<&Value> =
            folders.iter().filter_map(|folder| folder["item"].as_array()).flatten().collect();
        assert_eq!((folders.len(), requests.len()), (3, 60));
        let sizes = requests.iter().map(|request| request.to_string().len());
        assert!(sizes.into_iter().all(|size| (1_900..2_200).contains(&size)));
    }

    #[test]
    fn no_two_requests_are_equal() {
        let bytes = collection_of_requests("Bench", 200, 1_000);
        let document: Value = serde_json::from_slice(&bytes).expect("it is JSON");
        let folders = document["item"].as_array().expect("it has folders");
        let requests = folders.iter().filter_map(|folder| folder["item"].as_array()).flatten();
        let texts: std::collections::BTreeSet<String> = requests.map(|r| r["request"].to_string()).collect();
        assert_eq!(texts.len(), 200);
    }

    #[test]
    fn a_collection_has_at_least_its_bytes() {
        let bytes = collection_of_bytes("Bench", 300_000, 2_000);
        assert!((300_000..310_000).contains(&bytes.len()), "{}", bytes.len());
    }
}
