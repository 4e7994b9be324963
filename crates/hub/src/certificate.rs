//! The team's self-signed certificate. Clients trust it because every invitation contains its fingerprint.
//!
//! Owns how it is made, its files and its fingerprint. It does not prove who runs the hub: no authority signed it, and
//! clients ignore its names and dates.

use porchlight_core::team::Pin;
use rcgen::{CertificateParams, DnType, KeyPair};
use ring::digest;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const FILE: &str = "cert.pem";
pub(crate) const KEY: &str = "key.pem";
const YEARS: i32 = 20;

/// Certificate and key, in the form of their files.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Certificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Why there is no certificate. The hub never replaces a lost one: every client would reject the new one.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// One of the two files is missing or cannot be read.
    #[error(
        "the team's certificate {} can't be read: {source}; restore a backup (`porchlight hub restore`), or move the certificate, key and team file away to start a new team, which everybody must join again", path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The files contain no valid certificate and key.
    #[error(
        "the team's certificate in {} is damaged: {reason}; restore a backup (`porchlight hub restore`)", folder.display()
    )]
    Damaged {
        /// Where the files are.
        folder: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A new one could not be made or written.
    #[error("the team's certificate can't be written to {}: {reason}; make the folder writable and start the hub again", folder.display())]
    NotMade {
        /// Where it should have been written.
        folder: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Certificate {
    /// Makes a new certificate for the team of this name.
    pub(crate) fn make(team: &str) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params =
            CertificateParams::new(vec![format!("{}.porchlight", team.to_lowercase())])?;
        params.distinguished_name.push(DnType::CommonName, format!("Porchlight team {team}"));
        let year = year_of(crate::clock::now().wall);
        // Starts well before now: our clients ignore the dates, but TLS libraries may check them with a wrong clock.
        params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
        params.not_after = rcgen::date_time_ymd(year + YEARS, 1, 1);
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Reads the certificate in this folder, or makes one for a new team.
    pub(crate) fn load_or_make(folder: &Path, team: &str) -> Result<Self, CertificateError> {
        let (certificate, key) = (folder.join(FILE), folder.join(KEY));
        if !certificate.exists() && !key.exists() {
            let not_made =
                |reason: String| CertificateError::NotMade { folder: folder.to_owned(), reason };
            let made = Self::make(team).map_err(|e| not_made(e.to_string()))?;
            made.save(folder).map_err(|e| not_made(e.to_string()))?;
            return Ok(made);
        }
        Self::load(folder)
    }

    /// Reads the certificate in this folder.
    pub(crate) fn load(folder: &Path) -> Result<Self, CertificateError> {
        let read = |path: PathBuf| {
            fs::read_to_string(&path)
                .map_err(|source| CertificateError::Unreadable { path, source })
        };
        Ok(Self { certificate: read(folder.join(FILE))?, key: read(folder.join(KEY))? })
    }

    /// Writes both files, readable by this user only.
    pub(crate) fn save(&self, folder: &Path) -> io::Result<()> {
        porchlight_files::create_folder(folder)?;
        // The key first: a certificate without its key would look damaged.
        for (name, text) in [(KEY, &self.key), (FILE, &self.certificate)] {
            porchlight_files::write(&folder.join(name), text.as_bytes())?;
        }
        Ok(())
    }

    /// The configuration of a TLS listener, and the fingerprint of the team's certificate: the last one, before which a
    /// backup has its delegation.
    pub(crate) fn open(&self) -> Result<(Arc<ServerConfig>, Pin), String> {
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(self.certificate.as_bytes()).collect();
        let chain = chain.map_err(|e| format!("the certificate: {e}"))?;
        let identity = chain.last().ok_or("there is no certificate")?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|e| format!("the key: {e}"))?;
        let pin = pin_of(identity).ok_or("no digest")?;
        let pair = CertifiedKey::from_der(chain, key, &default_provider());
        let pair = pair.map_err(|e| e.to_string())?;
        let config = server_config(Arc::new(SingleCertAndKey::from(pair)))?;
        Ok((config, pin))
    }
}

/// The fingerprint of a certificate.
pub(crate) fn pin_of(certificate: &CertificateDer<'_>) -> Option<Pin> {
    let digest = digest::digest(&digest::SHA256, certificate);
    digest.as_ref().try_into().ok().map(Pin::of_digest)
}

/// The settings of a TLS listener that shows this certificate.
pub(crate) fn server_config(
    certificate: Arc<dyn ResolvesServerCert>,
) -> Result<Arc<ServerConfig>, String> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    // Connections last for hours, so resumption saves nothing. Without it the hub stores nothing about ended ones.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// The year, accurate to about a day.
fn year_of(now: porchlight_core::time::Timestamp) -> i32 {
    let years = now.as_ms() / (365_2425 * 24 * 6 * 6 * 10);
    1970 + i32::try_from(years).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use porchlight_core::time::Timestamp;

    #[test]
    fn a_certificate_is_made_once_and_stays_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("hub");
        let made = Certificate::load_or_make(&folder, "k3V9xQ2aB7").unwrap();
        let (_, pin) = made.open().unwrap();
        let again = Certificate::load_or_make(&folder, "other").unwrap();
        assert_eq!(again.open().unwrap().1, pin);
        assert_ne!(Certificate::make("k3V9xQ2aB7").unwrap().open().unwrap().1, pin);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.join(KEY)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_missing_half_is_an_error_and_never_a_new_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let made = Certificate::load_or_make(dir.path(), "team").unwrap();
        fs::remove_file(dir.path().join(KEY)).unwrap();
        let error = Certificate::load_or_make(dir.path(), "team").err().unwrap();
        assert!(matches!(&error, CertificateError::Unreadable { .. }), "{error:?}");
        assert!(error.to_string().contains("backup"), "{error}");
        assert!(!dir.path().join(KEY).exists());
        let other = Certificate::make("team").unwrap();
        let mixed = Certificate { certificate: made.certificate, key: other.key };
        assert!(mixed.open().is_err(), "certificate and key do not belong together");
    }

    #[test]
    fn the_year_is_the_year() {
        for (ms, year) in [(0, 1970), (1_763_741_700_000, 2025), (1_785_000_000_000, 2026)] {
            assert_eq!(year_of(Timestamp::from_ms(ms).unwrap()), year);
        }
    }
}
