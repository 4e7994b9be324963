//! Who is watched and who watches: real programs, one process each.

use std::time::Duration;

use porchlight_tests::light::Watch;
use porchlight_tests::process::{Proc, Stream};
use porchlight_tests::until::{START, unix_ms};
use porchlight_tests::{Light, SeedClient, Signal};
use serde_json::{Value, json};

use crate::event::Design;
use crate::timeline::{Sighting, UNLISTED};

/// The threshold of those who are watched. Short, since the benchmark waits for it.
pub(crate) const AWAY_AFTER: Duration = Duration::from_secs(3);

/// One device of a person.
#[derive(Debug)]
pub(crate) struct Actor {
    body: Body,
    /// More arguments of `porchlight run`.
    extra: Vec<String>,
}

#[derive(Debug)]
enum Body {
    Porchlight { light: Light, run: Proc },
    Node(SeedClient),
}

impl Actor {
    /// Starts a device of that person whose way to the broker is this URL, and waits until it is connected.
    pub(crate) async fn start(
        design: Design,
        url: &str,
        (user, device): (&str, &str),
        extra: &[&str],
    ) -> Self {
        let extra: Vec<_> = extra.iter().map(|&argument| argument.to_owned()).collect();
        let body = match design {
            Design::Porchlight => {
                let light = Light::new(url, user, device);
                let run = run(&light, &extra);
                run.wait_line(|line| line.contains("connected to"), START).await;
                Body::Porchlight { light, run }
            }
            Design::Seed => Body::Node(SeedClient::first_by_default(url, user).await),
            Design::Heartbeat => Body::Node(SeedClient::heartbeat(url, user).await),
        };
        Self { body, extra }
    }

    /// The person quits, by the door that the design has for it.
    pub(crate) fn quit(&mut self) {
        match &mut self.body {
            Body::Porchlight { run, .. } => run.signal_leader(Signal::TERM),
            Body::Node(client) => client.proc_mut().say(r#"{"do":"leave"}"#),
        }
    }

    /// Tells what the person or the machine does, in the words of `--activity stdin`.
    pub(crate) fn tell(&mut self, fact: &Value) {
        self.proc_mut().say(&fact.to_string());
    }

    /// The person gave the last input so long ago.
    pub(crate) fn tell_idle(&mut self, ago: Duration) {
        let ago = u64::try_from(ago.as_millis()).expect("a short time");
        self.tell(&json!({ "idle_since": unix_ms() - ago }));
    }

    pub(crate) fn kill(&mut self) {
        self.proc_mut().kill();
    }

    /// The machine stands still.
    pub(crate) fn freeze(&mut self) {
        self.proc_mut().signal(Signal::STOP);
    }

    /// Kills it and starts it at once, with what it has saved. From now on its way to the broker is this URL.
    pub(crate) async fn restart(&mut self, design: Design, user: &str, url: &str) {
        self.kill();
        match (&mut self.body, design) {
            (Body::Porchlight { light, run: process }, _) => {
                light.reach_by(url);
                *process = run(light, &self.extra);
            }
            (Body::Node(client), Design::Heartbeat) => {
                *client = SeedClient::heartbeat(url, user).await;
            }
            (Body::Node(client), _) => *client = SeedClient::first_by_default(url, user).await,
        }
    }

    fn proc_mut(&mut self) -> &mut Proc {
        match &mut self.body {
            Body::Porchlight { run, .. } => run,
            Body::Node(client) => client.proc_mut(),
        }
    }
}

fn run(light: &Light, extra: &[String]) -> Proc {
    let away_after = format!("{}s", AWAY_AFTER.as_secs());
    let mut arguments = vec!["run", "--activity", "stdin", "--away-after", &away_after];
    arguments.extend(extra.iter().map(String::as_str));
    let mut run = light.start(&arguments);
    run.say(r#"{"active":true}"#);
    run
}

/// Whoever looks at the dots, with a link of their own that nobody pulls.
#[derive(Debug)]
pub(crate) enum Observer {
    Porchlight(Watch),
    Node(SeedClient),
}

impl Observer {
    pub(crate) async fn start(design: Design, url: &str) -> Self {
        match design {
            Design::Porchlight => {
                let watch = Light::new(url, "observer", "desk").watch();
                watch.wait_link(true, START).await;
                Self::Porchlight(watch)
            }
            Design::Seed => Self::Node(SeedClient::first_by_default(url, "observer").await),
            Design::Heartbeat => Self::Node(SeedClient::heartbeat(url, "observer").await),
        }
    }

    /// Every status word that it showed for that person, and when.
    pub(crate) fn sightings(&self, user: &str) -> Vec<Sighting> {
        let lines = self.proc().timed_lines(Stream::Out).into_iter();
        lines
            .filter_map(|line| {
                let status = shown(&serde_json::from_str(&line.text).ok()?, user)?;
                Some(Sighting { at: line.at, status })
            })
            .collect()
    }

    /// Waits until it shows this status for that person.
    pub(crate) async fn wait_status(&self, user: &str, status: &str) {
        match self {
            Self::Porchlight(watch) => {
                watch.wait_status(user, status, START).await;
            }
            Self::Node(client) => client.wait_status(user, status, START).await,
        }
    }

    /// Waits until it knows of two devices of that person, where it can tell devices apart.
    pub(crate) async fn wait_two_devices(&self, user: &str) {
        if let Self::Porchlight(watch) = self {
            let two =
                |person: &Value| person["devices"].as_array().is_some_and(|all| all.len() == 2);
            watch.wait_person(user, two, START).await;
        }
    }

    fn proc(&self) -> &Proc {
        match self {
            Self::Porchlight(watch) => watch.proc(),
            Self::Node(client) => client.proc(),
        }
    }
}

/// What a line of an observer's output shows for that person.
fn shown(event: &Value, user: &str) -> Option<String> {
    if event["forgotten"] == user {
        return Some(UNLISTED.to_owned());
    }
    (event["user"] == user).then(|| event["status"].as_str().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_observer_s_lines_are_understood() {
        for (line, status) in [
            (r#"{"user":"u1","name":"u1","status":"away","devices":[]}"#, Some("away")),
            (r#"{"event":"status","user":"u1","status":"offline","timestamp":1}"#, Some("offline")),
            (r#"{"forgotten":"u1"}"#, Some(UNLISTED)),
            (r#"{"forgotten":"u2"}"#, None),
            (r#"{"user":"u2","status":"online"}"#, None),
            (r#"{"event":"typing","user":"u1","typing":true}"#, None),
            (r#"{"link":"down"}"#, None),
        ] {
            let event = serde_json::from_str(line).unwrap();
            assert_eq!(shown(&event, "u1").as_deref(), status, "{line}");
        }
    }
}
