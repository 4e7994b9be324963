//! A team's hub and its members for tests, with TLS that trusts one certificate, and raw HTTP.

use crate::world::{options, within};
use porchlight_core::id::Root;
use porchlight_core::team::{InviteMade, InviteOrder, Join, Joined, Pin, Secret};
use porchlight_hub::{Access, Hub, HubSettings, Listen, Store, TeamSettings};
use rumqttc::TlsConfiguration;
use rumqttc::v5::MqttOptions;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde::Serialize;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Any loopback address, any port.
pub(crate) fn somewhere() -> Listen {
    Listen::Exactly(SocketAddr::from(([127, 0, 0, 1], 0)))
}

pub(crate) fn team_settings(store: Store) -> HubSettings {
    HubSettings {
        listen: somewhere(),
        store,
        runtime_file: None,
        access: Access::Team(Box::new(TeamSettings {
            name: "Anna's team".to_owned(),
            root: Root::default(),
            host: None,
            listen: somewhere(),
            at: Vec::new(),
            public: None,
            announce: false,
            origins: Vec::new(),
        })),
    }
}

/// A hub with a team.
pub(crate) struct HubFixture {
    pub(crate) hub: Hub,
    pub(crate) pin: Pin,
    /// The owner.
    pub(crate) anna: Joined,
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn read<T: serde::de::DeserializeOwned>(self) -> T {
        assert!(self.status < 300, "{self:?}");
        serde_json::from_value(self.body).unwrap()
    }
}

impl HubFixture {
    pub(crate) async fn in_memory() -> Self {
        Self::open(Store::Memory).await
    }

    pub(crate) async fn in_folder(folder: &Path) -> Self {
        Self::open(Store::Folder(folder.to_owned())).await
    }

    async fn open(store: Store) -> Self {
        Self::open_with(team_settings(store)).await
    }

    pub(crate) async fn open_with(settings: HubSettings) -> Self {
        let hub = within("the hub", Hub::start(settings)).await.unwrap();
        let invitation = hub.invite_owner().await.unwrap().unwrap();
        let (pin, addr) = (invitation.pin, hub.team_addr().unwrap());
        let join =
            Join { token: invitation.token, name: "Anna".to_owned(), kind: None, credential: None };
        let anna = post(addr, pin, "/v1/join", None, &join).await.read();
        Self { hub, pin, anna }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.hub.team_addr().unwrap()
    }

    /// Creates a member, invited by Anna.
    pub(crate) async fn joins(&self, name: &str) -> Joined {
        let token = self.invited(&InviteOrder::default()).await;
        self.redeem(token, name).await.read()
    }

    /// Returns the token of an invitation by Anna.
    pub(crate) async fn invited(&self, order: &InviteOrder) -> Secret {
        let made: InviteMade =
            self.post("/v1/invites", Some(&self.anna.credential), order).await.read();
        let link: porchlight_core::team::Invitation = made.link.parse().unwrap();
        link.token
    }

    pub(crate) async fn redeem(&self, token: Secret, name: &str) -> Answer {
        let join = Join {
            token,
            name: name.to_owned(),
            kind: Some("laptop".to_owned()),
            credential: None,
        };
        self.post("/v1/join", None, &join).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        who: Option<&Secret>,
        body: &impl Serialize,
    ) -> Answer {
        post(self.addr(), self.pin, path, who, body).await
    }

    pub(crate) async fn get(&self, path: &str, who: Option<&Secret>) -> Answer {
        ask(self.addr(), self.pin, "GET", path, who, None).await
    }

    pub(crate) async fn delete(&self, path: &str, who: &Secret) -> Answer {
        ask(self.addr(), self.pin, "DELETE", path, Some(who), None).await
    }

    /// Returns how a member's device connects, over TLS.
    pub(crate) fn options(&self, who: &Secret, client_id: &str) -> MqttOptions {
        let mut options = self.stranger(client_id);
        options.set_credentials(who.id(), who.secret());
        options
    }

    /// Returns how a client without a credential connects.
    pub(crate) fn stranger(&self, client_id: &str) -> MqttOptions {
        let mut options = options(self.addr(), client_id);
        options.set_transport(rumqttc::Transport::tls_with_config(TlsConfiguration::Rustls(tls(
            self.pin,
        ))));
        options
    }
}

/// Returns a TLS configuration that trusts only the certificate with this fingerprint.
pub(crate) fn tls(pin: Pin) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(pin)))
        .with_no_client_auth();
    Arc::new(config)
}

/// Connects to the team's listener, from a chosen address.
pub(crate) async fn connect_from(
    from: [u8; 4],
    addr: SocketAddr,
    pin: Pin,
) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(addr).await?;
    let name = ServerName::try_from("porchlight").unwrap();
    TlsConnector::from(tls(pin)).connect(name, stream).await
}

pub(crate) async fn post(
    addr: SocketAddr,
    pin: Pin,
    path: &str,
    who: Option<&Secret>,
    body: &impl Serialize,
) -> Answer {
    let body = serde_json::to_string(body).unwrap();
    ask(addr, pin, "POST", path, who, Some(body)).await
}

/// Sends one request over TLS, as a member (HTTP Basic) or anonymously.
pub(crate) async fn ask(
    addr: SocketAddr,
    pin: Pin,
    method: &str,
    path: &str,
    who: Option<&Secret>,
    body: Option<String>,
) -> Answer {
    let basic = who.map(|who| {
        let said =
            data_encoding::BASE64.encode(format!("{}:{}", who.id(), who.secret()).as_bytes());
        format!("Authorization: Basic {said}\r\n")
    });
    let head = basic.unwrap_or_default();
    within(path, ask_with([127, 0, 0, 1], addr, pin, &format!("{method} {path}"), &head, body))
        .await
        .unwrap()
}

pub(crate) async fn ask_with(
    from: [u8; 4],
    addr: SocketAddr,
    pin: Pin,
    what: &str,
    head: &str,
    body: Option<String>,
) -> std::io::Result<Answer> {
    let mut stream = connect_from(from, addr, pin).await?;
    let body = body.unwrap_or_default();
    let request = format!(
        "{what} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{head}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // Some servers close without a TLS close_notify. The bytes before that count.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_default();
    Ok(Answer { status, body: serde_json::from_str(body).unwrap_or(Value::Null) })
}

#[derive(Debug)]
struct Pinned(Pin);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // A backup shows its delegation first. The agent's own tests are about what it has to be.
        let identity = issuers.last().unwrap_or(certificate);
        let digest = ring::digest::digest(&ring::digest::SHA256, identity);
        if digest.as_ref() == self.0.digest() {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("another certificate".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
