//! Whom to believe over TLS.
//!
//! Owns what is believed and what is said where it is not. Deliberately opens nothing: MQTT and HTTP take the
//! same [`ClientConfig`].

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use porchlight_core::input::LinkFailure;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::broker::{ClientCertificate, Tls, Trust};
use crate::team::Hint;

mod judge;
#[cfg(test)]
pub(crate) mod server;

use judge::{Believed, Judge, NotBelieved};

/// Why no secure connection can even be tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("{path} can't be read as certificates ({reason}); correct broker.{key} in the config")]
    Certificates { key: &'static str, path: PathBuf, reason: String },
    #[error("{path} can't be read as a private key ({reason}); correct broker.key in the config")]
    Key { path: PathBuf, reason: String },
    #[error(
        "the certificate and the key in the config are not of each other ({0}); correct broker.certificate or broker.key"
    )]
    Unlike(rustls::Error),
    #[error(
        "this system has no certificates to trust; install ca-certificates, or name some in broker.ca"
    )]
    NoRoots,
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
    #[error(transparent)]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// Believes whom it is told to.
pub(crate) fn client_config(tls: &Tls) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = |roots: RootCertStore| {
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()
    };
    let believed = match &tls.trust {
        Trust::System => Believed::System(roots(system_roots()?)?),
        Trust::Authorities(path) => Believed::Authorities(roots(named_roots(path)?)?),
        Trust::Pinned(pin) => Believed::Pinned(*pin),
    };
    config(Judge::new(believed, system_roots), tls.certificate.as_ref())
}

/// Believes the one hub whose certificate begins like this.
pub(crate) fn hinted_config(hint: Hint) -> Result<Arc<ClientConfig>, TlsError> {
    config(Judge::new(Believed::Hinted(hint), system_roots), None)
}

fn config(
    judge: Judge,
    certificate: Option<&ClientCertificate>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(judge));
    let config = match certificate {
        None => config.with_no_client_auth(),
        Some(files) => {
            let chain = certificates("certificate", &files.certificate)?;
            let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| TlsError::Key {
                path: files.key.clone(),
                reason: error.to_string(),
            })?;
            config.with_client_auth_cert(chain, key).map_err(TlsError::Unlike)?
        }
    };
    Ok(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificates in a file that stands under this key in the config; at least one.
fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |reason: String| TlsError::Certificates { key, path: path.to_owned(), reason };
    let pem = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let found = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() { Err(wrong("there are none in it".to_owned())) } else { Ok(found) }
}

fn named_roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca", path)? {
        roots.add(certificate).map_err(|error| TlsError::Certificates {
            key: "ca",
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}

/// What came of a handshake, in a person's words.
pub(crate) fn failure(error: &rustls::Error, address: &str) -> LinkFailure {
    let address = address.to_owned();
    let tls =
        |reason: &str| LinkFailure::Tls { address: address.clone(), reason: reason.to_owned() };
    let wrong = match error {
        rustls::Error::InvalidCertificate(wrong) => wrong,
        // Whoever answers our first words in plain text: a web page that wants us to sign in, or a broker's other port.
        rustls::Error::InvalidMessage(_) => {
            let what = "what answers there does not speak TLS".to_owned();
            return LinkFailure::SignIn { address, what };
        }
        rustls::Error::AlertReceived(
            rustls::AlertDescription::CertificateRequired
            | rustls::AlertDescription::BadCertificate
            | rustls::AlertDescription::UnknownCA
            | rustls::AlertDescription::CertificateUnknown
            | rustls::AlertDescription::CertificateExpired
            | rustls::AlertDescription::CertificateRevoked
            | rustls::AlertDescription::AccessDenied,
        ) => {
            return tls("it wants a certificate of yours and got none that it takes; \
                 name one in broker.certificate and its key in broker.key");
        }
        other => return tls(&other.to_string()),
    };
    match wrong {
        CertificateError::Other(other) => match other.0.downcast_ref() {
            Some(NotBelieved::OtherThanPinned) => LinkFailure::OtherCertificate { address },
            Some(NotBelieved::SomebodyElses) => {
                let what = "what answers there has the certificate of somebody else".to_owned();
                LinkFailure::SignIn { address, what }
            }
            None => tls(&other.0.to_string()),
        },
        CertificateError::UnknownIssuer | CertificateError::BadSignature => tls(
            "its certificate is signed by nobody whom this computer trusts; if it is your team's own, \
             name its certificate in broker.ca",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => tls(
            "its certificate has expired; tell whoever runs it, and check this computer's clock",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            tls("its certificate is for another name; is the address right?")
        }
        other => tls(&format!("its certificate is not valid ({other})")),
    }
}

/// Finds the TLS error inside an I/O error, where there is one.
pub(crate) fn inside(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}
