//! TLS servers for tests: authorities, certificates of every kind, and a listener that presents
//! one.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use porchlight_core::team::Pin;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::provider;
use super::verifier::{TrustAnchor, Verifier};
use crate::mqtt::peer::{Peer, within};

/// Represents all the authorities that a system trusts.
static PUBLIC: LazyLock<Authority> = LazyLock::new(|| Authority::make("public"));

/// An authority, which signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Certified {
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    pub(crate) der: CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn make(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// The authority that a client of [`pinned`] treats as the system's.
    pub(crate) fn public() -> &'static Self {
        &PUBLIC
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn sign(&self, name: &str) -> Certified {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Certified::of(&params.signed_by(&key, &self.0).unwrap(), &key)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

impl Certified {
    fn of(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let der = certificate.der().clone();
        Self { pem: certificate.pem(), key_pem: key.serialize_pem(), der }
    }

    /// A certificate like a hub's own: self-signed, and for a name that is no host.
    pub(crate) fn of_itself() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["k3v9xq2ab7".to_owned()]).unwrap();
        // A pin is valid whatever date the certificate contains.
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        Self::of(&params.self_signed(&key).unwrap(), &key)
    }

    /// A certificate as `openssl req -x509` makes it: self-signed, and marked as an authority.
    pub(crate) fn like_openssl(name: &str, years: std::ops::Range<i32>) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(years.start, 1, 1);
        params.not_after = date_time_ymd(years.end, 1, 1);
        Self::of(&params.self_signed(&key).unwrap(), &key)
    }

    pub(crate) fn pin(&self) -> Pin {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.der);
        Pin::of_digest(digest.as_ref().try_into().unwrap())
    }

    /// Writes certificate and key. Returns their paths.
    pub(crate) fn save(&self, folder: &std::path::Path) -> (PathBuf, PathBuf) {
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&certificate, &self.pem).unwrap();
        std::fs::write(&key, &self.key_pem).unwrap();
        (certificate, key)
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from_pem_slice(self.key_pem.as_bytes()).unwrap().into()
    }
}

/// The settings of a client with this pin, on a system that trusts [`Authority::public`].
pub(crate) fn pinned(pin: Pin) -> Arc<ClientConfig> {
    on_a_system(TrustAnchor::Pinned(pin))
}

/// The settings of a client that trusts the system.
pub(crate) fn believing_the_system() -> Arc<ClientConfig> {
    let roots = Arc::new(PUBLIC.roots());
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(roots, provider());
    on_a_system(TrustAnchor::System(verifier.build().unwrap()))
}

fn on_a_system(anchor: TrustAnchor) -> Arc<ClientConfig> {
    super::config(Verifier::new(anchor, || Ok(PUBLIC.roots())), None).unwrap()
}

/// A TLS listener on loopback.
pub(crate) struct TlsDoor {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsDoor {
    /// Presents this certificate.
    pub(crate) async fn showing(certified: &Certified) -> Self {
        Self::with(certified, &certified.key(), None).await
    }

    /// Presents a certificate without having its key.
    pub(crate) async fn showing_a_copy_of(certified: &Certified) -> Self {
        Self::with(certified, &Certified::of_itself().key(), None).await
    }

    /// Requires a client certificate of this authority.
    pub(crate) async fn asking(certified: &Certified, authority: &Authority) -> Self {
        Self::with(certified, &certified.key(), Some(authority)).await
    }

    async fn with(
        certified: &Certified,
        key: &PrivateKeyDer<'static>,
        clients: Option<&Authority>,
    ) -> Self {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let roots = Arc::new(authority.roots());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain = vec![certified.der.clone()];
        let key = provider().key_provider.load_private_key(key.clone_key()).unwrap();
        let shown = Arc::new(rustls::sign::CertifiedKey::new(chain, key));
        let config =
            builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(shown)));
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }

    /// Its host and port.
    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    /// Accepts the next connection. Fails if its handshake fails.
    pub(crate) async fn accept(&self) -> std::io::Result<Peer<TlsStream<TcpStream>>> {
        let (stream, _) = within(self.listener.accept()).await?;
        within(self.acceptor.accept(stream)).await.map(Peer)
    }
}
