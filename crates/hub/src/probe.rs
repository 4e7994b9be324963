//! A listener by which the host checks that others reach this computer, before it becomes the backup.

use crate::certificate::Certificate;
use crate::standby::{StandbyError, StandbyFolder, damaged};
use crate::{HubError, HubWarning, Listen, door, team};
use porchlight_core::team::{Address, OutsideAddress};
use rcgen::{CertificateParams, KeyPair};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Shakes hands with everybody who comes, as this computer, and serves nothing. Ends when dropped.
#[derive(Debug)]
pub struct Probe {
    addr: SocketAddr,
    warnings: Vec<HubWarning>,
    _accepting: JoinSet<()>,
}

impl Probe {
    /// Listens where this computer would serve as the backup.
    ///
    /// # Errors
    ///
    /// [`HubError::PortTaken`] and [`HubError::CannotListen`] if it can't listen there, [`HubError::Standby`] if there is
    /// no usable key.
    pub async fn open(folder: &StandbyFolder, listen: Listen) -> Result<Self, HubError> {
        let folder = folder.clone();
        let shown = tokio::task::spawn_blocking(move || certificate_of(&folder));
        let certificate = shown.await.map_err(damaged)??;
        let (tls, _) = certificate.open().map_err(damaged)?;
        let tls = TlsAcceptor::from(tls);
        let mut warnings = Vec::new();
        let listeners = door::listen_for_team(listen, &mut warnings)?;
        let addr = listeners[0].local_addr().map_err(damaged)?;
        let mut accepting = JoinSet::new();
        for listener in listeners {
            accepting.spawn(accept(listener, tls.clone()));
        }
        Ok(Self { addr, warnings, _accepting: accepting })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What is not as it should be, such as a port that was taken.
    #[must_use]
    pub fn warnings(&self) -> &[HubWarning] {
        &self.warnings
    }

    /// The addresses at which other computers reach it, and `outside` from other networks.
    #[must_use]
    pub fn addresses(&self, outside: &[OutsideAddress]) -> Vec<Address> {
        team::addresses(self.addr, outside)
    }
}

/// A certificate of the backup's own key, by which the host knows it.
fn certificate_of(folder: &StandbyFolder) -> Result<Certificate, StandbyError> {
    let pem = folder.key()?;
    let key = KeyPair::from_pem(&pem).map_err(damaged)?;
    let params = CertificateParams::new(vec!["backup.porchlight".to_owned()]).map_err(damaged)?;
    let certificate = params.self_signed(&key).map_err(damaged)?.pem();
    Ok(Certificate { certificate, key: pem })
}

async fn accept(listener: TcpListener, tls: TlsAcceptor) {
    let mut shaking = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let shaken = tokio::time::timeout(door::HANDSHAKE, tls.accept(stream));
                    shaking.spawn(async move { drop(shaken.await) });
                }
                Err(_) => tokio::time::sleep(door::BREATH).await,
            },
            Some(_) = shaking.join_next() => {}
        }
    }
}
