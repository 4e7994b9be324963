//! The programs: the profile of each, how it is started, and what it calls its window.
//!
//! A profile is what the app itself would have written once somebody had typed their account in.

use std::path::{Path, PathBuf};
use std::process::Command;

use porchlight_tests::Session;
use porchlight_tests::binary::{bin, tool};
use porchlight_tests::process::{Proc, run};
use porchlight_tests::until::{START, until};

use crate::prosody::{DOMAIN, PASSWORD, PERSON, PORT};

/// One of those that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum App {
    Porchlight,
    Pidgin,
    Gajim,
    Dino,
}

/// How it is on the desktop while it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Started without a window: in the tray, or, Dino, in the background.
    Hidden,
    /// Its window was open, and was closed as a person closes it.
    Closed,
}

impl State {
    pub(crate) const BOTH: [Self; 2] = [Self::Hidden, Self::Closed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hidden => "never opened",
            Self::Closed => "opened and closed",
        }
    }
}

impl App {
    pub(crate) const ALL: [Self; 4] = [Self::Porchlight, Self::Pidgin, Self::Gajim, Self::Dino];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Porchlight => "Porchlight",
            Self::Pidgin => "Pidgin",
            Self::Gajim => "Gajim",
            Self::Dino => "Dino",
        }
    }

    fn program(self) -> PathBuf {
        match self {
            Self::Porchlight => bin("porchlight-desktop"),
            Self::Pidgin => tool("pidgin", "install the package pidgin"),
            Self::Gajim => tool("gajim", "install the package gajim"),
            Self::Dino => tool("dino-im", "install the package dino-im"),
        }
    }

    /// The title of its window, as a regular expression.
    pub(crate) fn window(self) -> &'static str {
        match self {
            Self::Porchlight => "^Porchlight",
            Self::Pidgin => "^Buddy List",
            Self::Gajim => "Gajim",
            Self::Dino => "Dino",
        }
    }

    /// The version, as it says itself.
    pub(crate) fn version(self, session: &Session) -> String {
        let said = run(session.command(self.program()).arg("--version"));
        let number =
            said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        number.unwrap_or("?").to_owned()
    }

    /// Makes its profile in this session. The certificate is the server's, for those that keep whom they trust.
    pub(crate) async fn set_up(self, session: &Session, certificate: &Path) {
        match self {
            // Its config is a folder of its own.
            Self::Porchlight => {}
            Self::Pidgin => {
                let purple = session.home().join(".purple");
                let peers = purple.join("certificates/x509/tls_peers");
                std::fs::create_dir_all(&peers).expect("a folder of ours");
                std::fs::copy(certificate, peers.join(DOMAIN)).expect("a folder of ours");
                write(&purple.join("accounts.xml"), &pidgin_account());
            }
            Self::Gajim => {
                let folder = session.config_home().join("gajim");
                std::fs::create_dir_all(&folder).expect("a folder of ours");
                sqlite(&folder.join("settings.sqlite"), &gajim_settings());
            }
            Self::Dino => {
                // It makes its tables at its first start.
                let database = session.data_home().join("dino/dino.db");
                let mut first = self.start(session, State::Hidden, None);
                until(format!("Dino's database\n{first}"), START, || {
                    database.exists() && sqlite_works(&database, "SELECT id FROM account")
                })
                .await;
                first.stop(START);
                sqlite(&database, &dino_account());
            }
        }
    }

    /// Says in its profile how it starts, where its command line does not.
    pub(crate) fn prepare(self, session: &Session, state: State) {
        match self {
            Self::Porchlight | Self::Dino => {}
            Self::Pidgin => {
                write(&session.home().join(".purple/prefs.xml"), &pidgin_preferences(state));
            }
            Self::Gajim => {
                let shown = match state {
                    State::Hidden => "never",
                    State::Closed => "always",
                };
                let settings = session.config_home().join("gajim/settings.sqlite");
                let text = format!(
                    "UPDATE settings SET settings = json_set(settings, '$.show_main_window_on_startup', '{shown}') \
                     WHERE name = 'app';"
                );
                sqlite(&settings, &text);
            }
        }
    }

    /// Starts it. `config` is the folder of Porchlight's.
    pub(crate) fn start(self, session: &Session, state: State, config: Option<&Path>) -> Proc {
        let mut command = session.command(self.program());
        match self {
            Self::Porchlight => {
                command.arg("--config-dir").arg(config.expect("Porchlight has a config"));
                if state == State::Closed {
                    command.arg("--show");
                }
            }
            Self::Pidgin | Self::Gajim => {}
            // As the session bus would start it. Only so does it stay when its window is closed.
            Self::Dino => {
                command.arg("--gapplication-service");
            }
        }
        Proc::spawn(self.name(), &mut command)
    }

    /// What opens the window of one that started without; `None` where it comes by itself.
    pub(crate) fn opener(self, session: &Session) -> Option<Command> {
        (self == Self::Dino).then(|| session.command(self.program()))
    }
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).expect("a folder of ours");
}

fn sqlite_command(database: &Path, text: &str) -> Command {
    let mut command = Command::new(tool("sqlite3", "install the package sqlite3"));
    command.args(["-batch", "-bail", "-cmd", ".timeout 5000"]).arg(database).arg(text);
    command
}

fn sqlite(database: &Path, text: &str) {
    run(&mut sqlite_command(database, text));
}

fn sqlite_works(database: &Path, text: &str) -> bool {
    sqlite_command(database, text).output().is_ok_and(|output| output.status.success())
}

fn pidgin_account() -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8' ?>
<account version='1.0'>
  <account>
    <protocol>prpl-jabber</protocol>
    <name>{PERSON}@{DOMAIN}/pidgin</name>
    <password>{PASSWORD}</password>
    <settings>
      <setting name='connection_security' type='string'>require_tls</setting>
      <setting name='port' type='int'>{PORT}</setting>
    </settings>
    <settings ui='gtk-gaim'>
      <setting name='auto-login' type='bool'>1</setting>
    </settings>
  </account>
</account>
"
    )
}

fn pidgin_preferences(state: State) -> String {
    let shown = u8::from(state == State::Closed);
    format!(
        "<?xml version='1.0' encoding='UTF-8' ?>
<pref version='1' name='/'>
  <pref name='pidgin'>
    <pref name='docklet'>
      <pref name='show' type='string' value='always'/>
    </pref>
    <pref name='blist'>
      <pref name='list_visible' type='bool' value='{shown}'/>
    </pref>
  </pref>
</pref>
"
    )
}

/// As of Gajim 1.7, whose tables are of version 5; later ones migrate them.
fn gajim_settings() -> String {
    let app = "{\"use_keyring\": false, \"check_for_update\": false}";
    let account = format!(
        "{{\"account\": {{\"name\": \"{PERSON}\", \"hostname\": \"{DOMAIN}\", \"password\": \"{PASSWORD}\", \
         \"active\": true, \"account_label\": \"{PERSON}\"}}, \"contact\": {{}}, \"group_chat\": {{}}}}"
    );
    let workspaces = "{\"a2f5c4f2-6d43-4cde-9b4c-0f5cbbc7e6f1\": {}}";
    format!(
        "CREATE TABLE settings (name TEXT UNIQUE, settings TEXT);
         CREATE TABLE account_settings (account TEXT UNIQUE, settings TEXT);
         INSERT INTO settings VALUES ('app', '{app}'), ('soundevents', '{{}}'), ('status_presets', '{{}}'),
             ('proxies', '{{}}'), ('plugins', '{{}}'), ('workspaces', '{workspaces}');
         INSERT INTO account_settings VALUES ('{DOMAIN}', '{account}');
         PRAGMA user_version = 5;"
    )
}

fn dino_account() -> String {
    format!(
        "INSERT INTO account (bare_jid, resourcepart, password, alias, enabled)
         VALUES ('{PERSON}@{DOMAIN}', 'dino', '{PASSWORD}', '', 1);"
    )
}
