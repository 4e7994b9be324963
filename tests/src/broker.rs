//! Brokers: Mosquitto and the hub that Porchlight embeds, each on a port of its own that it keeps
//! when it is started again.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::binary::{bin, tool};
use crate::certificates::Certificates;
use crate::port::{answers, free_port};
use crate::process::{Proc, Signal, Stream, run};
use crate::until::{START, poll, until};

/// How long a broker may take to save its state when it is asked to quit.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes of each `async fn name(broker: Broker)` two tests, `on_mosquitto::name` and
/// `on_the_hub::name`: what people see must not depend on whose broker it is.
#[macro_export]
macro_rules! on_each_broker {
    ($($name:ident),+ $(,)?) => {
        mod on_mosquitto {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name($crate::Mosquitto::start("").await.into()).await;
                }
            )+
        }

        mod on_the_hub {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name($crate::EmbeddedHub::start().await.into()).await;
                }
            )+
        }
    };
}

/// Any of the brokers, for a test that has to hold on all of them.
#[derive(Debug)]
pub enum Broker {
    /// A Mosquitto of the system.
    Mosquitto(Mosquitto),
    /// `porchlight hub --open`.
    Hub(EmbeddedHub),
}

impl Broker {
    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Self::Mosquitto(broker) => broker.port(),
            Self::Hub(broker) => broker.port(),
        }
    }

    /// Its URL without a topic root.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port())
    }

    /// Kills it, so that it saves nothing and publishes no Will.
    pub fn crash(&mut self) {
        match self {
            Self::Mosquitto(broker) => broker.crash(),
            Self::Hub(broker) => broker.crash(),
        }
    }

    /// Asks it to quit and waits for it.
    pub fn stop(&mut self) {
        match self {
            Self::Mosquitto(broker) => broker.stop(),
            Self::Hub(broker) => broker.stop(),
        }
    }

    /// Starts it again on the same port with what it had stored.
    pub async fn start_again(&mut self) {
        match self {
            Self::Mosquitto(broker) => broker.start_again().await,
            Self::Hub(broker) => broker.start_again().await,
        }
    }
}

/// How a [`Mosquitto`] is set up before it starts.
#[derive(Debug, Default)]
pub struct MosquittoSetup {
    tls: bool,
    /// The names in a certificate that is the listener's own.
    own_names: Option<String>,
    accounts: Vec<(String, String)>,
    extra: String,
}

impl MosquittoSetup {
    /// A TLS listener beside the plain one.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// A TLS listener whose certificate nobody else signed, for these names (`DNS:localhost`).
    #[must_use]
    pub fn own_certificate(mut self, names: &str) -> Self {
        self.own_names = Some(names.to_owned());
        self.tls()
    }

    /// An account. With the first one, anonymous clients are refused.
    #[must_use]
    pub fn account(mut self, user: &str, password: &str) -> Self {
        self.accounts.push((user.to_owned(), password.to_owned()));
        self
    }

    /// Lines of Mosquitto's configuration, for all listeners.
    #[must_use]
    pub fn extra(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self.extra.push('\n');
        self
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// When it does not answer; with what it wrote.
    pub async fn start(self) -> Mosquitto {
        let dir =
            TempDir::with_prefix("porchlight-mosquitto-").expect("a temporary folder can be made");
        let certificates = self.tls.then(|| match &self.own_names {
            Some(names) => Certificates::of_itself(dir.path(), names),
            None => Certificates::make(dir.path()),
        });
        let passwords = dir.path().join("passwords");
        for (at, (user, password)) in self.accounts.iter().enumerate() {
            let mut command = Command::new("mosquitto_passwd");
            command.args(if at == 0 { ["-b", "-c"].as_slice() } else { &["-b"] });
            run(command.arg(&passwords).args([user, password]));
        }
        let mut last = None;
        // Somebody else may have taken the port since it was found free.
        for _ in 0..5 {
            let ports = (free_port(), certificates.as_ref().map(|_| free_port()));
            let config = self.config(&dir, ports, certificates.as_ref());
            std::fs::write(dir.path().join("mosquitto.conf"), config)
                .expect("a temporary folder can be written to");
            match serve(&dir, ports.0).await {
                Ok(proc) => {
                    return Mosquitto {
                        proc: Some(proc),
                        port: ports.0,
                        tls_port: ports.1,
                        certificates,
                        dir,
                    };
                }
                Err(proc) => last = Some(proc.to_string()),
            }
        }
        panic!("Mosquitto does not start: {}", last.unwrap_or_default());
    }

    fn config(
        &self,
        dir: &TempDir,
        ports: (u16, Option<u16>),
        certificates: Option<&Certificates>,
    ) -> String {
        let dir = dir.path().display();
        // Without `user root` a Mosquitto started by root changes to a user who can't write here;
        // started by anybody else it ignores the line.
        let mut config = format!(
            "user root\npersistence true\npersistence_location {dir}/\nlog_dest stderr\nlog_type all\n\
             allow_anonymous {}\n",
            self.accounts.is_empty()
        );
        if !self.accounts.is_empty() {
            writeln!(config, "password_file {dir}/passwords").expect("a string takes it");
        }
        writeln!(config, "{}\nlistener {} 127.0.0.1", self.extra, ports.0)
            .expect("a string takes it");
        if let (Some(port), Some(certificates)) = (ports.1, certificates) {
            let (server, key) = (certificates.server.display(), certificates.key.display());
            writeln!(config, "listener {port} 127.0.0.1\ncertfile {server}\nkeyfile {key}")
                .expect("a string takes it");
        }
        config
    }
}

/// A running Mosquitto that keeps its retained records over a restart.
#[derive(Debug)]
pub struct Mosquitto {
    proc: Option<Proc>,
    port: u16,
    tls_port: Option<u16>,
    certificates: Option<Certificates>,
    // Last, so that the process has gone before its folder does.
    dir: TempDir,
}

impl Mosquitto {
    /// What can be said before it starts.
    #[must_use]
    pub fn setup() -> MosquittoSetup {
        MosquittoSetup::default()
    }

    /// Starts one that lets everybody in, with these lines added to its configuration.
    pub async fn start(extra_config: &str) -> Self {
        Self::setup().extra(extra_config).start().await
    }

    /// Its plain port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL without a topic root.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// The URL of its TLS listener, and what a client has to trust.
    ///
    /// # Panics
    ///
    /// When it was set up without TLS.
    #[must_use]
    pub fn tls(&self) -> (String, &Certificates) {
        let port = self.tls_port.expect("this Mosquitto was set up without tls()");
        (
            format!("mqtts://localhost:{port}"),
            self.certificates.as_ref().expect("made with the port"),
        )
    }

    /// The lines of its log.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.proc.as_ref().map(|proc| proc.lines(Stream::Err)).unwrap_or_default()
    }

    /// Kills it, so that it saves nothing and publishes no Will.
    pub fn crash(&mut self) {
        if let Some(mut proc) = self.proc.take() {
            proc.kill();
        }
    }

    /// Asks it to quit, which saves its retained records, and waits for it.
    pub fn stop(&mut self) {
        if let Some(mut proc) = self.proc.take() {
            proc.stop(PATIENCE);
        }
    }

    /// Starts it again on the same ports with what it saved.
    ///
    /// # Panics
    ///
    /// When it does not answer; with what it wrote.
    pub async fn start_again(&mut self) {
        self.stop();
        match serve(&self.dir, self.port).await {
            Ok(proc) => self.proc = Some(proc),
            Err(proc) => panic!("Mosquitto does not start again: {proc}"),
        }
    }

    /// Whether it has written its store: it does when it ends, and on `Signal::USR1`.
    #[must_use]
    pub fn has_stored(&self) -> bool {
        self.dir.path().join("mosquitto.db").exists()
    }

    /// Sends a signal: `Signal::STOP` makes a broker that is there and says nothing.
    pub fn signal(&self, signal: Signal) {
        if let Some(proc) = &self.proc {
            proc.signal(signal);
        }
    }
}

impl From<Mosquitto> for Broker {
    fn from(broker: Mosquitto) -> Self {
        Self::Mosquitto(broker)
    }
}

/// Starts Mosquitto with the configuration in `dir`, and gives it back as an error if it ended
/// before it listened.
async fn serve(dir: &TempDir, port: u16) -> Result<Proc, Proc> {
    let program = tool("mosquitto", "install the package mosquitto");
    let proc = Proc::spawn(
        "mosquitto",
        Command::new(program).arg("-c").arg(dir.path().join("mosquitto.conf")),
    );
    let ready = poll(START, || match proc.exit() {
        Some(_) => Some(false),
        // Its log is the proof. A port that answers could belong to another program.
        None => {
            let log = proc.lines(crate::process::Stream::Err);
            log.iter().any(|line| line.ends_with(" running")).then_some(true)
        }
    })
    .await;
    if ready == Some(true) && answers(port) { Ok(proc) } else { Err(proc) }
}

/// A running `porchlight hub --open`.
#[derive(Debug)]
pub struct EmbeddedHub {
    proc: Option<Proc>,
    port: u16,
    arguments: Vec<String>,
    // Last, so that the process has gone before its folder does.
    store: TempDir,
}

impl EmbeddedHub {
    /// Starts one on a free port with a store of its own.
    ///
    /// # Panics
    ///
    /// When it does not say that it listens; with what it wrote.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with more arguments behind `porchlight hub --open --listen .. --store ..`.
    ///
    /// # Panics
    ///
    /// When it does not say that it listens; with what it wrote.
    pub async fn start_with(arguments: &[&str]) -> Self {
        let store =
            TempDir::with_prefix("porchlight-hub-").expect("a temporary folder can be made");
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        // Not port 0: what the system gives then lies among the ports of outgoing connections, and
        // this one stays unused while the hub is down and its clients retry.
        let mut hub = Self { proc: None, port: free_port(), arguments, store };
        hub.start_again().await;
        hub
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL without a topic root.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// Its process, for its output and its signals.
    ///
    /// # Panics
    ///
    /// When it was stopped.
    #[must_use]
    pub fn proc(&self) -> &Proc {
        self.proc.as_ref().expect("the hub was stopped")
    }

    /// Kills it, so that it publishes no Will.
    pub fn crash(&mut self) {
        if let Some(mut proc) = self.proc.take() {
            proc.kill();
        }
    }

    /// Asks it to quit and waits for it.
    pub fn stop(&mut self) {
        if let Some(mut proc) = self.proc.take() {
            proc.stop(PATIENCE);
        }
    }

    /// Starts it again on the same port with the same store.
    ///
    /// # Panics
    ///
    /// When it does not say that it listens; with what it wrote.
    pub async fn start_again(&mut self) {
        self.stop();
        let mut command = Command::new(bin("porchlight"));
        let addr = format!("127.0.0.1:{}", self.port);
        command.args(["hub", "--open", "--listen", &addr, "--store"]);
        command.arg(self.store.path()).args(&self.arguments);
        let proc = Proc::spawn("porchlight hub", &mut command);
        let said = "listening on 127.0.0.1:";
        let line = proc.wait_line(|line| line.starts_with(said), START).await;
        let port = line.strip_prefix(said).and_then(|port| port.trim().parse().ok());
        self.port = port.unwrap_or_else(|| panic!("no port in {line:?}"));
        until("the hub to answer on its port", START, || answers(self.port)).await;
        self.proc = Some(proc);
    }
}

impl From<EmbeddedHub> for Broker {
    fn from(broker: EmbeddedHub) -> Self {
        Self::Hub(broker)
    }
}

fn url(port: u16) -> String {
    format!("mqtt://127.0.0.1:{port}")
}
