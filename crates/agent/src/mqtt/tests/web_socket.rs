//! MQTT over WebSocket.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::*;
use crate::tls::server::{self, Certified, TlsDoor};

/// Takes the WebSocket, and the CONNECT in it, and answers; what was asked for.
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
    // The client ends it.
    while let Some(Ok(_)) = within(socket.next()).await {}
    asked
}

#[tokio::test]
async fn mqtt_goes_over_a_web_socket_at_the_path_that_was_given() {
    for version in VERSIONS {
        let door = Door::open().await;
        let broker: Broker =
            format!("ws://{}/presence?path=/ws", door.broker().address()).parse().unwrap();
        let mut link = Link::open(&Reach::new(broker).unwrap(), &connect(version, "plabcm"));
        let client = async {
            assert_eq!(within(link.next()).await, LinkEvent::Up(Granted::default()));
            drop(link);
        };
        let ((), asked) = tokio::join!(client, serve(door.accept().await.0, version));
        assert_eq!(asked, ("/ws".to_owned(), "mqtt".to_owned()));
    }
}

#[tokio::test]
async fn a_web_socket_over_tls_is_held_to_the_pin() {
    let hub = Certified::of_itself();
    let door = TlsDoor::showing(&hub).await;
    let broker: Broker = format!("wss://{}", door.address()).parse().unwrap();
    for version in VERSIONS {
        let right = Reach::believing(broker.clone(), server::pinned(hub.pin()));
        let mut link = Link::open(&right, &connect(version, "plabcm"));
        let client = async {
            assert_eq!(within(link.next()).await, LinkEvent::Up(Granted::default()));
            drop(link);
        };
        let server = async { serve(door.accept().await.unwrap().0, version).await };
        let ((), asked) = tokio::join!(client, server);
        assert_eq!(asked, ("/mqtt".to_owned(), "mqtt".to_owned()));

        let wrong = Reach::believing(broker.clone(), server::pinned(Certified::of_itself().pin()));
        let mut link = Link::open(&wrong, &connect(version, "plabcm"));
        let (event, refused) = tokio::join!(within(link.next()), door.accept());
        assert!(refused.is_err());
        assert_eq!(down(event).code(), "other_certificate");
    }
}

#[tokio::test]
async fn what_answers_instead_of_a_web_socket_is_told_apart() {
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
            let mut link = Link::open(&Reach::new(broker).unwrap(), &connect(version, "plabcm"));
            let mut peer = door.accept().await;
            peer.send(answer.as_bytes()).await;
            drop(peer);
            let failure = down(within(link.next()).await);
            assert_eq!(failure.code(), code, "{answer}: {failure}");
        }
    }
}
