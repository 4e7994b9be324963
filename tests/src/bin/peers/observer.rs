//! Who looks on from outside, and when they saw the person come and go.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use porchlight_tests::process::{Proc, Stream};
use porchlight_tests::until::{START, until, uptime};

use crate::prosody::{DOMAIN, PERSON, PORT};

/// For the slowest of them, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody with an account of their own at the same server.
#[derive(Debug)]
pub(crate) enum Observer {
    /// On XMPP.
    Jabber(Jabber),
    /// `porchlight watch --json`.
    Watch(Proc),
}

/// The person was seen to be there, or not to be, at that moment of [`uptime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sighting {
    at: Duration,
    online: bool,
}

impl Observer {
    /// Waits until the person was seen to be there, or not to be, at that moment or later: the time since.
    pub(crate) async fn saw(&self, online: bool, since: Duration) -> Duration {
        let what =
            if online { "the person to be seen online" } else { "the person to be seen offline" };
        until(what, PATIENCE, || {
            let sightings = self.sightings();
            let mut sightings = sightings.iter().filter(|sighting| sighting.at >= since);
            sightings.find(|sighting| sighting.online == online).map(|sighting| sighting.at - since)
        })
        .await
    }

    fn sightings(&self) -> Vec<Sighting> {
        match self {
            Self::Jabber(jabber) => {
                jabber.sightings.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
            Self::Watch(watch) => {
                let lines = watch.timed_lines(Stream::Out);
                let read = lines.iter().filter_map(|line| {
                    let event: serde_json::Value = serde_json::from_str(&line.text).ok()?;
                    let online = event["user"] == PERSON && event["status"] != "offline";
                    (event["user"] == PERSON).then_some(Sighting { at: line.at, online })
                });
                read.collect()
            }
        }
    }
}

/// The least of an XMPP client: it logs in (RFC 6120) and reads presence (RFC 6121). In the clear, which our server allows;
/// what is measured is not this side.
#[derive(Debug)]
pub(crate) struct Jabber {
    sightings: Arc<Mutex<Vec<Sighting>>>,
    // Open for as long as it looks on.
    _stream: TcpStream,
}

impl Jabber {
    /// Logs in as that contact of the person's.
    pub(crate) fn log_in(user: &str, password: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", PORT)).expect("a server that listens");
        stream.set_read_timeout(Some(START)).expect("a time");
        let opening = format!(
            "<stream:stream to='{DOMAIN}' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
        );
        let secret = base64(format!("\0{user}\0{password}").as_bytes());
        let login = format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>"
        );
        let bind = "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                    <resource>observer</resource></bind></iq>";
        for (say, answer) in [
            (opening.as_str(), "</stream:features>"),
            (&login, "<success"),
            (&opening, "</stream:features>"),
            (bind, "</bind>"),
            ("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>", "</query>"),
        ] {
            stream.write_all(say.as_bytes()).expect("a server that reads");
            hear(&mut stream, answer);
        }
        stream.write_all(b"<presence/>").expect("a server that reads");
        stream.set_read_timeout(None).expect("no time");
        let sightings = Arc::new(Mutex::new(Vec::new()));
        let (reading, seen) = (stream.try_clone().expect("a socket"), Arc::clone(&sightings));
        std::thread::spawn(move || look_on(reading, &seen));
        Self { sightings, _stream: stream }
    }
}

/// Reads until `wanted` has arrived.
fn hear(stream: &mut TcpStream, wanted: &str) {
    let mut said = String::new();
    let mut buffer = [0; 4096];
    while !said.contains(wanted) {
        let length = stream.read(&mut buffer).expect("a server that answers");
        assert!(length > 0, "the server hung up where it should have said {wanted}: {said}");
        said += &String::from_utf8_lossy(&buffer[..length]);
    }
}

/// Reads to the end of the stream, and enters each presence with the moment at which it came.
fn look_on(mut stream: TcpStream, seen: &Mutex<Vec<Sighting>>) {
    let mut said = String::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        let at = uptime();
        said += &String::from_utf8_lossy(&buffer[..length]);
        while let Some((stanza, rest)) = presence(&said) {
            let online = of_person(stanza);
            said = rest.to_owned();
            if let Some(online) = online {
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(Sighting { at, online });
            }
        }
    }
}

/// The first whole presence, and what comes behind it.
fn presence(said: &str) -> Option<(&str, &str)> {
    let stanza = &said[said.find("<presence")?..];
    let tag = stanza.find('>')? + 1;
    let end = if stanza[..tag].ends_with("/>") {
        tag
    } else {
        let close = "</presence>";
        stanza.find(close)? + close.len()
    };
    Some(stanza.split_at(end))
}

/// Whether the person is there, where this is from one of the person's devices.
fn of_person(stanza: &str) -> Option<bool> {
    let tag = stanza.split('>').next()?;
    let from = format!("from='{PERSON}@{DOMAIN}/");
    if !tag.contains(&from) {
        return None;
    }
    match tag.split_once(" type='").map(|(_, rest)| rest.split('\'').next()) {
        None => Some(true),
        Some(kind) => (kind == Some("unavailable")).then_some(false),
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_usize, |bits, byte| (bits << 8) | usize::from(*byte))
            << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) & 63];
            text.push(if place <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_is_read_as_it_comes() {
        let said = "<iq/><presence from='alice@localhost/x' to='bob@localhost'><c ver='1'/></presence>\
                    <presence type='unavailable' from='alice@localhost/x'/><presence from='alice@local";
        let (first, rest) = presence(said).unwrap();
        let (second, rest) = presence(rest).unwrap();
        assert_eq!((of_person(first), of_person(second)), (Some(true), Some(false)));
        assert_eq!(presence(rest), None);
        assert_eq!(of_person("<presence from='bob@localhost/observer'/>"), None);
        assert_eq!(of_person("<presence from='alice@localhost/x' type='error'/>"), None);
    }

    #[test]
    fn base64_is_that_of_others() {
        assert_eq!(base64(b"\0bob\0secret"), "AGJvYgBzZWNyZXQ=");
        assert_eq!(
            (base64(b"ab"), base64(b"a"), base64(b"")),
            ("YWI=".into(), "YQ==".into(), String::new())
        );
    }
}
