use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::mqtt::peer::{Peer, within};

/// A proxy that gives one answer.
struct Listener(TcpListener);

impl Listener {
    async fn open() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn server(&self, login: &str) -> ProxyServer {
        format!("http://{login}{}", self.0.local_addr().unwrap()).parse().unwrap()
    }

    async fn accept(&self) -> Peer {
        Peer(within(self.0.accept()).await.unwrap().0)
    }
}

async fn attempt(server: &ProxyServer, within: Duration) -> Result<TcpStream, ConnectionFailure> {
    let to: Address = "hub.example:18831".parse().unwrap();
    Attempt { server, named_by: NamedBy::Config, to: &to }.connect(within).await
}

const LONG: Duration = Duration::from_secs(10);

/// The head of the request, and the failure after this answer.
async fn answered(login: &str, answer: &[u8]) -> (String, ConnectionFailure) {
    let listener = Listener::open().await;
    let server = listener.server(login);
    let proxy = async {
        let mut peer = listener.accept().await;
        let head = peer.head().await;
        // The client may hang up before it has read everything.
        let _ = peer.0.write_all(answer).await;
        let _ = peer.0.shutdown().await;
        head
    };
    let (outcome, head) = tokio::join!(within(attempt(&server, LONG)), proxy);
    (head, outcome.unwrap_err())
}

#[tokio::test]
async fn the_bytes_behind_the_answer_of_a_proxy_are_those_of_the_hub() {
    let listener = Listener::open().await;
    let server = listener.server("ann:s3cret@");
    let proxy = async {
        let mut peer = listener.accept().await;
        let head = peer.head().await;
        peer.send(b"HTTP/1.0 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n").await;
        let mut bytes = [0; 4];
        peer.0.read_exact(&mut bytes).await.unwrap();
        peer.send(b"pong").await;
        (head, bytes)
    };
    let client = async {
        let mut stream = within(attempt(&server, LONG)).await.unwrap();
        stream.write_all(b"ping").await.unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.unwrap();
        bytes
    };
    let ((head, ping), pong) = tokio::join!(proxy, client);
    assert_eq!((&ping, &pong), (b"ping", b"pong"));
    let head = head.to_lowercase();
    assert!(head.starts_with("connect hub.example:18831 http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nhost: hub.example:18831\r\n"), "{head}");
    assert!(head.contains("\r\nproxy-authorization: basic yw5uonmzy3jlda==\r\n"), "{head}");
}

#[tokio::test]
async fn each_answer_of_a_proxy_says_what_to_do() {
    const BASIC: &str = "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\n\
                         Proxy-Authenticate: Basic realm=\"x\"\r\n\r\n";
    for (login, answer, code, part) in [
        ("", BASIC, "proxy_login", "write http://USER:PASSWORD@127.0.0.1:"),
        ("u:s3cret@", BASIC, "proxy_login", "correct them in broker.proxy in the config"),
        ("", "HTTP/1.1 407 No\r\n\r\n", "proxy_login", "wants a login"),
        ("u:s3cret@", "HTTP/1.1 401 No\r\n\r\n", "proxy_login", "does not accept this"),
        (
            "u:s3cret@",
            "HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM, Negotiate\r\n\r\n",
            "proxy_login",
            "a kind of login that Porchlight does not support",
        ),
        ("", "HTTP/1.1 403 No\r\n\r\n", "proxy_refused", "connections to hub.example:18831"),
        ("", "HTTP/1.0 500 No\r\n\r\n", "proxy_not_connected", "does not reach hub.example:18831"),
        ("", "HTTP/1.1 503 No\r\n\r\n", "proxy_not_connected", "HTTP status 503"),
        ("", "HTTP/1.1 504 No\r\n\r\n", "proxy_not_connected", "HTTP status 504"),
        ("", "HTTP/1.1 405 No\r\n\r\n", "no_http_proxy", "HTTP status 405"),
        ("", "HTTP/1.1 501 No\r\n\r\n", "no_http_proxy", "HTTP status 501"),
        ("", "HTTP/1.1 302 No\r\nLocation: http://x\r\n\r\n", "no_http_proxy", "HTTP status 302"),
        ("", "SSH-2.0-OpenSSH_9.2\r\n", "no_http_proxy", "it does not speak HTTP"),
        ("", "", "no_http_proxy", "hung up"),
        ("", "HTTP/1.1 200 OK\r\n\r\nSSH-2.0", "no_http_proxy", "before we do"),
    ] {
        let (_, failure) = answered(login, answer.as_bytes()).await;
        let message = failure.to_string();
        assert_eq!(failure.code(), code, "{answer}: {message}");
        assert!(message.contains(part), "{answer}: {message}");
        assert!(!message.contains("s3cret"), "{message}");
        assert!(!failure.is_refusal(), "another network may need no proxy: {message}");
        assert_eq!(failure.is_silence(), code == "proxy_not_connected", "{message}");
    }
}

#[tokio::test]
async fn an_endless_answer_of_a_proxy_is_read_to_8_kib_only() {
    let mut answer = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
    answer.resize(1 << 20, b'x');
    let listener = Listener::open().await;
    let server = listener.server("");
    let proxy = async {
        let mut peer = listener.accept().await;
        peer.head().await;
        let _ = peer.0.write_all(&answer).await;
        // It stays open: only the limit ends it.
        peer
    };
    let (outcome, _peer) = tokio::join!(within(attempt(&server, LONG)), proxy);
    assert_eq!(outcome.unwrap_err().code(), "no_http_proxy");
}

#[tokio::test]
async fn a_proxy_that_stalls_is_reported_as_the_one_that_stalls() {
    let listener = Listener::open().await;
    let server = listener.server("");
    let proxy = async {
        let mut peer = listener.accept().await;
        peer.head().await;
        peer.send(b"HTTP/1.1 200 OK\r\n").await;
        peer
    };
    let brief = Duration::from_millis(300);
    let (outcome, _peer) = tokio::join!(within(attempt(&server, brief)), proxy);
    let failure = outcome.unwrap_err();
    assert_eq!(failure.code(), "proxy_not_connected");
    assert!(failure.to_string().contains("in time"), "{failure}");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let server = Listener::open().await.server("");
    let failure = within(attempt(&server, LONG)).await.unwrap_err();
    assert_eq!(failure.code(), "proxy_unreachable");
    assert!(failure.to_string().contains("(Connection refused)"), "{failure}");
    let server: ProxyServer = "http://nobody.invalid:3128".parse().unwrap();
    let failure = within(attempt(&server, LONG)).await.unwrap_err();
    assert!(failure.to_string().contains("(Unknown host name)"), "{failure}");
}
