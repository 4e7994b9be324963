//! Verifies the certificate that a broker or hub presents.
//!
//! This module compares it with a pin, and guesses that a refused certificate belongs to a
//! network's sign-in page. It verifies the handshake's signatures in every case, so that a copied
//! certificate is worth nothing without its key.

use std::fmt;
use std::sync::Arc;

use porchlight_core::team::{FingerprintPrefix, Pin};
use ring::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::{TlsError, provider};

/// Which certificates to trust.
#[derive(Debug)]
pub(super) enum TrustAnchor {
    /// Those signed by the authorities that this system trusts.
    System(Arc<WebPkiServerVerifier>),
    /// Those signed by the authorities that the config names, and those certificates themselves.
    Authorities(Arc<WebPkiServerVerifier>, Vec<CertificateDer<'static>>),
    /// The one with this fingerprint.
    Pinned(Pin),
    /// The one whose fingerprint starts with this prefix.
    Prefix(FingerprintPrefix),
}

/// Why a certificate is rejected, beyond rustls' own reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Rejected {
    #[error("it is another certificate than the pinned one")]
    OtherThanPinned,
    #[error("it is the valid certificate of another name")]
    OtherName,
}

impl From<Rejected> for Error {
    fn from(why: Rejected) -> Self {
        CertificateError::Other(OtherError(Arc::new(why))).into()
    }
}

/// Verifies server certificates against one [`TrustAnchor`].
pub(super) struct Verifier {
    anchor: TrustAnchor,
    /// Reads this system's authorities. Called only to explain a rejection.
    system_roots: fn() -> Result<RootCertStore, TlsError>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(
        anchor: TrustAnchor,
        system_roots: fn() -> Result<RootCertStore, TlsError>,
    ) -> Self {
        Self { anchor, system_roots, algorithms: provider().signature_verification_algorithms }
    }

    /// Checks that the certificate's fingerprint starts with these bytes.
    fn verify_fingerprint(
        &self,
        seen: &Seen<'_>,
        beginning: &[u8],
    ) -> Result<ServerCertVerified, Error> {
        if digest(&SHA256, seen.certificate).as_ref().starts_with(beginning) {
            Ok(ServerCertVerified::assertion())
        } else if self.is_public(seen) {
            Err(Rejected::OtherName.into())
        } else {
            Err(Rejected::OtherThanPinned.into())
        }
    }

    /// Whether an authority that this system trusts signed it, for any name.
    fn is_public(&self, seen: &Seen<'_>) -> bool {
        let verifier = (self.system_roots)().ok().and_then(|roots| {
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().ok()
        });
        verifier.is_some_and(|verifier| match seen.by(&verifier) {
            Ok(_) => true,
            Err(error) => is_for_another_name(&error),
        })
    }
}

/// The certificate that a server presented.
struct Seen<'a> {
    certificate: &'a CertificateDer<'a>,
    chain: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    now: UnixTime,
}

impl Seen<'_> {
    fn by(&self, verifier: &WebPkiServerVerifier) -> Result<ServerCertVerified, Error> {
        verifier.verify_server_cert(self.certificate, self.chain, self.name, &[], self.now)
    }

    /// Accepts a certificate that the config names itself, with any issuer and any purpose:
    /// `openssl req -x509` marks a broker's certificate as an authority. It still has to be for
    /// this host.
    fn as_named(&self) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(self.certificate)?;
        verify_server_name(&parsed, self.name)?;
        Ok(ServerCertVerified::assertion())
    }
}

/// Whether the error is about the dates. The verifier checks them before the rest of the
/// certificate, so any other error means that they are right.
const fn is_about_time(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        )
    )
}

fn is_for_another_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let seen = Seen { certificate, chain, name, now };
        match &self.anchor {
            TrustAnchor::Pinned(pin) => self.verify_fingerprint(&seen, pin.digest()),
            TrustAnchor::Prefix(prefix) => self.verify_fingerprint(&seen, prefix.bytes()),
            TrustAnchor::System(verifier) => seen.by(verifier).map_err(|error| {
                if is_for_another_name(&error) { Rejected::OtherName.into() } else { error }
            }),
            TrustAnchor::Authorities(verifier, named) => seen.by(verifier).or_else(|error| {
                if named.iter().any(|named| named == certificate) && !is_about_time(&error) {
                    return seen.as_named();
                }
                let unknown_issuer = Error::InvalidCertificate(CertificateError::UnknownIssuer);
                Err(if error == unknown_issuer && self.is_public(&seen) {
                    Rejected::OtherName.into()
                } else {
                    error
                })
            }),
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

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verifier").field(&self.anchor).finish()
    }
}
