//! Whom to believe over TLS.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// Why no secure connection can even be tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("the certificates in {path} can't be read ({reason}); correct broker.ca in the config")]
    Ca { path: String, reason: String },
    #[error(
        "this system has no certificates to trust; install ca-certificates, or name some in broker.ca"
    )]
    NoRoots,
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// Trusts the given certificates, or those of the system.
pub(crate) fn client_config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match ca {
        Some(path) => named_roots(path)?,
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn named_roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let wrong = |reason: String| TlsError::Ca { path: path.display().to_string(), reason };
    let pem = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() { Err(wrong("there are none in it".to_owned())) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}

/// Says in a person's words why a certificate was not believed.
pub(crate) fn reason(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(wrong) = error else {
        return error.to_string();
    };
    match wrong {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by nobody whom this computer trusts; if it is your team's own, \
             name its certificate in broker.ca"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; tell whoever runs it, and check this computer's clock".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name; is the address right?".to_owned()
        }
        other => format!("its certificate is not valid ({other})"),
    }
}

/// Finds the TLS error inside an I/O error, where there is one.
pub(crate) fn inside(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}
