//! Requests that are nearly right, and such as are not.

use crate::programs::{ORDER, PAYMENT};
use rand::RngExt as _;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;

const PATHS: [&str; 24] = [
    "/",
    "/create",
    "/create?count=0",
    "/create?count=-1",
    "/create?count=4294967296",
    "/create?count=1&count=2",
    "/create?count=%00",
    "/orders",
    "/orders?limit=0",
    "/orders?limit=101&before=x",
    "/orders?before=$gt",
    "/payments/..%2f..%2fetc%2fpasswd",
    "/orders/{\"$ne\":null}",
    "/shipments/00000000-0000-0000-0000-000000000000",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//",
    "/livez",
    "/readyz",
    "/circuit",
    "/openapi.json",
    "/chaos",
    "/metrics",
    "/queue",
    "*",
];
const METHODS: [&str; 11] =
    ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "\u{1f412}"];
const VALUES: [&str; 20] = [
    "null",
    "true",
    "-0",
    "1e999",
    "18446744073709551616",
    "0.1",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "[]",
    "{}",
    "[[[[[[]]]]]]",
    r#"{"$gt":""}"#,
    r#"{"$oid":"000000000000000000000000"}"#,
    r#"{"$where":"sleep(1000)"}"#,
    r#"{"__proto__":{"a":1}}"#,
    r#"{"a.b":1,"$set":2,"":3}"#,
    r#"{"key":"mine","created_at":0,"response":1,"msg":2}"#,
    "\"../../etc/passwd\"",
    "\"\u{202e}\u{0}\u{1f4a5}\"",
];
const TYPES: [&str; 7] = [
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
    "application/json\u{e9}",
];

/// Draws one request after the other.
pub(crate) struct Garbage {
    random: SmallRng,
}

impl Garbage {
    pub(crate) fn new(random: SmallRng) -> Self {
        Self { random }
    }

    pub(crate) fn request(&mut self) -> Vec<u8> {
        match self.random.random_range(0..10) {
            0 => self.noise(),
            1..=4 => {
                let body = self.nearly();
                self.post("/create", "application/json", &body)
            }
            5 => {
                let mut request = self.post("/create?count=1", "application/json", ORDER.as_bytes());
                self.damage(&mut request);
                request
            }
            _ => self.anything(),
        }
    }

    /// Bytes.
    fn noise(&mut self) -> Vec<u8> {
        let length = self.random.random_range(1..400);
        let mut bytes: Vec<u8> = (0..length).map(|_| self.random.random()).collect();
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes
    }

    /// A document in which one thing is wrong.
    fn nearly(&mut self) -> Vec<u8> {
        let mut document = [ORDER, PAYMENT].choose(&mut self.random).expect("two").as_bytes().to_vec();
        match self.random.random_range(0..5) {
            0 => {
                let value = VALUES.choose(&mut self.random).expect("some");
                let text = String::from_utf8(document).expect("text").replacen(
                    "\"1\"",
                    value,
                    self.random.random_range(1..3),
                );
                document = text.into_bytes();
            }
            1 => document.truncate(self.random.random_range(0..document.len())),
            2 => self.damage(&mut document),
            3 => {
                let depth = self.random.random_range(1..3_000);
                document = [
                    b"{\"id\":\"1\",\"items\":".to_vec(),
                    vec![b'['; depth],
                    vec![b']'; depth],
                    b",\"payment\":{}}".to_vec(),
                ]
                .concat();
            }
            _ => {
                let items = vec!["0"; self.random.random_range(0..12_000)].join(",");
                document = format!(r#"{{"id":"1","items":[{items}],"payment":{{}}}}"#).into_bytes();
            }
        }
        document
    }

    /// Some bytes are others.
    fn damage(&mut self, bytes: &mut [u8]) {
        for _ in 0..self.random.random_range(1..6) {
            let at = self.random.random_range(0..bytes.len());
            bytes[at] = self.random.random();
        }
    }

    fn anything(&mut self) -> Vec<u8> {
        let method = *METHODS.choose(&mut self.random).expect("some");
        let path = *PATHS.choose(&mut self.random).expect("some");
        let kind = *TYPES.choose(&mut self.random).expect("some");
        let body = VALUES.choose(&mut self.random).expect("some").as_bytes().to_vec();
        let length = match self.random.random_range(0..6) {
            0 => "-1".to_owned(),
            1 => "99999999999999999999".to_owned(),
            2 => (body.len() / 2).to_string(),
            _ => body.len().to_string(),
        };
        let more = match self.random.random_range(0..8) {
            0 => "Transfer-Encoding: chunked\r\n".to_owned(),
            1 => format!("Idempotency-Key: {}\r\n", "k".repeat(self.random.random_range(0..2_000))),
            2 => "traceparent: 00-zz-00-01\r\ntracestate: =,=,=\r\n".to_owned(),
            3 => format!("Accept: {}\r\n", "application/json;q=2,".repeat(self.random.random_range(0..200))),
            4 => "Expect: 100-continue\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n".to_owned(),
            5 => (0..self.random.random_range(0..150)).map(|n| format!("X-{n}: {n}\r\n")).collect(),
            6 => "Origin: http://evil.example\r\nAuthorization: Bearer \u{e9}\r\n".to_owned(),
            _ => String::new(),
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{more}\r\n"
        );
        [head.into_bytes(), body].concat()
    }

    fn post(&mut self, path: &str, kind: &str, body: &[u8]) -> Vec<u8> {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    }
}
