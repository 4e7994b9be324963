//! A thousand members on one hub: what it takes in memory, how many log in a second, and how long it takes until everybody's
//! goodbye is heard.
//!
//! The hub is a process of its own and is all that is weighed. Its members are light: a TLS connection each, with the
//! device's record, and the room's filters, so that every goodbye goes to everybody who is still there. They live on
//! the same machine, and take the larger part of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use porchlight_agent::proxy::Proxy;
use porchlight_core::team::{Invitation, Joined};
use porchlight_core::topic::room_filters;
use porchlight_tests::member::Member;
use porchlight_tests::until::{Stopwatch, unix_ms};
use rumqttc::v5::mqttbytes::v5::{Filter, Packet};
use rumqttc::v5::mqttbytes::{QoS, v5::ConnectReturnCode};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::{Figure, cost, ms, quantile};

const MEMBERS: usize = 1_000;
/// The most uses that an invitation has.
const USES: usize = 100;
/// How many knock at the door at once.
const AT_ONCE: usize = 32;
/// Between two looks at the hub's memory.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// For everybody to come in, or to be gone.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) async fn measure() -> Vec<Figure> {
    let anna = Member::new("Anna");
    let hub = anna.start(&["hub"]);
    anna.join(&anna.owner_link(&hub).await).await;
    let empty = cost::private_dirty(hub.id()) / 1024.0;

    let joining = Stopwatch::start();
    let members = join(&anna).await;
    let joins = rate(MEMBERS, joining.elapsed());

    let crowd = Arc::new(Crowd::new());
    let (goodbye, told) = watch::channel(false);
    let (seen, mut sees) = mpsc::unbounded_channel();
    let mut lines = JoinSet::new();
    let coming = Stopwatch::start();
    for (n, member) in members.into_iter().enumerate() {
        let seen = (n == 0).then(|| seen.clone());
        lines.spawn(live(member, Arc::clone(&crowd), told.clone(), seen));
    }
    let here = u32::try_from(MEMBERS).expect("a thousand");
    drop(within("everybody to be in", crowd.here.acquire_many(here)).await);
    let took = coming.elapsed();
    // Everybody's record reaches everybody.
    let mut present = BTreeSet::new();
    while present.len() < MEMBERS {
        let (who, here) = within("the first to see all", sees.recv()).await.expect("it lives");
        if here {
            present.insert(who);
        }
    }
    let settled = coming.elapsed();
    let full = at_rest(hub.id()).await;

    let parting = Stopwatch::start();
    goodbye.send_replace(true);
    while present.len() > 1 {
        let (who, here) = within("the first to see all go", sees.recv()).await.expect("it lives");
        if !here {
            present.remove(&who);
        }
    }
    let gone = parting.elapsed();
    let mut acknowledged = crowd.acknowledged.lock().expect("nobody panics with it").clone();
    acknowledged.sort();
    let peak = peak(hub.id());
    println!(
        "{MEMBERS} members: all logged in after {took:?} ({:.0} a second), each seen after {settled:?}; {joins:.0} invitations redeemed a second; \
         goodbyes acknowledged p50 {:.0} ms, p99 {:.0} ms, last seen after {gone:?}; hub {empty:.1} MiB empty, {full:.1} MiB full, peak {peak:.1} MiB",
        rate(MEMBERS, took),
        ms(quantile(&acknowledged, 0.5)),
        ms(quantile(&acknowledged, 0.99)),
    );
    let figure = |what, value| Figure { what, value, bar: "stated", holds: true };
    drop(hub);
    vec![
        figure("1,000 members on one hub: its private dirty memory", format!("{full:.1} MiB")),
        figure("the same at its peak, resident", format!("{peak:.1} MiB")),
        figure("log-ins a second, TLS and all", format!("{:.0}", rate(MEMBERS, took))),
        figure("invitations redeemed a second", format!("{joins:.0}")),
        figure("1,000 goodbyes at once: the last one is acknowledged after", {
            format!("{:.1} s", acknowledged.last().map_or(0.0, Duration::as_secs_f64))
        }),
        figure("and seen by somebody who stays after", format!("{:.1} s", gone.as_secs_f64())),
    ]
}

/// What the members did so far.
struct Crowd {
    doors: Semaphore,
    /// A permit for each who is logged in.
    here: Semaphore,
    acknowledged: std::sync::Mutex<Vec<Duration>>,
}

impl Crowd {
    fn new() -> Self {
        let acknowledged = std::sync::Mutex::new(Vec::with_capacity(MEMBERS));
        Self { doors: Semaphore::new(AT_ONCE), here: Semaphore::new(0), acknowledged }
    }
}

/// Invites and lets in everybody.
async fn join(anna: &Member) -> Vec<Joined> {
    let mut joining = JoinSet::new();
    let doors = Arc::new(Semaphore::new(AT_ONCE));
    for group in 0..MEMBERS / USES {
        let link = anna.invite(&["--uses", &USES.to_string()]).await;
        let invitation: Invitation = link.parse().expect("a link of ours");
        for n in 0..USES {
            let (invitation, doors) = (invitation.clone(), Arc::clone(&doors));
            joining.spawn(async move {
                let _turn = doors.acquire().await;
                let name = format!("Member {}", group * USES + n);
                let credential = format!("member{:0>4}.{}", group * USES + n, "s".repeat(27));
                let credential = credential.parse().expect("of the right form");
                let (kind, proxy) = (Some("laptop"), Proxy::default());
                porchlight_agent::team::join(&invitation, &name, kind, &credential, &proxy)
                    .await
                    .unwrap_or_else(|error| panic!("{name} is not let in: {error}"))
            });
        }
    }
    let mut members = Vec::with_capacity(MEMBERS);
    while let Some(member) = joining.join_next().await {
        members.push(member.expect("nobody panics"));
    }
    members
}

/// One member from log-in to goodbye.
async fn live(
    member: Joined,
    crowd: Arc<Crowd>,
    mut goodbye: watch::Receiver<bool>,
    seen: Option<mpsc::UnboundedSender<(String, bool)>>,
) {
    let turn = crowd.doors.acquire().await;
    let address = member.at.first().expect("a hub is somewhere");
    let id = format!("pl{}m", member.credential.id());
    let mut options = MqttOptions::new(id, "127.0.0.1", address.port());
    options.set_credentials(member.credential.id(), member.credential.secret());
    options.set_keep_alive(Duration::from_secs(60));
    options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls())));
    options.set_connection_timeout(60);
    let (client, mut line) = AsyncClient::new(options, 16);
    let topic = format!("{}/{}/device/d", member.root, member.user);
    let mut parting = None;
    let mut turn = Some(turn);
    loop {
        let event = tokio::select! {
            event = line.poll() => event,
            _ = goodbye.changed(), if seen.is_none() && parting.is_none() => {
                parting = Some(Stopwatch::start());
                let record = record("offline", Some("left"), &member.name);
                client.publish(&topic, QoS::AtLeastOnce, true, record).await.expect("it lives");
                continue;
            }
        };
        match event {
            Ok(Event::Incoming(Packet::ConnAck(ack))) => {
                assert_eq!(ack.code, ConnectReturnCode::Success, "{} is not let in", member.name);
                drop(turn.take());
                let filters = room_filters(&member.root);
                let filters =
                    filters.into_iter().map(|filter| Filter::new(filter, QoS::AtMostOnce));
                client.subscribe_many(filters).await.expect("it lives");
                let record = record("online", None, &member.name);
                client.publish(&topic, QoS::AtLeastOnce, true, record).await.expect("it lives");
                crowd.here.add_permits(1);
            }
            Ok(Event::Incoming(Packet::PubAck(_))) => {
                if let Some(parting) = &parting {
                    crowd.acknowledged.lock().expect("nobody panics").push(parting.elapsed());
                    let _ = client.disconnect().await;
                }
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                if let Some(seen) = &seen
                    && let Ok(topic) = std::str::from_utf8(&publish.topic)
                    && topic.ends_with("/device/d")
                {
                    let here = !publish.payload.windows(9).any(|part| part == b"\"offline\"");
                    let _ = seen.send((topic.to_owned(), here));
                }
            }
            Ok(_) => {}
            Err(_) if parting.is_some() => return,
            Err(error) => panic!("{} lost the hub: {error}", member.name),
        }
    }
}

fn record(status: &str, cause: Option<&str>, name: &str) -> String {
    let now = unix_ms();
    let mut record = json!({
        "v": 1, "status": status, "since": now, "timestamp": now, "epoch": now, "lease_s": 3600, "loss_s": 18,
        "name": name, "kind": "laptop", "tz": "Europe/Berlin",
    });
    if let Some(cause) = cause {
        record["cause"] = cause.into();
    }
    record.to_string()
}

/// The private dirty memory in MiB, once it has stopped changing: what it sends is sent then.
async fn at_rest(process: u32) -> f64 {
    let mut last = f64::MAX;
    within("the hub's memory to come to rest", async {
        loop {
            let now = cost::private_dirty(process) / 1024.0;
            if (now - last).abs() < 0.01 * now {
                return now;
            }
            last = now;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    })
    .await
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not in {PATIENCE:?}"))
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// The most that was resident, in MiB (proc_pid_status(5), VmHWM).
fn peak(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it lives");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux tells it");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("KiB");
    kib / 1024.0
}

/// TLS without a check of the certificate, which other tests cover.
fn tls() -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows them")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    Arc::new(config)
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ED25519,
            SignatureScheme::RSA_PSS_SHA256,
        ]
    }
}
