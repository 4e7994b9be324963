//! The backup computer: it follows the host, serves while that is away, and gives the team back.

use crate::hub_fixture::{Answer, HubFixture, ask, connect_from, somewhere};
use crate::world::{Client, eventually, pair, will, within};
use porchlight_core::presence::{Observed, OfflineCause};
use porchlight_core::team::{BackupAgree, Joined, Secret, StandsIn, WhyAway};
use porchlight_core::time::Timestamp;
use porchlight_core::wire::{DeviceRecord, HubRecord, Payload, decode_hub, encode_device};
use porchlight_hub::{
    Hub, HubError, Probe, RetainedCopy, StandbyError, StandbyFolder, StandbySettings,
};
use serde_json::{Value, json};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

fn now() -> Timestamp {
    porchlight_clock::now().wall
}

/// The computer of a member, which may become the backup.
struct Computer {
    who: Joined,
    folder: StandbyFolder,
    retained: RetainedCopy,
}

/// The stream on which a backup follows.
struct Following {
    stream: TlsStream<TcpStream>,
    read: String,
}

impl Computer {
    fn new(who: Joined, folder: &Path, house: &HubFixture) -> Self {
        let folder = StandbyFolder::new(folder.to_owned(), house.pin);
        Self { who, folder, retained: RetainedCopy::default() }
    }

    fn credential(&self) -> &Secret {
        &self.who.credential
    }

    async fn agree(&self, house: &HubFixture, at: Vec<porchlight_core::team::Address>) -> Answer {
        let agree = BackupAgree { key: self.folder.public_key().unwrap(), at, device: None };
        house.post("/v1/backup/agree", Some(self.credential()), &agree).await
    }

    /// Becomes the backup: the owner asks, and its user agrees.
    async fn becomes_backup(&self, house: &HubFixture) {
        let device = json!({ "device": self.credential().id() });
        let asked = put(house, "/v1/backup", &house.anna.credential, &device).await;
        assert_eq!(asked.status, 204, "{asked:?}");
        let probe = Probe::open(&self.folder, somewhere()).await.unwrap();
        let agreed = self.agree(house, probe.addresses(&[])).await;
        assert_eq!(agreed.status, 204, "{agreed:?}");
    }

    async fn follow(&self, house: &HubFixture) -> Result<Following, u16> {
        let mut stream = connect_from([127, 0, 0, 1], house.addr(), house.pin).await.unwrap();
        let (id, secret) = (self.credential().id(), self.credential().secret());
        let basic = data_encoding::BASE64.encode(format!("{id}:{secret}").as_bytes());
        // HTTP 1.0, so that the stream is not sent in chunks.
        let ask = format!(
            "GET /v1/backup/follow HTTP/1.0\r\nHost: hub\r\nAuthorization: Basic {basic}\r\n\r\n"
        );
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut following = Following { stream, read: String::new() };
        let head = within("the head", following.part()).await.unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        if status == 200 { Ok(following) } else { Err(status) }
    }

    /// Reads until the host has said this, and keeps what it says.
    async fn hears(&mut self, following: &mut Following, wanted: impl Fn(&str, &str) -> bool) {
        within("an event", async {
            loop {
                let (event, data) = following.next().await.expect("the stream goes on");
                match &*event {
                    "state" => drop(self.folder.accept(&data, now()).unwrap()),
                    "retained" => self.retained.apply(&data, now()).unwrap(),
                    _ => {}
                }
                if wanted(&event, &data) {
                    return;
                }
            }
        })
        .await;
    }

    async fn serves(&self, why: WhyAway) -> Result<Hub, HubError> {
        let stands_in = StandsIn { why, since: now() };
        let (folder, retained) = (self.folder.clone(), self.retained.clone());
        let settings = StandbySettings {
            folder,
            listen: somewhere(),
            origins: Vec::new(),
            stands_in,
            retained,
        };
        Hub::stand_in(settings).await
    }
}

impl Following {
    /// The text up to the next empty line; none at the end.
    async fn part(&mut self) -> Option<String> {
        loop {
            for end in ["\r\n\r\n", "\n\n"] {
                if let Some((part, rest)) = self.read.split_once(end) {
                    let (part, rest) = (part.to_owned(), rest.to_owned());
                    self.read = rest;
                    return Some(part);
                }
            }
            let mut piece = vec![0; 65536];
            let n = self.stream.read(&mut piece).await.unwrap_or(0);
            if n == 0 {
                return None;
            }
            self.read += &String::from_utf8_lossy(&piece[..n]);
        }
    }

    /// The next event and its data.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            let part = self.part().await?;
            if let Some((event, data)) = part.split_once('\n') {
                let field = |line: &str, name| line.strip_prefix(name).unwrap().to_owned();
                return Some((field(event, "event: "), field(data, "data: ")));
            }
        }
    }
}

async fn put(house: &HubFixture, path: &str, who: &Secret, body: &Value) -> Answer {
    ask(house.addr(), house.pin, "PUT", path, Some(who), Some(body.to_string())).await
}

/// A device that is online, with a Will without a delay.
async fn device(house: &HubFixture, who: &Joined, n: usize) -> Client {
    let mut options = house.options(&who.credential, &format!("plbackup{n:0>14}m"));
    let topic = format!("presence/{}/device/d", who.user);
    options.set_last_will(will(&topic, &offline(n), Some(0)));
    let mut client = Client::connect(options).await;
    client.retain(&topic, online(n)).await;
    client
}

fn online(n: usize) -> String {
    record(Observed::Active, n)
}

fn offline(n: usize) -> String {
    record(Observed::Offline(Some(OfflineCause::Lost)), n)
}

fn record(observed: Observed, n: usize) -> String {
    let record = DeviceRecord { epoch: Some(n as u64), ..DeviceRecord::bare(observed) };
    String::from_utf8(encode_device(&record)).unwrap()
}

/// The record of the hub once it is like this.
async fn hub_record(
    house: &HubFixture,
    who: &Joined,
    wanted: impl Fn(&HubRecord) -> bool,
) -> HubRecord {
    let mut reader = Client::connect(house.options(&who.credential, "hub-record")).await;
    reader.subscribe("presence/_hub").await;
    loop {
        let (_, text) = reader.any_text().await;
        let Ok(Payload::Record(record)) = decode_hub(text.as_bytes()) else { panic!("{text}") };
        if wanted(&record) {
            reader.leave().await;
            return record;
        }
    }
}

#[tokio::test]
async fn the_backup_serves_while_the_host_sleeps_and_nobody_is_shown_gone() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let house = HubFixture::in_folder(old.path()).await;
    let (bob, carol, dave) =
        (house.joins("Bob").await, house.joins("Carol").await, house.joins("Dave").await);
    let mut computer = Computer::new(bob, new.path(), &house);
    computer.becomes_backup(&house).await;
    let mut following = computer.follow(&house).await.map_err(drop).unwrap();
    computer.hears(&mut following, |event, _| event == "state").await;
    let team = house.get("/v1/team", Some(&carol.credential)).await;
    assert_eq!(team.body["backup"]["stage"], "ready", "{team:?}");
    assert_eq!(team.body["backup"]["name"], "Bob");

    let mut carols = device(&house, &carol, 1).await;
    let daves = device(&house, &dave, 2).await;
    computer.hears(&mut following, |_, data| data.contains("presence/dave/device/d")).await;
    // It changes right before the host sleeps.
    carols.retain("presence/carol/device/d", online(3)).await;

    let (handed_over, served) = tokio::join!(house.hub.hand_over(WhyAway::Asleep), async {
        computer.hears(&mut following, |event, _| event == "hands_over").await;
        let hub = computer.serves(WhyAway::Asleep).await.unwrap();
        drop(following);
        hub
    });
    assert!(handed_over && served.is_standing_in());
    carols.ended().await;
    let refused = house.get("/v1/team", Some(&carol.credential)).await;
    assert_eq!((refused.status, refused.code()), (503, "standby"));
    let late = Client::try_connect(house.options(&carol.credential, "late")).await;
    assert!(late.is_err());

    // At the backup everybody is as before, and nobody is admitted or removed.
    let backup = HubFixture { hub: served, pin: house.pin, anna: house.anna.clone() };
    let mut reader = Client::connect(backup.options(&carol.credential, "reader")).await;
    let records = reader.records("presence/+/device/+", "presence/carol/typing").await;
    let expected =
        [pair("presence/carol/device/d", &online(3)), pair("presence/dave/device/d", &online(2))];
    assert_eq!(records, expected);
    let hub = hub_record(&backup, &carol, |_| true).await;
    assert_eq!(hub.stands_in.unwrap().why, WhyAway::Asleep);
    assert_eq!(hub.backup.unwrap().user.as_str(), "bob");
    assert_eq!(hub.at, [house.addr().to_string().parse().unwrap()], "where the host is");
    let owner = Some(&house.anna.credential);
    assert_eq!(backup.get("/v1/members", owner).await.status, 200);
    for refused in [
        backup.post("/v1/invites", owner, &json!({})).await,
        backup.delete("/v1/members/dave", &house.anna.credential).await,
        backup.post("/v1/move", owner, &json!({})).await,
        backup.get("/v1/backup/follow", Some(computer.credential())).await,
    ] {
        assert_eq!((refused.status, refused.code()), (409, "backup_serves"), "{refused:?}");
    }

    // Carol comes and changes. Dave does not come, so he is lost.
    let mut carols = device(&backup, &carol, 4).await;
    let lost = within("Dave is lost", async {
        loop {
            let (topic, text) = reader.any_text().await;
            if topic == "presence/dave/device/d" {
                return text;
            }
        }
    });
    assert_eq!(lost.await, offline(2));

    // The host wakes. The backup gives back what changed.
    assert!(house.hub.take_back() && !house.hub.take_back());
    let following = computer.follow(&house).await.map_err(drop).unwrap();
    let back: Value = serde_json::from_str(&backup.hub.changes_for_host().await).unwrap();
    let given = house.post("/v1/backup/back", Some(computer.credential()), &back).await;
    assert_eq!(given.status, 204, "{given:?}");
    backup.hub.stand_down().await.unwrap();
    carols.ended().await;
    let mut reader = Client::connect(house.options(&carol.credential, "reader")).await;
    let records = reader.records("presence/+/device/+", "presence/carol/typing").await;
    assert_eq!(records[0], pair("presence/carol/device/d", &online(4)));
    assert_eq!(records[1], pair("presence/dave/device/d", &offline(2)));
    drop((daves, following));
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn only_a_computer_that_was_asked_and_is_reached_becomes_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let house = HubFixture::in_memory().await;
    let (bob, eve) = (house.joins("Bob").await, house.joins("Eve").await);
    let computer = Computer::new(bob, folder.path(), &house);
    let device = json!({ "device": computer.credential().id() });
    let order = |who: Secret| {
        let (house, device) = (&house, &device);
        async move { put(house, "/v1/backup", &who, device).await }
    };
    let refused = order(eve.credential.clone()).await;
    assert_eq!((refused.status, refused.code()), (403, "not_allowed"));
    let nowhere = json!({ "device": "nobody" });
    let unknown = put(&house, "/v1/backup", &house.anna.credential, &nowhere).await;
    assert_eq!((unknown.status, unknown.code()), (404, "not_found"));
    assert_eq!(computer.follow(&house).await.err(), Some(403));
    let at = Probe::open(&computer.folder, somewhere()).await.unwrap().addresses(&[]);
    assert_eq!(computer.agree(&house, at.clone()).await.status, 403, "nobody asked");

    assert_eq!(order(house.anna.credential.clone()).await.status, 204);
    assert_eq!(computer.follow(&house).await.err(), Some(403), "its user has not agreed");
    let gone = computer.agree(&house, at).await;
    assert_eq!((gone.status, gone.code()), (409, "not_reachable"));
    // Somebody else listens there.
    let other = tempfile::tempdir().unwrap();
    let other = StandbyFolder::new(other.path().to_owned(), house.pin);
    let other = Probe::open(&other, somewhere()).await.unwrap();
    let forged = computer.agree(&house, other.addresses(&[])).await;
    assert_eq!((forged.status, forged.code()), (409, "not_reachable"));
    let before = hub_record(&house, &eve, |_| true).await;
    assert_eq!(before.backup, None);
    computer.becomes_backup(&house).await;
    let hub = hub_record(&house, &eve, |hub| hub.backup.is_some()).await;
    let backup = hub.backup.unwrap();
    assert_eq!(backup.user.as_str(), "bob");
    assert!(hub.revision > before.revision && backup.serial > before.revision);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_backup_ends_with_its_revocation_and_with_its_member() {
    let folder = tempfile::tempdir().unwrap();
    let house = HubFixture::in_memory().await;
    let (bob, carol) = (house.joins("Bob").await, house.joins("Carol").await);
    let mut computer = Computer::new(bob, folder.path(), &house);
    computer.becomes_backup(&house).await;
    let mut following = computer.follow(&house).await.map_err(drop).unwrap();
    computer.hears(&mut following, |event, _| event == "state").await;
    let revision = computer.folder.load(now()).unwrap().unwrap().revision;

    // A member who is removed is in the next list no more.
    let removed = house.delete("/v1/members/carol", &house.anna.credential).await;
    assert_eq!(removed.status, 204);
    computer.hears(&mut following, |event, _| event == "state").await;
    let list = computer.folder.load(now()).unwrap().unwrap();
    assert!(list.revision > revision);
    let hub = computer.serves(WhyAway::Lost).await.unwrap();
    let backup = HubFixture { hub, pin: house.pin, anna: house.anna.clone() };
    assert_eq!(backup.get("/v1/team", Some(&carol.credential)).await.status, 401);
    assert_eq!(backup.get("/v1/team", Some(computer.credential())).await.status, 200);
    backup.hub.stand_down().await.unwrap();

    // Its user ends it, too.
    let ended = house.delete("/v1/backup", computer.credential()).await;
    assert_eq!(ended.status, 204);
    within("the end of the stream", async { while following.next().await.is_some() {} }).await;
    assert_eq!(computer.follow(&house).await.err(), Some(403));
    assert_eq!(house.delete("/v1/backup", computer.credential()).await.status, 404);

    computer.becomes_backup(&house).await;
    let mut following = computer.follow(&house).await.map_err(drop).unwrap();
    let removed = house.delete("/v1/members/bob", &house.anna.credential).await;
    assert_eq!(removed.status, 204);
    within("the end of the stream", async { while following.next().await.is_some() {} }).await;
    assert_eq!(computer.follow(&house).await.err(), Some(401));
    hub_record(&house, &house.anna, |hub| hub.backup.is_none()).await;
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_host_goes_away_in_time_whether_its_backup_answers_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let house = HubFixture::in_memory().await;
    let (bob, carol) = (house.joins("Bob").await, house.joins("Carol").await);
    let mut carols = device(&house, &carol, 1).await;
    assert!(!house.hub.hand_over(WhyAway::Quit).await, "nobody follows");
    carols.retain("presence/carol/device/d", online(2)).await;
    let mut computer = Computer::new(bob, folder.path(), &house);
    computer.becomes_backup(&house).await;
    let mut following = computer.follow(&house).await.map_err(drop).unwrap();
    computer.hears(&mut following, |event, _| event == "state").await;

    // It follows, and never says that it serves. Meanwhile nobody else is let in.
    let (handed_over, late) = tokio::join!(house.hub.hand_over(WhyAway::Quit), async {
        computer.hears(&mut following, |event, _| event == "hands_over").await;
        Client::try_connect(house.options(&carol.credential, "late")).await
    });
    assert!(handed_over && late.is_err());
    carols.ended().await;
    assert_eq!(house.get("/v1/team", Some(&carol.credential)).await.code(), "standby");

    // The computer stays on after all.
    assert!(house.hub.take_back() && !house.hub.take_back());
    let invited = house.post("/v1/invites", Some(computer.credential()), &json!({})).await;
    assert_eq!(invited.status, 201, "changes are allowed again");
    let mut reader = Client::connect(house.options(&carol.credential, "reader")).await;
    let records = reader.records("presence/+/device/+", "presence/carol/typing").await;
    assert_eq!(records, [pair("presence/carol/device/d", &online(2))], "no Will was published");

    // A backup that has gone without a word is no backup.
    drop(following);
    eventually("the stream has ended", || (!house.hub.is_followed()).then_some(())).await;
    assert!(!house.hub.hand_over(WhyAway::Quit).await);
    house.hub.stop().await.unwrap();
}

#[tokio::test]
async fn a_computer_that_has_heard_nothing_does_not_serve() {
    let (folder, house) = (tempfile::tempdir().unwrap(), HubFixture::in_memory().await);
    let computer = Computer::new(house.joins("Bob").await, folder.path(), &house);
    let refused = computer.serves(WhyAway::Lost).await.err();
    assert!(matches!(refused, Some(HubError::Standby(StandbyError::NothingYet))), "{refused:?}");
    house.hub.stop().await.unwrap();
}
