//! Runs a hub in a separate process, to measure its memory. The process is this test program, started again.

use crate::hub_fixture::{team_settings, tls};
use crate::world::{Client, options, within};
use porchlight_core::team::{Invitation, InviteMade, InviteOrder, Join, Joined, Pin};
use porchlight_hub::{Hub, Store};
use rumqttc::v5::MqttOptions;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::time::Instant;

/// Maximum peak memory of a hub in a debug build, in MiB, in all of these tests.
pub(crate) const PEAK: u64 = 160;
/// Maximum time for a member to connect and read during an attack.
const COMES_IN: Duration = Duration::from_secs(20);
/// The environment variable with the store folder of the hub.
const FOLDER: &str = "PORCHLIGHT_HUB_TEST_FOLDER";

/// A hub in a separate process.
pub(crate) struct Apart {
    pub(crate) process: tokio::process::Child,
    pub(crate) plain: SocketAddr,
    pub(crate) addr: SocketAddr,
    pub(crate) pin: Pin,
    pub(crate) anna: Joined,
}

impl Apart {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Starts a hub that stores everything in that folder.
    pub(crate) async fn start_with(folder: Option<&Path>) -> Self {
        let mut process = tokio::process::Command::new(std::env::current_exe().unwrap());
        if let Some(folder) = folder {
            process.env(FOLDER, folder);
        }
        let mut process = process
            .args(["--ignored", "--exact", "--nocapture", "apart::the_hub_of_the_other_tests"])
            .env("RUST_TEST_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = within("the hub's addresses", async {
            loop {
                let line = lines.next_line().await.unwrap().expect("it says where it is");
                if let Some((_, said)) = line.split_once("at: ") {
                    return said.to_owned();
                }
            }
        })
        .await;
        let [plain, addr, link] = said.split(' ').collect::<Vec<_>>()[..] else { panic!("{said}") };
        let (plain, addr): (SocketAddr, SocketAddr) =
            (plain.parse().unwrap(), addr.parse().unwrap());
        let Invitation { pin, token, .. } = link.parse().unwrap();
        let join = Join { token, name: "Anna".to_owned(), kind: None, credential: None };
        let anna = crate::hub_fixture::post(addr, pin, "/v1/join", None, &join).await.read();
        let apart = Self { process, plain, addr, pin, anna };
        let mut client = apart.member("first").await;
        assert_eq!(client.retain("presence/anna/chosen", "{}").await, PubAckReason::Success);
        client.leave().await;
        apart
    }

    /// Returns how a device of Anna connects to the hub at that address.
    pub(crate) fn options(&self, addr: SocketAddr, id: &str) -> MqttOptions {
        let mut options = options(addr, id);
        options.set_credentials(self.anna.credential.id(), self.anna.credential.secret());
        options.set_connection_timeout(COMES_IN.as_secs());
        let tls = rumqttc::TlsConfiguration::Rustls(tls(self.pin));
        options.set_transport(rumqttc::Transport::tls_with_config(tls));
        options
    }

    /// Creates another member, invited by Anna.
    pub(crate) async fn joins(&self, name: &str) -> Joined {
        let anna = Some(&self.anna.credential);
        let order = InviteOrder::default();
        let made: InviteMade =
            crate::hub_fixture::post(self.addr, self.pin, "/v1/invites", anna, &order).await.read();
        let token = made.link.parse::<Invitation>().unwrap().token;
        let join = Join { token, name: name.to_owned(), kind: None, credential: None };
        crate::hub_fixture::post(self.addr, self.pin, "/v1/join", None, &join).await.read()
    }

    pub(crate) async fn member(&self, id: &str) -> Client {
        let options = self.options(self.addr, id);
        // Retry like any client, because this computer may be busy.
        within("a member coming in", async {
            loop {
                if let Ok(client) = Client::try_connect(options.clone()).await {
                    return client;
                }
            }
        })
        .await
    }

    /// A member connects, reads and disconnects, and sends a request over HTTP.
    pub(crate) async fn serves(&self, during: &str) {
        let before = Instant::now();
        let mut client = self.member("good").await;
        client.subscribe("presence/anna/chosen").await;
        assert_eq!(client.text().await.0, "presence/anna/chosen");
        client.leave().await;
        let team = crate::hub_fixture::ask(
            self.addr,
            self.pin,
            "GET",
            "/v1/team",
            Some(&self.anna.credential),
            None,
        );
        assert_eq!(team.await.status, 200, "{during}");
        assert!(before.elapsed() < COMES_IN, "{during}: {:?}", before.elapsed());
    }

    /// Returns its peak memory so far, in MiB (proc_pid_status(5), VmHWM).
    pub(crate) fn peak(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
    }

    pub(crate) async fn end(mut self, after: &str) {
        self.serves(after).await;
        let peak = self.peak();
        println!("peak memory of the hub after {after}: {peak} MiB");
        assert!(peak < PEAK, "{after}: {peak} MiB");
        assert!(self.process.try_wait().unwrap().is_none(), "it lives");
        self.process.kill().await.unwrap();
    }
}

/// Not a test: the process that [`Apart`] starts. It ends with its input.
#[tokio::test]
#[ignore = "the other tests start it"]
async fn the_hub_of_the_other_tests() {
    let store = std::env::var_os(FOLDER).map_or(Store::Memory, |at| Store::Folder(at.into()));
    let hub = Hub::start(team_settings(store)).await.unwrap();
    let invitation = hub.invite_owner().await.unwrap().unwrap();
    println!("at: {} {} {invitation}", hub.addr(), hub.team_addr().unwrap());
    let mut input = Vec::new();
    let _ = tokio::io::stdin().read_to_end(&mut input).await;
    hub.stop().await.unwrap();
}
