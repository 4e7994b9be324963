//! Tests TLS with a real server of each kind.

use rustls::ClientConfig;

use super::*;
use crate::broker::{ClientCertificate, Tls, Trust};
use crate::tls::server::{self, Authority, Certified, TlsDoor};

fn broker(door: &TlsDoor, tls: Tls) -> Broker {
    let mut broker: Broker = format!("mqtts://{}", door.address()).parse().unwrap();
    broker.tls = Some(tls);
    broker
}

/// Connects. Returns the first event, and whether the server got as far as reading a CONNECT.
async fn ends(door: &TlsDoor, version: Version, endpoints: &Endpoints) -> (ConnectionEvent, bool) {
    let mut connection = Connection::open(endpoints, &connect(version, "plabcm"));
    let server = async {
        let mut peer = door.accept().await.ok()?;
        let read = peer.packet().await?;
        peer.send(connack(version)).await;
        // Kept until the client has seen the answer.
        Some((peer, read))
    };
    let (event, server) = tokio::join!(within(connection.next()), server);
    (event, server.is_some())
}

/// Whether the client trusts the server, else why not. A server that it does not trust learns
/// nothing, not even the user name.
async fn try_trust(door: &TlsDoor, endpoints: &Endpoints) -> Result<(), ConnectionFailure> {
    let mut outcomes = Vec::new();
    for version in VERSIONS {
        outcomes.push(match ends(door, version, endpoints).await {
            (ConnectionEvent::Up(_), true) => Ok(()),
            (ConnectionEvent::Down(failure), false) => Err(failure),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(outcomes[0], outcomes[1]);
    outcomes.remove(0)
}

async fn by_config(door: &TlsDoor, config: Arc<ClientConfig>) -> Result<(), ConnectionFailure> {
    try_trust(door, &Endpoints::believing(broker(door, Tls::default()), config)).await
}

async fn by_settings(door: &TlsDoor, tls: Tls) -> Result<(), ConnectionFailure> {
    try_trust(door, &Endpoints::new(broker(door, tls)).unwrap()).await
}

#[tokio::test]
async fn the_pinned_certificate_is_trusted_whatever_it_contains() {
    let hub = Certified::of_itself();
    let door = TlsDoor::showing(&hub).await;
    let tls = Tls { trust: Trust::Pinned(hub.pin()), ..Tls::default() };
    assert_eq!(by_settings(&door, tls).await, Ok(()));
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_refused_in_words() {
    let hub = Certified::of_itself();
    let door = TlsDoor::showing(&Certified::of_itself()).await;
    let failure = by_config(&door, server::pinned(hub.pin())).await.unwrap_err();
    assert_eq!(failure.code(), "other_certificate");
    let message = failure.to_string();
    assert!(message.contains("not the hub that invited you"), "{message}");
    assert!(message.contains(&door.address()), "{message}");
}

#[tokio::test]
async fn a_copy_of_the_pinned_certificate_without_its_key_is_refused() {
    let hub = Certified::of_itself();
    let door = TlsDoor::showing_a_copy_of(&hub).await;
    let failure = by_config(&door, server::pinned(hub.pin())).await.unwrap_err();
    assert_eq!(failure.code(), "tls", "{failure}");
}

#[tokio::test]
async fn a_sign_in_page_that_answers_for_the_hub_is_suspected() {
    let hub = Certified::of_itself();
    let portal = Authority::public().sign("login.wifi.example");
    let door = TlsDoor::showing(&portal).await;
    for config in [server::pinned(hub.pin()), server::believing_the_system()] {
        let failure = by_config(&door, config).await.unwrap_err();
        assert_eq!(failure.code(), "sign_in");
        assert!(failure.to_string().contains("want you to sign in first?"), "{failure}");
    }
}

#[tokio::test]
async fn a_plain_text_answer_makes_a_sign_in_page_suspected() {
    let door = Door::open().await;
    let mut broker = door.broker();
    broker.tls = Some(Tls { trust: Trust::Pinned(Certified::of_itself().pin()), ..Tls::default() });
    for version in VERSIONS {
        let mut connection =
            Connection::open(&Endpoints::new(broker.clone()).unwrap(), &connect(version, "pl"));
        let mut peer = door.accept().await;
        peer.send(b"HTTP/1.1 302 Found\r\nLocation: http://login.wifi.example/\r\n\r\n").await;
        let failure = down(within(connection.next()).await);
        assert_eq!(failure.code(), "sign_in", "{failure}");
    }
}

#[tokio::test]
async fn only_the_systems_authorities_are_trusted() {
    let door = TlsDoor::showing(&Authority::public().sign("127.0.0.1")).await;
    assert_eq!(by_config(&door, server::believing_the_system()).await, Ok(()));
    let door = TlsDoor::showing(&Authority::make("nobody").sign("127.0.0.1")).await;
    let failure = by_config(&door, server::believing_the_system()).await.unwrap_err();
    assert!(failure.to_string().contains("signed by nobody"), "{failure}");
}

#[tokio::test]
async fn a_named_authority_is_trusted_for_the_right_name() {
    let dir = tempfile::tempdir().unwrap();
    let (team, ca) = (Authority::make("team"), dir.path().join("ca.pem"));
    std::fs::write(&ca, team.pem()).unwrap();
    let tls = Tls { trust: Trust::Authorities(ca), ..Tls::default() };
    let door = TlsDoor::showing(&team.sign("127.0.0.1")).await;
    assert_eq!(by_settings(&door, tls.clone()).await, Ok(()));
    let door = TlsDoor::showing(&team.sign("other.example")).await;
    let failure = by_settings(&door, tls.clone()).await.unwrap_err();
    assert!(failure.to_string().contains("for another name"), "{failure}");
    let door = TlsDoor::showing(&Authority::make("nobody").sign("127.0.0.1")).await;
    let failure = by_settings(&door, tls).await.unwrap_err();
    assert!(failure.to_string().contains("signed by nobody"), "{failure}");
}

/// Trusts the certificates in this PEM.
fn named(dir: &std::path::Path, pem: &str) -> Tls {
    let ca = dir.join("ca.pem");
    std::fs::write(&ca, pem).unwrap();
    Tls { trust: Trust::Authorities(ca), ..Tls::default() }
}

#[tokio::test]
async fn a_named_certificate_is_trusted_even_if_it_is_an_authoritys() {
    let dir = tempfile::tempdir().unwrap();
    let own = Certified::like_openssl("127.0.0.1", 2020..2100);
    let door = TlsDoor::showing(&own).await;
    assert_eq!(by_settings(&door, named(dir.path(), &own.pem)).await, Ok(()));
    // Also next to others.
    let both = format!("{}{}", Authority::make("team").pem(), own.pem);
    assert_eq!(by_settings(&door, named(dir.path(), &both)).await, Ok(()));
}

#[tokio::test]
async fn a_named_certificate_must_be_for_this_host_valid_now_and_have_its_key() {
    let dir = tempfile::tempdir().unwrap();
    for (name, years, part) in [
        ("other.example", 2020..2100, "for another name"),
        ("127.0.0.1", 2020..2021, "expired on 2021-01-01"),
        ("127.0.0.1", 2099..2100, "valid from 2099-01-01"),
    ] {
        let own = Certified::like_openssl(name, years);
        let door = TlsDoor::showing(&own).await;
        let failure = by_settings(&door, named(dir.path(), &own.pem)).await.unwrap_err();
        assert!(failure.to_string().contains(part), "{failure}");
    }
    let own = Certified::like_openssl("127.0.0.1", 2020..2100);
    let door = TlsDoor::showing_a_copy_of(&own).await;
    assert!(by_settings(&door, named(dir.path(), &own.pem)).await.is_err());
}

#[tokio::test]
async fn another_self_signed_certificate_is_not_trusted_and_the_message_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let [one, other] = [1, 2].map(|_| Certified::like_openssl("127.0.0.1", 2020..2100));
    let door = TlsDoor::showing(&other).await;
    let failure = by_settings(&door, named(dir.path(), &one.pem)).await.unwrap_err();
    assert!(failure.to_string().contains("broker.ca"), "{failure}");
    assert!(!failure.to_string().contains("EndEntity"), "{failure}");
}

#[test]
fn the_error_for_an_encrypted_key_says_how_to_decrypt_it() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = Certified::of_itself().save(dir.path());
    for pem in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIB\n-----END RSA PRIVATE KEY-----\n",
    ] {
        std::fs::write(&key, pem).unwrap();
        let mut broker: Broker = "mqtts://localhost".parse().unwrap();
        let certificate =
            Some(ClientCertificate { certificate: certificate.clone(), key: key.clone() });
        broker.tls = Some(Tls { certificate, ..Tls::default() });
        let Err(error) = Endpoints::new(broker) else { panic!("{pem}") };
        let message = error.to_string();
        assert!(
            message.contains("is encrypted") && message.contains("openssl pkey -in"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_port_without_tls_is_recognised_and_the_other_scheme_is_named() {
    // As a broker does that takes our first bytes for a wrong packet, and one that answers
    // something.
    for answer in [&b""[..], &[0x20, 2, 0, 1], b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let door = Door::open().await;
        let mut broker: Broker = format!("mqtts://{}", door.broker().address()).parse().unwrap();
        broker.tls =
            Some(Tls { trust: Trust::Pinned(Certified::of_itself().pin()), ..Tls::default() });
        let mut connection =
            Connection::open(&Endpoints::new(broker).unwrap(), &connect(Version::V5, "plabcm"));
        let mut peer = door.accept().await;
        peer.send(answer).await;
        drop(peer);
        let failure = down(within(connection.next()).await);
        assert!(failure.to_string().contains("mqtt://"), "{failure}");
    }
}

#[tokio::test]
async fn a_broker_that_wants_our_certificate_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let (team, hub) = (Authority::make("team"), Certified::of_itself());
    let door = TlsDoor::asking(&hub, &team).await;
    let (certificate, key) = team.sign("alice").save(dir.path());
    let mut tls = Tls {
        trust: Trust::Pinned(hub.pin()),
        certificate: Some(ClientCertificate { certificate, key }),
    };
    assert_eq!(by_settings(&door, tls.clone()).await, Ok(()));
    tls.certificate = None;
    let failure = by_settings(&door, tls).await.unwrap_err();
    assert!(failure.to_string().contains("name one in broker.certificate"), "{failure}");
}

#[test]
fn files_that_are_no_certificates_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let hub = Certified::of_itself();
    let (certificate, key) = hub.save(dir.path());
    let (_, other_key) = {
        let other = dir.path().join("other");
        std::fs::create_dir(&other).unwrap();
        Certified::of_itself().save(&other)
    };
    let of = |certificate: &std::path::Path, key: &std::path::Path| Tls {
        certificate: Some(ClientCertificate { certificate: certificate.into(), key: key.into() }),
        trust: Trust::Pinned(hub.pin()),
    };
    let authorities =
        |path: &std::path::Path| Tls { trust: Trust::Authorities(path.into()), ..Tls::default() };
    let missing = dir.path().join("missing.pem");
    for (tls, part) in [
        (of(&missing, &key), "broker.certificate"),
        (of(&key, &key), "there are none in it"),
        (of(&certificate, &missing), "broker.key"),
        (of(&certificate, &certificate), "broker.key"),
        (of(&certificate, &other_key), "do not belong together"),
        (authorities(&missing), "broker.ca"),
        (authorities(&key), "there are none in it"),
    ] {
        let mut broker: Broker = "mqtts://localhost".parse().unwrap();
        broker.tls = Some(tls);
        let Err(error) = Endpoints::new(broker) else { panic!("{part}") };
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn tls_reaches_an_ipv6_address() {
    let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await else {
        println!("skipped: tls_reaches_an_ipv6_address: this machine has no IPv6");
        return;
    };
    let mut broker: Broker = format!("mqtts://{}", listener.local_addr().unwrap()).parse().unwrap();
    broker.tls = Some(Tls { trust: Trust::Pinned(Certified::of_itself().pin()), ..Tls::default() });
    for version in VERSIONS {
        let mut connection =
            Connection::open(&Endpoints::new(broker.clone()).unwrap(), &connect(version, "pl"));
        let (stream, _) = within(listener.accept()).await.unwrap();
        Peer(stream).send(b"HTTP/1.1 200 OK\r\n\r\n").await;
        assert_eq!(down(within(connection.next()).await).code(), "sign_in");
    }
}
