//! `porchlight hub --gateway` beside a broker, and plain HTTP to ask it.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::binary::bin;
use crate::process::{Proc, run};
use crate::until::{START, poll_async};

/// How long a gateway may take to say goodbye.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// The folder with its config, in that of its tokens.
const CONFIG: &str = "config";

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The head, line by line.
    pub head: Vec<String>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A running gateway.
#[derive(Debug)]
pub struct RunningGateway {
    proc: Option<Proc>,
    addr: String,
    token: String,
    arguments: Vec<String>,
    // Last, so that the process has gone before its folder does.
    store: TempDir,
}

impl RunningGateway {
    /// Starts one beside the broker of this URL, whose path is the topic root. It answers when this returns; whether it has
    /// read the broker is another matter: see [`RunningGateway::until_read`].
    ///
    /// # Panics
    ///
    /// When it does not say that it answers; with what it wrote.
    pub async fn start(broker: &str) -> Self {
        Self::start_with(broker, &[]).await
    }

    /// Starts one with more arguments.
    ///
    /// # Panics
    ///
    /// When it does not say that it answers; with what it wrote.
    pub async fn start_with(broker: &str, arguments: &[&str]) -> Self {
        let store = TempDir::with_prefix("porchlight-gateway-");
        Self::start_in(store.expect("a temporary folder can be made"), broker, arguments).await
    }

    /// Starts one with this `config.toml`.
    ///
    /// # Panics
    ///
    /// When it does not say that it answers; with what it wrote.
    pub async fn start_configured(broker: &str, config: &str) -> Self {
        let store = TempDir::with_prefix("porchlight-gateway-");
        let store = store.expect("a temporary folder can be made");
        let folder = store.path().join(CONFIG);
        std::fs::create_dir(&folder).expect("a folder can be made there");
        std::fs::write(folder.join("config.toml"), config).expect("the folder can be written to");
        Self::start_in(store, broker, &[]).await
    }

    async fn start_in(store: TempDir, broker: &str, arguments: &[&str]) -> Self {
        let mut arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        arguments.extend(["--gateway".to_owned(), broker.to_owned()]);
        let addr = "127.0.0.1:0".to_owned();
        let mut gateway = Self { proc: None, addr, token: String::new(), arguments, store };
        gateway.token = gateway.new_token("test");
        gateway.start_again().await;
        gateway
    }

    /// Starts it again at the same address with the same store.
    ///
    /// # Panics
    ///
    /// When it does not say that it answers; with what it wrote.
    pub async fn start_again(&mut self) {
        self.stop();
        let mut command = self.command();
        command.args(["--listen", &self.addr]).args(&self.arguments);
        let proc = Proc::spawn("porchlight hub --gateway", &mut command);
        let said = "answering on http://";
        let line = proc.wait_line(|line| line.starts_with(said), START).await;
        line.strip_prefix(said).unwrap_or_default().trim().clone_into(&mut self.addr);
        self.proc = Some(proc);
    }

    /// Waits until it has read its broker.
    ///
    /// # Panics
    ///
    /// When that does not come.
    pub async fn until_read(&self) {
        let read = poll_async(START, async || self.get("/healthz").await.status == 200).await;
        assert!(read.is_some(), "{}", self.proc());
    }

    /// Makes a token, as a person would.
    ///
    /// # Panics
    ///
    /// When it can't be made.
    #[must_use]
    pub fn new_token(&self, name: &str) -> String {
        run(self.command().args(["--new-token", name])).trim().to_owned()
    }

    /// Ends a token.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn revoke_token(&self, token: &str) {
        run(self.command().args(["--revoke-token", token]));
    }

    /// `porchlight hub --store ..`, with a home of its own.
    fn command(&self) -> Command {
        let mut command = Command::new(bin("porchlight"));
        command.arg("hub").arg("--store").arg(self.store.path());
        command.arg("--config-dir").arg(self.store.path().join(CONFIG));
        command
    }

    /// Where it answers: host and port.
    #[must_use]
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// A token by which one may read.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Its process, for its output and its signals.
    ///
    /// # Panics
    ///
    /// When it was stopped.
    #[must_use]
    pub fn proc(&self) -> &Proc {
        self.proc.as_ref().expect("the gateway was stopped")
    }

    /// Kills it, so that its Will speaks for it.
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

    /// The answer to a request with the token.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn get(&self, path: &str) -> Answer {
        let token = format!("Bearer {}", self.token);
        self.ask("GET", path, &[("Authorization", &token)]).await
    }

    /// What it answers to this.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.addr);
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").expect("a string takes it");
        }
        request.push_str("\r\n");
        let exchange = async {
            let mut stream = TcpStream::connect(&self.addr).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        let answer = tokio::time::timeout(ANSWER, exchange).await;
        let answer = answer.expect("it answers in time").expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head has an end");
        let head: Vec<_> = head.split("\r\n").map(str::to_owned).collect();
        let status = head[0].split(' ').nth(1).and_then(|status| status.parse().ok());
        Answer { status: status.expect("a status"), head, body: body.to_owned() }
    }

    /// Begins to follow `/v1/stream`.
    ///
    /// # Panics
    ///
    /// When there is no `curl`, or it can't be started.
    #[must_use]
    pub fn follow(&self, arguments: &[&str]) -> Proc {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--no-buffer", "--fail"]);
        command.args(["--header", &format!("Authorization: Bearer {}", self.token)]);
        command.args(arguments).arg(format!("http://{}/v1/stream", self.addr));
        Proc::spawn("curl /v1/stream", &mut command)
    }
}
