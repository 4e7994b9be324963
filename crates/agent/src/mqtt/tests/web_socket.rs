//! Tests MQTT over WebSocket.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::*;
use crate::tls::server::{self, Certified, TlsDoor};

/// Accepts the WebSocket and the CONNECT in it. Returns the requested path and protocol.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, version: Version) -> (String, String) {
    let mut asked = (String::new(), String::new());
    #[expect(clippy::result_large_err, reason = "the library says what a callback returns")]
    let callback = |request: &Request, mut answer: Response| {
        let protocol = request.headers()["Sec-WebSocket-Protocol"].clone();
        asked = (request.uri().to_string(), protocol.to_str().unwrap().to_owned());
        answer.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
        Ok(answer)
    };
    let mut socket = within(tokio_tungstenite::accept_hdr_async(stream, callback)).await.unwrap();
    let Some(Ok(Message::Binary(packet))) = within(socket.next()).await else {
        panic!("no CONNECT");
    };
    assert_eq!(packet[0], super::super::peer::CONNECT);
    socket.send(Message::Binary(connack(version).to_vec().into())).await.unwrap();
    // The client ends the connection.
    while let Some(Ok(_)) = within(socket.next()).await {}
    asked
}

#[tokio::test]
async fn mqtt_goes_over_a_web_socket_at_the_path_that_was_given() {
    for version in VERSIONS {
        let door = Door::open().await;
        let broker: Broker =
            format!("ws://{}/presence?path=/w%20s", door.broker().address()).parse().unwrap();
        let mut connection =
            Connection::open(&Endpoints::new(broker).unwrap(), &connect(version, "plabcm"));
        let client = async {
            assert_eq!(within(connection.next()).await, ConnectionEvent::Up(Granted::default()));
            drop(connection);
        };
        let ((), asked) = tokio::join!(client, serve(door.accept().await.0, version));
        assert_eq!(asked, ("/w%20s".to_owned(), "mqtt".to_owned()));
    }
}

#[tokio::test]
async fn a_web_socket_over_tls_must_match_the_pin() {
    let hub = Certified::of_itself();
    let door = TlsDoor::showing(&hub).await;
    let broker: Broker = format!("wss://{}", door.address()).parse().unwrap();
    for version in VERSIONS {
        let right = Endpoints::believing(broker.clone(), server::pinned(hub.pin()));
        let mut connection = Connection::open(&right, &connect(version, "plabcm"));
        let client = async {
            assert_eq!(within(connection.next()).await, ConnectionEvent::Up(Granted::default()));
            drop(connection);
        };
        let server = async { Box::pin(serve(door.accept().await.unwrap().0, version)).await };
        let ((), asked) = tokio::join!(client, server);
        assert_eq!(asked, ("/mqtt".to_owned(), "mqtt".to_owned()));

        let wrong =
            Endpoints::believing(broker.clone(), server::pinned(Certified::of_itself().pin()));
        let mut connection = Connection::open(&wrong, &connect(version, "plabcm"));
        let (event, refused) = tokio::join!(within(connection.next()), door.accept());
        assert!(refused.is_err());
        assert_eq!(down(event).code(), "other_certificate");
    }
}

#[tokio::test]
async fn answers_that_are_no_web_socket_are_distinguished() {
    let ok = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    for (answer, code) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(), "sign_in"),
        ("HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n".to_owned(), "sign_in"),
        ("HTTP/1.1 511 Network Authentication Required\r\n\r\n".to_owned(), "sign_in"),
        ("HTTP/1.1 404 Not Found\r\n\r\n".to_owned(), "protocol"),
        ("\x20\x02\0\0".to_owned(), "protocol"),
        (String::new(), "protocol"),
        (format!("{ok}\r\n"), "protocol"),
    ] {
        for version in VERSIONS {
            let door = Door::open().await;
            let broker: Broker = format!("ws://{}", door.broker().address()).parse().unwrap();
            let mut connection =
                Connection::open(&Endpoints::new(broker).unwrap(), &connect(version, "plabcm"));
            let mut peer = door.accept().await;
            peer.send(answer.as_bytes()).await;
            drop(peer);
            let failure = down(within(connection.next()).await);
            assert_eq!(failure.code(), code, "{answer}: {failure}");
        }
    }
}

/// The failure if the WebSocket request gets this answer.
async fn requested(answer: &str) -> ConnectionFailure {
    let door = Door::open().await;
    let broker: Broker = format!("ws://{}", door.broker().address()).parse().unwrap();
    let mut connection =
        Connection::open(&Endpoints::new(broker).unwrap(), &connect(Version::V5, "plabcm"));
    let client = async {
        let failure = down(within(connection.next()).await);
        drop(connection);
        failure
    };
    let (failure, _) = tokio::join!(client, door.accept().await.answer_request(answer));
    failure
}

#[tokio::test]
async fn an_http_status_means_what_http_says() {
    for (status, code, permanent) in [
        ("401 Unauthorized", "bad_credentials", true),
        ("403 Forbidden", "not_authorized", true),
        ("404 Not Found", "protocol", false),
        ("429 Too Many Requests", "refused", false),
        ("400 Bad Request", "protocol", false),
        ("500 Internal Server Error", "refused", false),
        ("502 Bad Gateway", "refused", false),
        ("503 Service Unavailable", "refused", false),
        ("504 Gateway Timeout", "refused", false),
        ("599 x", "refused", false),
        ("200 OK", "sign_in", false),
        ("301 Moved Permanently", "sign_in", false),
        ("307 Temporary Redirect", "sign_in", false),
        ("511 Network Authentication Required", "sign_in", false),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let failure = requested(&answer).await;
        assert_eq!(
            (failure.code(), failure.is_refusal()),
            (code, permanent),
            "{status}: {failure}"
        );
        let message = failure.to_string();
        assert!(message.contains(&status[..3]), "{message}");
        assert_eq!(message.contains("?path="), status.starts_with("404"), "{message}");
    }
}

#[tokio::test]
async fn wrong_answers_to_a_web_socket_request_are_described_in_our_words() {
    for answer in
        ["\x20\x02\0\0", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n"]
    {
        let message = requested(answer).await.to_string();
        assert!(
            !message.contains("hyper")
                && !message.contains("invalid")
                && !message.contains("parse"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn the_upgrade_may_stand_in_a_list_in_any_case() {
    for head in [
        "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
        "connection: UPGRADE,keep-alive\r\nupgrade: WebSocket\r\n",
        "Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: h2c, websocket\r\n",
    ] {
        let door = Door::open().await;
        let broker: Broker = format!("ws://{}", door.broker().address()).parse().unwrap();
        let mut connection =
            Connection::open(&Endpoints::new(broker).unwrap(), &connect(Version::V5, "plabcm"));
        let mut peer = door.accept().await;
        let request = peer.head().await;
        let key = request
            .lines()
            .find_map(|line| line.strip_prefix("sec-websocket-key: "))
            .unwrap_or_else(|| panic!("{request}"));
        let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\n{head}Sec-WebSocket-Accept: {accept}\r\n\
             Sec-WebSocket-Protocol: mqtt\r\n\r\n"
        );
        // A broker may send frames in the same packet: an unmasked CONNACK.
        let connack = [&[0x82, 5][..], &CONNACK_V5].concat();
        peer.send(&[answer.as_bytes(), &connack].concat()).await;
        assert_eq!(
            within(connection.next()).await,
            ConnectionEvent::Up(Granted::default()),
            "{head}"
        );
    }
}

#[tokio::test]
async fn a_redirection_to_the_same_host_with_tls_names_the_scheme() {
    let redirected = |to: &str| {
        format!("HTTP/1.1 301 Moved Permanently\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
    };
    for to in ["https://127.0.0.1/mqtt", "https://127.0.0.1:8443/mqtt", "wss://127.0.0.1"] {
        let failure = requested(&redirected(to)).await;
        assert!(failure.to_string().contains("write wss://"), "{failure}");
    }
    for to in ["https://127.0.0.10/", "https://portal.example/", "/login", "http://127.0.0.1/"] {
        assert_eq!(requested(&redirected(to)).await.code(), "sign_in", "{to}");
    }
}
