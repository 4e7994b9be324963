//! An XMPP server: Prosody with two accounts that know each other.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use porchlight_tests::binary::tool;
use porchlight_tests::certificates::Certificates;
use porchlight_tests::port::answers;
use porchlight_tests::process::Proc;
use porchlight_tests::until::{START, until};
use tempfile::TempDir;

/// Where clients look for a server of a domain that has no record in DNS (RFC 6120, section 3.2.2).
pub(crate) const PORT: u16 = 5222;
pub(crate) const DOMAIN: &str = "localhost";
/// Whose presence is measured.
pub(crate) const PERSON: &str = "alice";
/// Who looks on.
pub(crate) const CONTACT: &str = "bob";
pub(crate) const PASSWORD: &str = "secret";

/// A running Prosody.
#[derive(Debug)]
pub(crate) struct Prosody {
    _proc: Proc,
    certificates: Certificates,
    // Last, so that the process has gone before its folder does.
    _dir: TempDir,
}

impl Prosody {
    /// Starts one whose authority is added to `trusted`.
    pub(crate) async fn start(trusted: &Path) -> Self {
        let dir =
            TempDir::with_prefix("porchlight-prosody-").expect("a temporary folder can be made");
        let certificates = Certificates::make(dir.path());
        let authority = std::fs::read(&certificates.authority).expect("it was just made");
        let mut file = std::fs::File::options().append(true).open(trusted).expect("a file of ours");
        file.write_all(&authority).expect("a file of ours");
        people(dir.path());
        let config = dir.path().join("prosody.cfg.lua");
        std::fs::write(&config, config_text(dir.path(), &certificates)).expect("a folder of ours");
        assert!(!answers(PORT), "somebody listens on port {PORT} already");
        let program = tool("prosody", "install the package prosody");
        let proc =
            Proc::spawn("prosody", Command::new(program).arg("-F").arg("--config").arg(&config));
        until(format!("Prosody to listen\n{proc}"), START, || answers(PORT)).await;
        Self { _proc: proc, certificates, _dir: dir }
    }

    /// The certificate that it shows.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificates.server
    }
}

/// Writes the accounts and who knows whom as Prosody itself keeps them.
fn people(dir: &Path) {
    for (user, other) in [(PERSON, CONTACT), (CONTACT, PERSON)] {
        let account = format!("return {{ [\"password\"] = \"{PASSWORD}\"; }};\n");
        let roster = format!(
            "return {{ [false] = {{ [\"version\"] = 1; }}; [\"{other}@{DOMAIN}\"] = \
             {{ [\"subscription\"] = \"both\"; [\"groups\"] = {{}}; }}; }};\n"
        );
        for (store, text) in [("accounts", account), ("roster", roster)] {
            let folder = dir.join("data").join(DOMAIN).join(store);
            std::fs::create_dir_all(&folder).expect("a folder of ours");
            std::fs::write(folder.join(format!("{user}.dat")), text).expect("a folder of ours");
        }
    }
}

/// The modules that a usual server has on, without *smacks*, which keeps a killed client online for minutes.
fn config_text(dir: &Path, certificates: &Certificates) -> String {
    let (dir, server, key) =
        (dir.display(), certificates.server.display(), certificates.key.display());
    format!(
        r#"pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
interfaces = {{ "127.0.0.1", "::1" }}
c2s_ports = {{ {PORT} }}
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
modules_enabled = {{
    "roster", "saslauth", "tls", "disco", "presence", "ping", "pep", "blocklist", "carbons", "vcard4", "vcard_legacy",
    "csi_simple", "time", "version", "private", "mam",
}}
modules_disabled = {{ "s2s" }}
log = {{ info = "*console" }}
ssl = {{ certificate = "{server}", key = "{key}" }}
VirtualHost "{DOMAIN}"
"#
    )
}
