//! Who is watched and who watches: real programs, one process each, but for those who only make a team a large one.

use std::collections::HashMap;
use std::ops::Range;
use std::process::Command;
use std::time::Duration;

use porchlight_tests::bin;
use porchlight_tests::cli::Watch;
use porchlight_tests::process::{Proc, Stream};
use porchlight_tests::until::{START, unix_ms};
use porchlight_tests::{Cli, Machine, SeedClient, Signal};
use serde_json::{Value, json};

use crate::event::Design;
use crate::timeline::{Return, Sighting, Truth, UNLISTED, Verdict, Wrong, judge};

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
    Porchlight {
        light: Cli,
        run: Proc,
    },
    /// With the sources of a machine instead of a script.
    AtAMachine {
        run: Proc,
        _light: Cli,
    },
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
                let light = Cli::new(url, user, device);
                let run = run(&light, &extra);
                run.wait_line(|line| line.contains("connected to"), START).await;
                Body::Porchlight { light, run }
            }
            Design::Seed => Body::Node(SeedClient::first_by_default(url, user).await),
            Design::Heartbeat => Body::Node(SeedClient::heartbeat(url, user).await),
        };
        Self { body, extra }
    }

    /// Starts a device that sees by itself what happens at this machine, and waits until it is connected. The threshold
    /// is the short one, or one that nobody waits for.
    pub(crate) async fn start_at(
        machine: &Machine,
        url: &str,
        (user, device): (&str, &str),
        short: bool,
    ) -> Self {
        let light = Cli::new(url, user, device).at(machine);
        let away_after = if short { AWAY_AFTER } else { Duration::from_secs(60 * 60) };
        let away_after = format!("{}s", away_after.as_secs());
        let run = light.start(&["run", "--activity", "auto", "--away-after", &away_after]);
        run.wait_line(|line| line.contains("connected to"), START).await;
        Self { body: Body::AtAMachine { _light: light, run }, extra: Vec::new() }
    }

    /// The person quits, by the door that the design has for it.
    pub(crate) fn quit(&mut self) {
        match &mut self.body {
            Body::Porchlight { run, .. } | Body::AtAMachine { run, .. } => {
                run.signal_leader(Signal::TERM);
            }
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
            (Body::AtAMachine { .. }, _) => unreachable!("no machine starts anew"),
            (Body::Node(client), Design::Heartbeat) => {
                *client = SeedClient::heartbeat(url, user).await;
            }
            (Body::Node(client), _) => *client = SeedClient::first_by_default(url, user).await,
        }
    }

    fn proc_mut(&mut self) -> &mut Proc {
        match &mut self.body {
            Body::Porchlight { run, .. } | Body::AtAMachine { run, .. } => run,
            Body::Node(client) => client.proc_mut(),
        }
    }
}

fn run(light: &Cli, extra: &[String]) -> Proc {
    let away_after = format!("{}s", AWAY_AFTER.as_secs());
    let mut arguments = vec!["run", "--activity", "stdin", "--away-after", &away_after];
    arguments.extend(extra.iter().map(String::as_str));
    let mut run = light.start(&arguments);
    run.say(r#"{"active":true}"#);
    run
}

/// The observer who looks at the dots, with a connection that no test breaks.
#[derive(Debug)]
pub(crate) enum Observer {
    Porchlight(Watch),
    Node(SeedClient),
}

impl Observer {
    pub(crate) async fn start(design: Design, url: &str) -> Self {
        match design {
            Design::Porchlight => {
                let watch = Cli::new(url, "observer", "desk").watch();
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

/// The rest of a whole team, in one process: each is watched, and watches everybody.
#[derive(Debug)]
pub(crate) struct Crowd {
    proc: Proc,
    people: Range<usize>,
}

impl Crowd {
    /// How long it may take until each of them has seen everybody on a busy machine.
    const COMING: Duration = Duration::from_secs(120);

    /// Starts `u{first}` to `u{team - 1}`, and waits until all see all, those before the first included.
    pub(crate) async fn start(url: &str, first: usize, team: usize) -> Self {
        let mut command = Command::new(bin("examples/crowd"));
        command.arg(url).args([first, team].map(|n| n.to_string()));
        let proc = Proc::spawn("crowd", &mut command);
        proc.wait_line(|line| line == r#"{"sure":true}"#, Self::COMING).await;
        Self { proc, people: first..team }
    }

    /// Who they are.
    pub(crate) fn users(&self) -> impl Iterator<Item = String> {
        self.people.clone().map(|n| format!("u{n}"))
    }

    /// The worst dot on any of their lists, and how they came back after their broker did.
    pub(crate) fn verdict(&self, truth: &Truth, back: Duration, end: Duration) -> Verdict {
        let mut dots: HashMap<(String, String), Vec<Sighting>> = HashMap::new();
        let (mut sure, mut notices) = (Some(Duration::ZERO), 0);
        for line in self.proc.timed_lines(Stream::Out) {
            let Ok(said) = serde_json::from_str::<Value>(&line.text) else {
                continue;
            };
            if let Some(now) = said["sure"].as_bool() {
                sure = now.then_some(line.at);
            }
            if line.at < truth.at {
                continue;
            }
            notices += usize::from(said["notice"].is_string());
            if let (Some(viewer), Some(user), Some(status)) =
                (said["viewer"].as_str(), said["user"].as_str(), said["status"].as_str())
            {
                let dot = dots.entry((viewer.to_owned(), user.to_owned())).or_insert_with(|| {
                    vec![Sighting { at: truth.at, status: truth.before.to_owned() }]
                });
                dot.push(Sighting { at: line.at, status: status.to_owned() });
            }
        }
        let sure = sure.map_or(Wrong::ForEver, |at| Wrong::For(at.saturating_sub(back)));
        // All lists on which nothing changed show what was so before, and that is what is so.
        let steady = [Sighting { at: truth.at, status: truth.before.to_owned() }];
        let steady = judge(truth, &steady, end);
        let dots = dots.values().map(|dot| judge(truth, dot, end));
        let worst = Verdict::worst(dots.chain([steady])).expect("there is one at least");
        Verdict { team: Some(Return { sure, notices }), ..worst }
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
