//! The certificate of the public listener, which an authority issued.
//!
//! Owns its files: reading them at the start, and again when they change, because such a certificate is renewed every few
//! weeks. A broken renewal never ends what works: the certificate in use stays. The team's own certificate, which members
//! know from their invitations, is another one (`certificate.rs`).

use crate::certificate::server_config;
use crate::{HubError, HubEvent, HubWarning, PublicCertificateError, listen};
use ipnet::IpNet;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::spawn_blocking;

/// How often the files are checked for a renewal.
const LOOK: Duration = Duration::from_secs(10);
/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// The settings of the public listener, which serves programs and browsers that do not know the team's own certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The file with the certificate of an authority and its chain (PEM). None: a proxy on this computer has one.
    pub certificate: Option<PathBuf>,
    /// The file with its key (PEM), unless it is in the same file.
    pub key: Option<PathBuf>,
    /// The reverse proxies that say whom they forward.
    pub trusted_proxies: Vec<IpNet>,
}

impl PublicSettings {
    /// Reads the certificate; none behind a proxy. What is wrong with a certificate that works is added to `warnings`.
    pub(crate) async fn open(
        &self,
        warnings: &mut Vec<HubWarning>,
    ) -> Result<Option<Arc<PublicCertificate>>, HubError> {
        let Some(certificate) = self.certificate.clone() else {
            // Without encryption, and for everybody, only a proxy on this computer may come.
            let is_for_proxy = listen::is_loopback(self.listen) && !self.trusted_proxies.is_empty();
            return if is_for_proxy && self.key.is_none() {
                Ok(None)
            } else {
                Err(HubError::PublicNeedsCertificate { addr: self.listen })
            };
        };
        let key = self.key.clone().unwrap_or_else(|| certificate.clone());
        let opened = spawn_blocking(move || PublicCertificate::open(Files { certificate, key }));
        let (opened, warning) = opened.await.map_err(|_| HubError::Broker {
            reason: "the certificate was not read to its end".to_owned(),
        })??;
        warnings.extend(warning);
        Ok(Some(opened))
    }
}

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// The certificate in use. It answers each TLS handshake, so a new one counts from the next connection on.
#[derive(Debug)]
pub(crate) struct PublicCertificate {
    files: Files,
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for PublicCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl PublicCertificate {
    /// Reads the files of a certificate, and warns if strangers can read its key.
    fn open(files: Files) -> Result<(Arc<Self>, Option<HubWarning>), PublicCertificateError> {
        let current = RwLock::new(files.read()?);
        let path = files.key.clone();
        let warning = is_open_to_all(&path).then_some(HubWarning::KeyReadable { path });
        Ok((Arc::new(Self { files, current }), warning))
    }

    /// The settings of a TLS listener that shows it.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, String> {
        server_config(Arc::clone(self) as Arc<dyn ResolvesServerCert>)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns whether it is another one than before.
    fn replace(&self, read: Arc<CertifiedKey>) -> bool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = current.cert != read.cert;
        *current = read;
        is_new
    }

    /// Reads the files again every few seconds, and at once when asked for, for as long as it is polled.
    pub(crate) async fn follow(
        self: Arc<Self>,
        again: Arc<Notify>,
        news: mpsc::UnboundedSender<HubEvent>,
    ) {
        let (mut failed, mut warned) = (None, None);
        loop {
            let asked = tokio::select! {
                () = again.notified() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let files = self.files.clone();
            let Ok(read) = spawn_blocking(move || files.read()).await else {
                continue;
            };
            match read {
                Ok(read) => {
                    failed = None;
                    let is_new = self.replace(read);
                    if warned.take().is_some() || is_new {
                        let _ = news.send(HubEvent::CertificateRead);
                    }
                }
                Err(error) => {
                    let reason = Some(error.to_string());
                    // A renewal replaces one file after the other, and a look between the two proves nothing.
                    if (asked || failed == reason) && warned != reason {
                        let warning = HubWarning::CertificateKept { reason: error.to_string() };
                        let _ = news.send(HubEvent::CertificateFailing(warning));
                        warned.clone_from(&reason);
                    }
                    failed = reason;
                }
            }
        }
    }
}

impl Files {
    fn read(&self) -> Result<Arc<CertifiedKey>, PublicCertificateError> {
        let Self { certificate, key } = self;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&read_file(certificate)?)
            .collect::<Result<_, _>>()
            .unwrap_or_default();
        if chain.is_empty() {
            return Err(PublicCertificateError::NoCertificate { path: certificate.clone() });
        }
        let private = PrivateKeyDer::from_pem_slice(&read_file(key)?)
            .map_err(|_| PublicCertificateError::NoKey { path: key.clone() })?;
        let pair = CertifiedKey::from_der(chain, private, &default_provider());
        pair.map(Arc::new).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => PublicCertificateError::Mismatch {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            source => {
                tracing::debug!("{}: {source}", certificate.display());
                PublicCertificateError::Unusable { certificate: certificate.clone(), source }
            }
        })
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, PublicCertificateError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(source) => {
            tracing::debug!("{}: {source}", path.display());
            Err(PublicCertificateError::Unreadable { path: path.to_owned(), source })
        }
    }
}

/// Whether every account of this computer can read the file. A group may: that is how several services share a key.
fn is_open_to_all(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

#[cfg(test)]
mod tests;
