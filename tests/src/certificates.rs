//! Certificates for a broker's TLS listener, made by the `openssl` command.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::run;

/// A certificate authority of this one test, and a server certificate for 127.0.0.1 and localhost.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// The authority's certificate: what a client is told to trust.
    pub authority: PathBuf,
    /// The server's certificate.
    pub server: PathBuf,
    /// The server's key.
    pub key: PathBuf,
}

impl Certificates {
    /// Makes them in `dir`, valid from now for two days.
    ///
    /// # Panics
    ///
    /// When `openssl` is missing or refuses.
    #[must_use]
    pub fn make(dir: &Path) -> Self {
        let openssl = |arguments: &str| {
            run(Command::new("openssl").current_dir(dir).args(arguments.split(' ')));
        };
        // An authority beside the server's own certificate: rustls takes no certificate as both.
        openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
             -keyout authority.key -out authority.pem -subj /CN=authority \
             -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign",
        );
        openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
             -keyout server.key -out server.csr -subj /CN=localhost",
        );
        std::fs::write(dir.join("server.ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
            .expect("a temporary folder can be written to");
        openssl(
            "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial \
             -days 2 -extfile server.ext -out server.pem",
        );
        Self::signed(dir)
    }

    /// One certificate that is server and authority in one, as `openssl req -x509` makes it unless told otherwise, for
    /// these names.
    ///
    /// # Panics
    ///
    /// When `openssl` is missing or refuses.
    #[must_use]
    pub fn of_itself(dir: &Path, names: &str) -> Self {
        run(Command::new("openssl").current_dir(dir).args(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout own.key -out own.pem -subj /CN=broker -addext"
                .split(' '),
        ).arg(format!("subjectAltName={names}")));
        let (own, key) = (dir.join("own.pem"), dir.join("own.key"));
        Self { authority: own.clone(), server: own, key }
    }

    fn signed(dir: &Path) -> Self {
        Self {
            authority: dir.join("authority.pem"),
            server: dir.join("server.pem"),
            key: dir.join("server.key"),
        }
    }
}
