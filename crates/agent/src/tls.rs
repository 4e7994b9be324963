//! TLS: which certificates to trust.
//!
//! This module decides whom to trust, and explains why not. It opens no connection: MQTT and HTTP
//! use the same [`ClientConfig`].

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::broker::{ClientCertificate, Tls, Trust};
use crate::io_error::describe;
use porchlight_core::team::FingerprintPrefix;

#[cfg(test)]
pub(crate) mod server;
mod verifier;
mod words;

use verifier::{TrustAnchor, Verifier};
pub(crate) use words::{failure, find_tls_error, invalid_name};

/// Why TLS can't be set up. Every text in it is our own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("{path} can't be read as certificates ({reason}); correct broker.{key} in the config")]
    Certificates { key: &'static str, path: PathBuf, reason: &'static str },
    #[error("{path} can't be read as a private key ({reason}); correct broker.key in the config")]
    Key { path: PathBuf, reason: &'static str },
    #[error(
        "{path} is encrypted; write it without a passphrase into another file, as by `openssl pkey -in {path} -out new.key`, and name that in broker.key"
    )]
    EncryptedKey { path: PathBuf },
    #[error(
        "the certificate and the key in the config do not belong together; correct broker.certificate or broker.key"
    )]
    Unlike,
    #[error("the key in the config is of a kind that is not supported; make one with RSA or P-256")]
    UnknownKind,
    #[error(
        "this system trusts no certificates; install the package ca-certificates, or name certificates in broker.ca"
    )]
    NoRoots,
    #[error(
        "TLS can't be set up on this computer; start Porchlight with PORCHLIGHT_LOG=debug to see why"
    )]
    NotSetUp,
}

impl TlsError {
    /// An error that does not occur with our crypto provider.
    fn not_set_up(error: &dyn std::error::Error) -> Self {
        tracing::debug!("setting up TLS: {error}");
        Self::NotSetUp
    }
}

/// The TLS settings for a broker.
pub(crate) fn client_config(tls: &Tls) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = |roots: RootCertStore| {
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| TlsError::not_set_up(&error))
    };
    let anchor = match &tls.trust {
        Trust::System => TrustAnchor::System(roots(system_roots()?)?),
        Trust::Authorities(path) => {
            let named = certificates("ca", path)?;
            TrustAnchor::Authorities(roots(named_roots(&named, path)?)?, named)
        }
        Trust::Pinned(pin) => TrustAnchor::Pinned(*pin),
    };
    config(Verifier::new(anchor, system_roots), tls.certificate.as_ref())
}

/// The TLS settings for a hub whose certificate's fingerprint starts with this prefix.
pub(crate) fn prefix_config(hint: FingerprintPrefix) -> Result<Arc<ClientConfig>, TlsError> {
    config(Verifier::new(TrustAnchor::Prefix(hint), system_roots), None)
}

fn config(
    verifier: Verifier,
    certificate: Option<&ClientCertificate>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::not_set_up(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match certificate {
        None => config.with_no_client_auth(),
        Some(files) => {
            let chain = certificates("certificate", &files.certificate)?;
            let key = private_key(&files.key)?;
            config.with_client_auth_cert(chain, key).map_err(|error| {
                tracing::debug!("the certificate of ours: {error}");
                match error {
                    rustls::Error::InconsistentKeys(_) => TlsError::Unlike,
                    _ => TlsError::UnknownKind,
                }
            })?
        }
    };
    Ok(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Reads the certificates in a file; at least one. `key` is the setting that names the file.
fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |reason| TlsError::Certificates { key, path: path.to_owned(), reason };
    let pem = fs::read(path).map_err(|error| wrong(describe(&error)))?;
    let found = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(unreadable(&error)))?;
    if found.is_empty() { Err(wrong("there are none in it")) } else { Ok(found) }
}

/// Reads the private key in a file.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let wrong = |reason| TlsError::Key { path: path.to_owned(), reason };
    let pem = fs::read(path).map_err(|error| wrong(describe(&error)))?;
    // In PKCS #8, the label shows whether the key is encrypted (RFC 7468, section 11). Older files
    // have a header for that (RFC 1421, section 4.6.1.1).
    let text = String::from_utf8_lossy(&pem);
    if text.contains("ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(TlsError::EncryptedKey { path: path.to_owned() });
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| wrong(unreadable(&error)))
}

/// Why a file is not PEM, in our own words.
fn unreadable(error: &pem::Error) -> &'static str {
    tracing::debug!("a PEM file: {error}");
    match error {
        pem::Error::NoItemsFound => "there is none in it",
        pem::Error::MissingSectionEnd { .. } => "its end is missing",
        _ => "it is damaged, or is no PEM file",
    }
}

fn named_roots(named: &[CertificateDer<'static>], path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in named {
        roots.add(certificate.clone()).map_err(|error| {
            tracing::debug!("a certificate of broker.ca: {error}");
            let reason = "one of them is damaged, or of a version before 3";
            TlsError::Certificates { key: "ca", path: path.to_owned(), reason }
        })?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}
