//! The delegation: the host's certificate for the key of its backup (X.509, RFC 5280).
//!
//! Members trust a backup by it for as long as it holds, and only if its serial number is not lower than the one that the
//! host announces. So it has an end of its own even where nobody hears that it was revoked.

use super::{StandbyError, damaged};
use crate::certificate::Certificate;
use porchlight_core::time::Timestamp;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SerialNumber,
    SubjectPublicKeyInfo,
};
use rustls_pki_types::CertificateDer;
use std::time::Duration;
use x509_parser::parse_x509_certificate;

/// How long a delegation holds, from its beginning. Members accept none that holds longer.
pub(crate) const HOLDS: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long before it is issued a delegation begins, because the clocks of members differ.
const BEFORE: Duration = Duration::from_secs(12 * 60 * 60);

/// What a delegation says.
pub(super) struct Delegation {
    /// The `SubjectPublicKeyInfo` of the backup.
    pub(super) key: Vec<u8>,
    pub(super) serial: u64,
    pub(super) expires: Timestamp,
}

/// Issues a delegation for this key, PEM.
pub(super) fn issue(
    identity: &Certificate,
    key: &[u8],
    serial: u64,
    now: Timestamp,
) -> Result<String, StandbyError> {
    let signer = KeyPair::from_pem(&identity.key).map_err(damaged)?;
    let issuer = Issuer::from_ca_cert_pem(&identity.certificate, signer).map_err(damaged)?;
    let key = SubjectPublicKeyInfo::from_der(key).map_err(damaged)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Porchlight backup computer");
    let begins = Duration::from_millis(now.as_ms()).saturating_sub(BEFORE);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + begins;
    params.not_after = epoch + begins + HOLDS;
    params.serial_number = Some(SerialNumber::from(serial));
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params.signed_by(&key, &issuer).map_err(damaged)?.pem())
}

impl Delegation {
    /// Reads a delegation that this identity signed.
    pub(super) fn verify(
        delegation: &CertificateDer<'_>,
        identity: &CertificateDer<'_>,
    ) -> Result<Self, StandbyError> {
        let (_, identity) = parse_x509_certificate(identity).map_err(damaged)?;
        let (_, delegation) = parse_x509_certificate(delegation).map_err(damaged)?;
        delegation
            .verify_signature(Some(identity.public_key()))
            .map_err(|_| damaged("the delegation is not signed by the team"))?;
        let serial = delegation.serial.to_u64_digits();
        let [serial] = serial[..] else {
            return Err(damaged("the delegation has no usable number"));
        };
        let expires = u64::try_from(delegation.validity().not_after.timestamp()).ok();
        let expires = expires.and_then(|s| Timestamp::from_ms(s.saturating_mul(1000)));
        Ok(Self {
            key: delegation.public_key().raw.to_vec(),
            serial,
            expires: expires.ok_or_else(|| damaged("the delegation has no usable end"))?,
        })
    }
}
