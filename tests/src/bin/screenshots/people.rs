//! Who is in the pictures: a team of nine, and a crowd.
//!
//! They are records at a broker, as real devices write them. Times count from now, in whole minutes.

use porchlight_tests::until::unix_ms;
use porchlight_tests::{Cli, Message, Probe, Session};
use serde_json::{Value, json};

use crate::stage;

/// Whose window it is.
pub(crate) fn me(url: &str, session: &Session) -> Cli {
    Cli::new(url, "mara", "laptop").named("Mara Quist").on(session)
}

/// The team beside her: somebody in each state that there is.
pub(crate) fn team() -> Vec<Device> {
    vec![
        Device::of("amira", "Amira Haddad", "laptop").online(48).hours_ahead(1),
        Device::of("amira", "Amira Haddad", "desktop").away("idle", 31),
        Device::of("emeka", "Emeka Nwosu", "laptop")
            .online(133)
            .says("online", "🌊", "In Lisbon this week", 240)
            .hours_ahead(-1),
        Device::of("linh", "Linh Nguyễn", "desktop").unsure(75),
        Device::of("chiara", "Chiara Rossi", "laptop")
            .online(95)
            .says("dnd", "🎧", "Deep work", 40)
            .hours_ahead(0),
        Device::of("jonas", "Jonas Weber", "desktop").away("idle", 17),
        Device::of("priya", "Priya Raman", "laptop").away("locked", 6),
        Device::of("sofia", "Sofía Hernández", "laptop").offline("asleep", 104),
        Device::of("tom", "Tom O’Brien", "laptop").offline("lost", 22),
    ]
}

/// Three hundred people.
pub(crate) fn crowd() -> Vec<Device> {
    const GIVEN: [&str; 60] = [
        "Aiko", "Amina", "Anders", "Beatriz", "Björn", "Camille", "Carmen", "Chidi", "Clara",
        "Daan", "Dragan", "Elena", "Elif", "Emre", "Farid", "Femi", "Fiona", "Giulia", "Grace",
        "Hana", "Hugo", "Ingrid", "Isaac", "Ivan", "Jana", "João", "Kateryna", "Kofi", "Lars",
        "Leila", "Liam", "Lucía", "Marek", "Maya", "Mei", "Milan", "Nadia", "Nikos", "Nora",
        "Olga", "Omar", "Pedro", "Petra", "Quynh", "Rafael", "Rania", "Rosa", "Samir", "Sanna",
        "Silvia", "Tariq", "Tereza", "Thandi", "Uma", "Viktor", "Wei", "Ximena", "Yusuf", "Zara",
        "Zoltán",
    ];
    const FAMILY: [&str; 10] = [
        "Adeyemi",
        "Bianchi",
        "Costa",
        "Dubois",
        "Eriksson",
        "Fernández",
        "Gupta",
        "Horvat",
        "Ito",
        "Jansen",
    ];
    (0..300)
        .map(|at| {
            // Five of each given name, none of them twice.
            let (given, family) = (GIVEN[at % 60], FAMILY[(at / 60 + at * 3) % 10]);
            let minutes = 3 + (at as u64 * 37) % 400;
            let device =
                Device::of(&format!("person-{at}"), &format!("{given} {family}"), "laptop");
            match (at * 7 + at / 60 * 3) % 10 {
                0..=3 => device.online(minutes),
                4 => device.unsure(minutes),
                5 => device.online(minutes).says("dnd", "🎧", "Deep work", 40),
                6 => device.away("idle", minutes),
                7 => device.away("locked", minutes),
                8 => device.offline("asleep", minutes),
                _ => device.offline("left", minutes),
            }
        })
        .collect()
}

/// What one device says of its person.
#[derive(Debug)]
pub(crate) struct Device {
    user: String,
    record: Value,
    /// The moment from which its times count, in Unix milliseconds.
    now: u64,
}

impl Device {
    fn of(user: &str, name: &str, kind: &str) -> Self {
        // On the minute: a row that says when then says so in each run.
        let now = unix_ms() / 60_000 * 60_000;
        let record = json!({
            "v": 1, "status": "online", "timestamp": unix_ms(), "epoch": now, "lease_s": 36_000, "loss_s": 18,
            "name": name, "kind": kind,
        });
        Self { user: user.to_owned(), record, now }
    }

    fn since(mut self, status: &str, cause: Option<&str>, minutes: u64) -> Self {
        self.record["status"] = json!(status);
        self.record["since"] = json!(self.now - 60_000 * minutes);
        if let Some(cause) = cause {
            self.record["cause"] = json!(cause);
        }
        self
    }

    fn online(self, minutes: u64) -> Self {
        self.since("online", None, minutes)
    }

    /// Nothing tells whether anybody is there.
    fn unsure(self, minutes: u64) -> Self {
        self.since("online", Some("unknown"), minutes)
    }

    fn away(self, cause: &str, minutes: u64) -> Self {
        self.since("away", Some(cause), minutes)
    }

    fn offline(self, cause: &str, minutes: u64) -> Self {
        self.since("offline", Some(cause), minutes)
    }

    /// The status that its person chose, and for how many minutes it still holds.
    fn says(mut self, status: &str, emoji: &str, text: &str, minutes: u64) -> Self {
        let until = self.now + 60_000 * minutes;
        self.record["chosen"] = json!({
            "rev": 1, "status": status, "emoji": emoji, "text": text, "until": until, "at": self.now,
        });
        self
    }

    /// Where clocks are so many hours ahead of hers.
    fn hours_ahead(mut self, hours: i64) -> Self {
        self.record["tz"] = json!(stage::zone(hours));
        self
    }

    /// Its person's id.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }
}

/// Has these devices say so at the broker of this URL.
pub(crate) async fn come(url: &str, devices: &[Device]) {
    let mut probe = Probe::connect(url).await;
    for (at, Device { user, record, .. }) in devices.iter().enumerate() {
        let topic = format!("presence/{user}/device/d{at}");
        probe.publish(Message::json(topic, record).retained()).await;
    }
    probe.leave().await;
}
