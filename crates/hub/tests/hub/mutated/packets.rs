//! Valid client messages as bytes: MQTT 5 and 3.1.1, WebSocket frames, and HTTP requests.

use porchlight_core::team::Secret;

/// The version in a CONNECT: 4 is 3.1.1.
pub(super) const VERSIONS: [u8; 2] = [5, 4];

/// A packet without its length, which belongs between the first byte and the others.
#[derive(Debug, Clone)]
pub(super) struct Packet {
    pub(super) first: u8,
    pub(super) rest: Vec<u8>,
}

impl Packet {
    fn new(first: u8, rest: &[&[u8]]) -> Self {
        Self { first, rest: rest.concat() }
    }

    /// Returns the packet with its true length.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.first];
        let mut length = self.rest.len();
        loop {
            let low = u8::try_from(length % 128).unwrap();
            length /= 128;
            bytes.push(if length > 0 { low | 0x80 } else { low });
            if length == 0 {
                break;
            }
        }
        bytes.extend(&self.rest);
        bytes
    }
}

/// Returns a text with its length in front.
fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

/// Returns properties with their length in front, if the version has any.
fn properties(version: u8, properties: &[u8]) -> Vec<u8> {
    match version {
        5 => [&[u8::try_from(properties.len()).unwrap()], properties].concat(),
        _ => Vec::new(),
    }
}

/// Returns a CONNECT with User Name and Password.
pub(super) fn connect(version: u8, client_id: &str, who: &Secret) -> Packet {
    let (id, name, password) = (text(client_id), text(who.id()), text(who.secret()));
    let none = properties(version, b"");
    Packet::new(0x10, &[b"\0\x04MQTT", &[version], b"\xc2\0\x3c", &none, &id, &name, &password])
}

/// The same with a Will: retained, of QoS 1, on the topic of a device of the user.
pub(super) fn connect_with_will(version: u8, client_id: &str, who: &Secret, user: &str) -> Packet {
    // Session Expiry, Receive Maximum, Maximum Packet Size, Topic Alias Maximum, a User Property.
    let own = properties(
        version,
        b"\x11\0\0\0\x3c\x21\0\x14\x27\0\0\xff\xff\x22\0\x08\x26\0\x01k\0\x01v",
    );
    // Will Delay, Payload Format, Message Expiry, Content Type.
    let of_will = properties(version, b"\x18\0\0\0\x06\x01\x01\x02\0\0\0\x3c\x03\0\x04json");
    let (id, name, password) = (text(client_id), text(who.id()), text(who.secret()));
    let topic = text(&format!("presence/{user}/device/fuzz"));
    let payload = text(r#"{"v":1,"status":"offline","cause":"lost"}"#);
    let rest: [&[u8]; 10] = [
        b"\0\x04MQTT",
        &[version],
        b"\xee\0\x3c",
        &own,
        &id,
        &of_will,
        &topic,
        &payload,
        &name,
        &password,
    ];
    Packet::new(0x10, &rest)
}

/// Returns the packets that a client sends after login.
pub(super) fn after_login(version: u8, user: &str) -> Vec<Packet> {
    let none = properties(version, b"");
    let topic = |rest: &str| text(&format!("presence/{user}{rest}"));
    let all = [text("presence/+"), text("presence/+/device/+"), text("presence/+/typing")];
    let inbox = topic("/inbox/+");
    let (device, chosen, typing) = (topic("/device/fuzz"), topic("/chosen"), topic("/typing"));
    // Message Expiry, Content Type, a User Property, Response Topic, Correlation Data.
    let many = properties(
        version,
        b"\x02\0\0\0\x3c\x03\0\x04json\x26\0\x01k\0\x01v\x08\0\x01r\x09\0\x02cd",
    );
    let alias = properties(version, b"\x23\0\x01");
    let numbered = properties(version, b"\x0b\x07");
    let status: &[u8] = br#"{"v":1,"status":"online","epoch":7,"lease_s":3600}"#;
    let choice: &[u8] = br#"{"v":1,"rev":7,"status":"dnd","text":"Deep work"}"#;
    vec![
        Packet::new(
            0x82,
            &[b"\0\x01", &numbered, &all[0], b"\x01", &all[1], b"\x01", &all[2], b"\0"],
        ),
        Packet::new(0x82, &[b"\0\x02", &none, &inbox, b"\x01"]),
        Packet::new(0xa2, &[b"\0\x03", &none, &all[0], &inbox]),
        Packet::new(0x31, &[&typing, &none, br#"{"isTyping":true}"#]),
        Packet::new(0x30, &[&typing, &alias, br#"{"isTyping":true}"#]),
        Packet::new(0x33, &[&device, b"\0\x04", &many, status]),
        Packet::new(0x33, &[&device, b"\0\x05", &none]),
        Packet::new(0x35, &[&chosen, b"\0\x06", &none, choice]),
        Packet::new(0x62, &[b"\0\x06"]),
        Packet::new(0x40, &[b"\0\x01"]),
        Packet::new(0x50, &[b"\0\x01"]),
        Packet::new(0x70, &[b"\0\x01"]),
        Packet::new(0xc0, &[]),
        Packet::new(0xe0, &[]),
        Packet::new(0xf0, &[b"\x18", &properties(version, b"\x15\0\x05plain\x16\0\x01x")]),
    ]
}

/// Returns the request for a WebSocket with MQTT.
pub(super) const UPGRADE: &[u8] = b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: mqtt\r\n\r\n";

/// Returns a whole client frame with these bytes, masked with zeros.
pub(super) fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut head = vec![0x80 | kind];
    match (u8::try_from(bytes.len()), u16::try_from(bytes.len())) {
        (Ok(length @ ..126), _) => head.push(0x80 | length),
        (_, Ok(length)) => {
            head.push(0x80 | 126);
            head.extend(length.to_be_bytes());
        }
        _ => {
            head.push(0x80 | 127);
            head.extend(u64::try_from(bytes.len()).unwrap().to_be_bytes());
        }
    }
    [&head[..], &[0; 4], bytes].concat()
}

/// Returns HTTP requests, both of a member and anonymous.
pub(super) fn requests(who: &Secret) -> Vec<Vec<u8>> {
    let login = data_encoding::BASE64.encode(format!("{}:{}", who.id(), who.secret()).as_bytes());
    let member = format!("Authorization: Basic {login}\r\n");
    let token = format!("{}.{}", "0".repeat(10), "x".repeat(27));
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let join = format!(r#"{{"token":"{token}","name":"Eve","kind":"laptop"}}"#);
    let all = [
        ("GET /healthz", "", ""),
        ("GET /v1/team", &member, ""),
        ("GET /v1/members", &member, ""),
        ("GET /v1/invites", &member, ""),
        ("POST /v1/invites", &member, r#"{"for_me":true,"uses":1,"lasts_s":60}"#),
        ("POST /v1/join", "", &join),
        ("POST /v1/requests", "", r#"{"name":"Eve","kind":"laptop"}"#),
        ("GET /v1/requests/0123456789", &bearer, ""),
        ("GET /v1/people/mallory", &bearer, ""),
        ("GET /v2/topics/presence", &bearer, ""),
        ("GET /openapi.json", "", ""),
    ];
    let with_length = all.map(|(what, head, body)| {
        let length = body.len();
        format!(
            "{what} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{head}\
             Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    });
    let in_chunks = "POST /v1/requests HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\
        Content-Type: application/json\r\nConnection: close\r\n\r\n7\r\n{\"name\"\r\n7\r\n:\"Eve\"}\r\n0\r\n\r\n";
    with_length.into_iter().chain([in_chunks.to_owned()]).map(String::into_bytes).collect()
}
