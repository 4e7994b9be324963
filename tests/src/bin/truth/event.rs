//! What happens to a person's devices, and how long it is watched.

use std::time::Duration;

/// A design of presence over MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Design {
    /// `porchlight run`, seen by `porchlight watch`.
    Porchlight,
    /// One topic a user with a Will, mqtt.js as it comes.
    Seed,
    /// A beat every 10 s, offline after 30 s without.
    Heartbeat,
}

impl Design {
    pub(crate) const ALL: [Self; 3] = [Self::Porchlight, Self::Seed, Self::Heartbeat];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Porchlight => "Porchlight",
            Self::Seed => "seed-style",
            Self::Heartbeat => "heartbeats",
        }
    }

    /// How often it says something by itself at least. How long a silence stays unseen depends on how long before it
    /// that was, so runs are spread over this time.
    pub(crate) fn period(self) -> Duration {
        Duration::from_secs(match self {
            // Its keep-alive, and that of mqtt.js.
            Self::Porchlight => 8,
            Self::Seed => 60,
            Self::Heartbeat => 10,
        })
    }
}

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// The person quits.
    Quit,
    /// The screen is locked.
    Lock,
    /// There was no input for the person's threshold.
    Idle,
    /// The first input after that.
    Input,
    /// The machine says that it will sleep, and sleeps 2 s later.
    Sleep,
    /// The screen is locked, as the login manager hears of it.
    HintedLock,
    /// The screen saver covers the screen.
    SavedScreen,
    /// There was no input into the X server for the person's threshold.
    RealIdle,
    /// The first input into the X server after that.
    RealInput,
    /// The login manager announces sleep, and the machine sleeps as soon as nobody delays it.
    RealSleep,
    /// The process is killed.
    Kill,
    /// Nothing is delivered any more, and nothing closed.
    Cable,
    /// The machine sleeps without a word.
    Freeze,
    /// The connection breaks, and for 3 s there is no other.
    Blip,
    /// One of two devices of a person is killed.
    OneOfTwo,
    /// The process is killed and started at once.
    Restart,
    /// The same while the broker does not learn of the old connection's end.
    HalfOpen,
    /// The broker is asked to quit, and back after 5 s.
    BrokerTerm,
    /// The broker is killed, and back after 5 s.
    BrokerKill,
    /// The broker of a whole team is asked to quit, and back after 5 s.
    TeamTerm,
    /// The broker of a whole team is killed, and back after 5 s.
    TeamKill,
    /// The broker is killed, then the client; the broker is back after 5 s.
    Ghost,
}

impl Event {
    pub(crate) const ALL: [Self; 22] = [
        Self::Quit,
        Self::Lock,
        Self::Idle,
        Self::Input,
        Self::Sleep,
        Self::HintedLock,
        Self::SavedScreen,
        Self::RealIdle,
        Self::RealInput,
        Self::RealSleep,
        Self::Kill,
        Self::Cable,
        Self::Freeze,
        Self::Blip,
        Self::OneOfTwo,
        Self::Restart,
        Self::HalfOpen,
        Self::BrokerTerm,
        Self::BrokerKill,
        Self::TeamTerm,
        Self::TeamKill,
        Self::Ghost,
    ];

    /// The word that selects it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Lock => "lock",
            Self::Idle => "idle",
            Self::Input => "input",
            Self::Sleep => "sleep",
            Self::HintedLock => "hinted-lock",
            Self::SavedScreen => "saved-screen",
            Self::RealIdle => "real-idle",
            Self::RealInput => "real-input",
            Self::RealSleep => "real-sleep",
            Self::Kill => "kill",
            Self::Cable => "cable",
            Self::Freeze => "freeze",
            Self::Blip => "blip",
            Self::OneOfTwo => "one-of-two",
            Self::Restart => "restart",
            Self::HalfOpen => "half-open",
            Self::BrokerTerm => "broker-term",
            Self::BrokerKill => "broker-kill",
            Self::TeamTerm => "team-term",
            Self::TeamKill => "team-kill",
            Self::Ghost => "ghost",
        }
    }

    /// How a table's row calls it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Lock => "lock",
            Self::Idle => "idle threshold",
            Self::Input => "first input",
            Self::Sleep => "suspend with warning",
            Self::HintedLock => "lock, told by logind",
            Self::SavedScreen => "lock, told by the screen saver",
            Self::RealIdle => "idle threshold of the X server",
            Self::RealInput => "first input into the X server",
            Self::RealSleep => "suspend announced by logind",
            Self::Kill => "`kill -9`",
            Self::Cable => "cable pulled",
            Self::Freeze => "suspend without warning",
            Self::Blip => "link lost for 3 s and back",
            Self::OneOfTwo => "one of two devices killed",
            Self::Restart => "killed and started at once",
            Self::HalfOpen => "the same, old connection half open",
            Self::BrokerTerm => "broker restarted (TERM, 5 s)",
            Self::BrokerKill => "broker restarted (KILL, 5 s)",
            Self::TeamTerm => "the whole team's broker restarted (TERM, 5 s)",
            Self::TeamKill => "the whole team's broker restarted (KILL, 5 s)",
            Self::Ghost => "broker killed, then the client",
        }
    }

    /// Whether the design has a notion of it, and the benchmark a way to do it.
    pub(crate) fn concerns(self, design: Design) -> bool {
        match self {
            Self::Lock | Self::Idle | Self::Input | Self::Sleep => design == Design::Porchlight,
            _ if self.is_at_a_machine() => design == Design::Porchlight,
            // Two hundred programs of the others do not fit onto a small machine.
            Self::TeamTerm | Self::TeamKill => design == Design::Porchlight,
            _ => true,
        }
    }

    /// How long the dot is watched from when it happens: beyond the slowest answer of any design, so that a wrong dot
    /// at the end will stay wrong.
    pub(crate) fn window(self) -> Duration {
        Duration::from_secs(match self {
            Self::Lock | Self::Idle | Self::Input => 10,
            Self::HintedLock | Self::SavedScreen | Self::RealIdle => 10,
            // Afterwards there was no input for the threshold again.
            Self::RealInput => 2,
            Self::Quit | Self::Sleep | Self::RealSleep => 20,
            // Three heartbeats missed, or a Will that comes back to haunt.
            Self::Kill | Self::Blip | Self::OneOfTwo => 45,
            // The outage, 10 s for all to be back, 10 s in which they settle, and some more.
            Self::TeamTerm | Self::TeamKill => 40,
            // The start of a program on a busy machine, and a Will of its forerunner that comes late.
            Self::Restart => 30,
            // A lease, a settling time, reconnections of everybody.
            Self::BrokerTerm | Self::BrokerKill | Self::Ghost => 60,
            // One and a half keep-alives of 60 s, and a broker that looks late.
            Self::Cable | Self::Freeze | Self::HalfOpen => 120,
        })
    }

    /// Whether it is seen by the real sources, at a whole machine, and not told by a script.
    pub(crate) fn is_at_a_machine(self) -> bool {
        matches!(
            self,
            Self::HintedLock
                | Self::SavedScreen
                | Self::RealIdle
                | Self::RealInput
                | Self::RealSleep
        )
    }

    /// Whether a broker only notifications by a silence.
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::Cable | Self::Freeze | Self::HalfOpen)
    }

    /// Whether it happens to the broker, so that each run needs one of its own.
    pub(crate) fn breaks_the_broker(self) -> bool {
        self.is_for_a_team() || matches!(self, Self::BrokerTerm | Self::BrokerKill | Self::Ghost)
    }

    /// Whether it happens to a whole team, which has the machine for itself then.
    pub(crate) fn is_for_a_team(self) -> bool {
        matches!(self, Self::TeamTerm | Self::TeamKill)
    }

    /// Whether the broker is asked to quit before it ends.
    pub(crate) fn asks_the_broker(self) -> bool {
        matches!(self, Self::BrokerTerm | Self::TeamTerm)
    }

    /// Whether the answer comes as fast as the machine is, so that a busy one would show in the figures.
    pub(crate) fn is_quick(self) -> bool {
        self.window() <= Duration::from_secs(30)
    }
}
