//! Tests with a real gnome-keyring on a private bus, and without one.
//!
//! The environment names the bus, and a process has only one environment. So each test runs in a
//! process of its own: this same program with [`played`] as its only test.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, interface};

use super::*;

const DEADLINE: Duration = Duration::from_secs(60);
const ACCOUNT: &str = "k3V9xQ2aB7";
const SECRETS: &str = "org.freedesktop.secrets";

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A session: a home, and a bus that starts no service.
struct Session {
    home: TempDir,
    address: String,
    _bus: Running,
}

impl Session {
    async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("bus.conf");
        fs::write(
            &config,
            format!(
                "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
                 <policy context=\"default\"><allow send_destination=\"*\"/><allow eavesdrop=\"true\"/>\
                 <allow own=\"*\"/></policy>\
                 </busconfig>",
                home.path().join("bus").display()
            ),
        )
        .unwrap();
        let bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nosyslog"])
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is installed (package dbus)");
        let address = format!("unix:path={}", home.path().join("bus").display());
        let session = Self { home, address, _bus: Running(bus) };
        drop(until(|| async { session.connect().await.ok() }).await);
        session
    }

    async fn connect(&self) -> zbus::Result<Connection> {
        zbus::connection::Builder::address(self.address.as_str())?.build().await
    }

    fn surround(&self, command: &mut Command) {
        let home = self.home.path();
        command
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("XDG_DATA_HOME", home)
            .env("XDG_CACHE_HOME", home)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
    }

    /// Starts a keyring and unlocks it, as a login does.
    async fn keyring(&self) -> Running {
        let mut command = Command::new("gnome-keyring-daemon");
        self.surround(&mut command);
        let mut daemon = command
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon is installed (package gnome-keyring)");
        daemon.stdin.take().unwrap().write_all(b"the login password").unwrap();
        let bus = self.connect().await.unwrap();
        until(|| async { default_keyring(&bus).await }).await;
        Running(daemon)
    }

    async fn lock(&self) {
        let bus = self.connect().await.unwrap();
        let keyring = default_keyring(&bus).await.unwrap();
        let service = "org.freedesktop.Secret.Service";
        bus.call_method(
            Some(SECRETS),
            "/org/freedesktop/secrets",
            Some(service),
            "Lock",
            &vec![keyring],
        )
        .await
        .unwrap();
    }

    /// Performs the action in a process of this session, and returns its result.
    async fn outcome(&self, act: &str) -> String {
        let mut command = Command::new(std::env::current_exe().unwrap());
        self.surround(&mut command);
        command.env("PORCHLIGHT_TEST_KEYRING", act).args([
            "--exact",
            "stored_secret::keyring::tests::played",
            "--ignored",
            "--nocapture",
        ]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = timeout(DEADLINE, output).await.expect("it ends in time").unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let outcome = stdout.lines().find_map(|line| line.split_once("outcome: "));
        outcome
            .unwrap_or_else(|| panic!("{stdout}{}", String::from_utf8_lossy(&output.stderr)))
            .1
            .to_owned()
    }
}

async fn until<T, F: Future<Output = Option<T>>>(what: impl Fn() -> F) -> T {
    let tried = async {
        loop {
            if let Some(it) = what().await {
                return it;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, tried).await.expect("it comes in time")
}

async fn default_keyring(bus: &Connection) -> Option<OwnedObjectPath> {
    let service = "org.freedesktop.Secret.Service";
    let path = "/org/freedesktop/secrets";
    let answer = bus.call_method(Some(SECRETS), path, Some(service), "ReadAlias", &"default");
    let path: OwnedObjectPath = answer.await.ok()?.body().deserialize().ok()?;
    (path.as_str() != "/").then_some(path)
}

#[tokio::test]
#[ignore = "run by the other tests, in a process of its own"]
async fn played() {
    let Ok(act) = std::env::var("PORCHLIGHT_TEST_KEYRING") else {
        return;
    };
    let outcome = match act.as_str() {
        "ready" => ready().await.map(|()| "ready".to_owned()),
        "write" => write(ACCOUNT, "Team", "the secret").await.map(|()| "written".to_owned()),
        "overwrite" => write(ACCOUNT, "Team", "another").await.map(|()| "written".to_owned()),
        "read" => read(ACCOUNT, Prompt::Allowed).await,
        "look" => read(ACCOUNT, Prompt::Never).await,
        "remove" => remove(ACCOUNT).await.map(|()| "removed".to_owned()),
        other => panic!("{other}"),
    };
    match outcome {
        Ok(it) => println!("outcome: {it}"),
        Err(error) => println!("outcome: {}: {error}", error.code()),
    }
}

/// The content of all files in that home.
fn stored(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => bytes.extend(stored(&entry.path())),
            kind if kind.is_file() => bytes.extend(fs::read(entry.path()).unwrap()),
            _ => {}
        }
    }
    bytes
}

#[tokio::test]
async fn a_stored_secret_is_read_until_it_is_removed() {
    let session = Session::start().await;
    let _keyring = session.keyring().await;
    assert_eq!(session.outcome("ready").await, "ready");
    assert!(session.outcome("read").await.starts_with("credential_missing: "));
    assert_eq!(session.outcome("write").await, "written");
    assert_eq!(session.outcome("read").await, "the secret");
    assert_eq!(session.outcome("look").await, "the secret");
    assert_eq!(session.outcome("overwrite").await, "written");
    assert_eq!(session.outcome("read").await, "another");
    let stored = stored(session.home.path());
    assert!(!stored.is_empty());
    assert!(!stored.windows(7).any(|window| window == b"another"), "not in plain text");
    assert_eq!(session.outcome("remove").await, "removed");
    assert!(session.outcome("read").await.starts_with("credential_missing: "));
    assert!(session.outcome("remove").await.starts_with("credential_missing: "));
}

#[tokio::test]
async fn without_a_keyring_the_error_says_which_to_start() {
    let session = Session::start().await;
    for act in ["ready", "write", "read", "look"] {
        let outcome = session.outcome(act).await;
        assert!(outcome.starts_with("keyring_absent: no keyring is running"), "{act}: {outcome}");
        assert!(outcome.contains("GNOME Keyring, KWallet"), "{act}: {outcome}");
    }
    // There is no bus either.
    let Session { home, address, _bus } = session;
    drop(_bus);
    let session = Session { home, address, _bus: Running(Command::new("true").spawn().unwrap()) };
    let outcome = session.outcome("read").await;
    assert!(outcome.starts_with("keyring_absent: "), "{outcome}");
}

#[tokio::test]
async fn a_keyring_that_never_answers_is_given_up_in_seconds() {
    let session = Session::start().await;
    // A service that owns the name and answers nothing.
    let silent = session.connect().await.unwrap();
    silent.request_name(SECRETS).await.unwrap();
    let began = tokio::time::Instant::now();
    let outcome = tokio::join!(
        session.outcome("ready"),
        session.outcome("write"),
        session.outcome("read"),
        session.outcome("look"),
        session.outcome("remove"),
    );
    for outcome in [outcome.0, outcome.1, outcome.2, outcome.3, outcome.4] {
        assert!(outcome.starts_with("keyring_failed: the keyring does not answer"), "{outcome}");
    }
    assert!(began.elapsed() < 3 * RESPONSE_TIMEOUT, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_locked_keyring_that_can_not_prompt_is_reported_as_locked() {
    let session = Session::start().await;
    let _keyring = session.keyring().await;
    assert_eq!(session.outcome("write").await, "written");
    session.lock().await;
    for act in ["ready", "read", "look"] {
        let outcome = session.outcome(act).await;
        assert!(outcome.starts_with("keyring_locked: the keyring is locked"), "{act}: {outcome}");
    }
}

/// A prompter that shows nothing and reports every prompt as dismissed.
struct Dismissing;

#[expect(clippy::needless_pass_by_value, reason = "zbus hands headers over by value")]
#[interface(name = "org.gnome.keyring.internal.Prompter")]
impl Dismissing {
    #[zbus(name = "BeginPrompting")]
    fn begin(
        &self,
        callback: OwnedObjectPath,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: zbus::message::Header<'_>,
    ) {
        let client = header.sender().unwrap().to_string();
        answer(bus, client, callback, "");
    }

    #[zbus(name = "PerformPrompt")]
    fn perform(
        &self,
        callback: OwnedObjectPath,
        _kind: &str,
        _properties: std::collections::HashMap<String, OwnedValue>,
        _exchange: &str,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: zbus::message::Header<'_>,
    ) {
        let client = header.sender().unwrap().to_string();
        answer(bus, client, callback, "no");
    }

    #[zbus(name = "StopPrompting")]
    fn stop(&self, _callback: OwnedObjectPath) {}
}

/// Sends the keyring the result of its prompt, after our own answer to it.
fn answer(bus: &Connection, client: String, callback: OwnedObjectPath, reply: &'static str) {
    let caller = bus.clone();
    let told = async move {
        // Its half of a key exchange has this form; nothing secret ever follows here.
        let number = data_encoding::BASE64.encode(&[7; 192]);
        let exchange = format!("[sx-aes-1]\npublic={number}\n");
        let properties: std::collections::HashMap<&str, Value<'_>> = [].into();
        let path: &ObjectPath<'_> = &callback;
        let interface = "org.gnome.keyring.internal.Prompter.Callback";
        let body = (reply, properties, exchange.as_str());
        caller
            .call_method(Some(client.as_str()), path, Some(interface), "PromptReady", &body)
            .await
            .unwrap();
    };
    bus.executor().spawn(told, "prompt").detach();
}

#[tokio::test]
async fn a_keyring_that_the_person_does_not_unlock_stays_locked() {
    let session = Session::start().await;
    let _keyring = session.keyring().await;
    assert_eq!(session.outcome("write").await, "written");
    session.lock().await;
    let _prompter = zbus::connection::Builder::address(session.address.as_str())
        .unwrap()
        .name("org.gnome.keyring.SystemPrompter")
        .unwrap()
        .serve_at("/org/gnome/keyring/Prompter", Dismissing)
        .unwrap()
        .build()
        .await
        .unwrap();
    for act in ["ready", "read"] {
        let outcome = session.outcome(act).await;
        assert!(
            outcome.starts_with("keyring_refused: the keyring is still locked"),
            "{act}: {outcome}"
        );
    }
    let outcome = session.outcome("look").await;
    assert!(outcome.starts_with("keyring_locked: "), "nobody is asked: {outcome}");
}
