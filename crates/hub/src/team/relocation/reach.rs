//! Whether an address leads to a computer of this team: the other side of the handshake has the team's certificate, or
//! the key of its backup.

use crate::certificate::pin_of;
use porchlight_core::team::{Address, Pin};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use x509_parser::parse_x509_certificate;

/// How long to wait for the first address that answers.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Who has to answer.
#[derive(Debug, Clone)]
pub(crate) enum Peer {
    /// A hub with this certificate.
    Certificate(Pin),
    /// A computer with this key: the DER of its `SubjectPublicKeyInfo`.
    Key(Vec<u8>),
}

/// Whether one of these addresses leads there.
pub(crate) async fn leads_to(at: &[Address], peer: Peer) -> bool {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let Ok(builder) =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
    else {
        return false;
    };
    let verifier = Arc::new(Pinned { peer, algorithms });
    let config =
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let mut tries = JoinSet::new();
    for address in at {
        tries.spawn(shakes_hands(connector.clone(), address.clone()));
    }
    let found = async {
        while let Some(shaken) = tries.join_next().await {
            if matches!(shaken, Ok(true)) {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(TIMEOUT, found).await.unwrap_or(false)
}

async fn shakes_hands(connector: TlsConnector, address: Address) -> bool {
    let Ok(name) = ServerName::try_from(address.host().to_owned()) else { return false };
    let Ok(stream) = TcpStream::connect((address.host(), address.port())).await else {
        return false;
    };
    let shaken = connector.connect(name, stream).await;
    if let Err(e) = &shaken {
        tracing::debug!(%address, "not reached: {e}");
    }
    shaken.is_ok()
}

/// Trusts one certificate or key, whatever its names and dates, as every member of the team does.
#[derive(Debug)]
struct Pinned {
    peer: Peer,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let is_it = match &self.peer {
            Peer::Certificate(pin) => pin_of(certificate) == Some(*pin),
            Peer::Key(key) => parse_x509_certificate(certificate)
                .is_ok_and(|(_, shown)| shown.public_key().raw == key),
        };
        if is_it {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
