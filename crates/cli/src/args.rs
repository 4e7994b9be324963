//! The command line's grammar.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ArgGroup, Parser, Subcommand, ValueEnum};
use porchlight_activity::Choice;
use porchlight_agent::config::{Grace, Lease, Span};
use porchlight_agent::flags::Flags;
use porchlight_agent::presence_options::PresenceOptions;
use porchlight_agent::redacted::Redacted;
use porchlight_core::id::Root;
use porchlight_core::view::ChosenStatus;
use porchlight_core::web_origin::WebOrigin;

/// Who of your team is around, truthfully.
#[derive(Debug, Parser)]
#[command(name = "porchlight", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done; 1 not done (`wait`: not here in time); 2 wrong usage; 3 no connection in time; \
                  4 refused by the broker; 5 not sent (`knock`, `wave`)."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) flags: Flags,
    /// Say more in the log on standard error; twice for all of it
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Be this device's presence, without a desktop
    Run(Run),
    /// List everybody, once
    Who(Who),
    /// List everybody, then every change as it happens
    Watch(Watch),
    /// Wait until somebody is here
    Wait(crate::wait::Args),
    /// Say something of yourself, on all your devices
    Set(Set),
    /// Take it back: follow what your devices observe
    Clear(Clear),
    /// Ask somebody whether they have a minute, and wait for the answer
    Knock(crate::knock::Knock),
    /// Say hello to somebody
    Wave(crate::knock::Wave),
    /// Run a hub for the team
    Hub(Box<Hub>),
    /// Join a team by its link; without one, list the teams on this network
    Join(Join),
    /// Make a link for somebody who shall join, or for a further device of yours
    Invite(Invite),
    /// List who belongs to the team; remove members, forget devices
    Members(Members),
    /// List the programs that read who is around; make and revoke their tokens
    Token(Token),
    /// Leave the team
    Leave(Leave),
    /// Say what is watched here, what is missing, and what to do about it
    Doctor(Doctor),
    /// A hub and eight simulated teammates, to look around
    Demo(Demo),
    /// Write completions for a shell
    Completions(crate::completions::Completions),
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man(crate::completions::Man),
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Run {
    /// What tells whether somebody is there: auto, stdin (JSON lines) or none
    #[arg(long, value_name = "SOURCE")]
    pub(crate) activity: Option<Choice>,
    /// Without input for so long you are away, for example 90s or 5m
    #[arg(long, value_name = "TIME")]
    pub(crate) away_after: Option<Span>,
    /// What this device is, in a word [default: laptop or desktop, as the machine says]
    #[arg(long, value_name = "WORD")]
    pub(crate) kind: Option<String>,
    /// A drop of the connection shorter than this is seen by nobody, at most 60s
    #[arg(long, value_name = "TIME", hide = true)]
    pub(crate) grace: Option<Grace>,
    /// For how long others believe what was said last, 10s to 24h
    #[arg(long, value_name = "TIME", hide = true)]
    pub(crate) lease: Option<Lease>,
}

impl Run {
    /// How presence is held: as the flags say, else as the config does.
    pub(crate) fn habits(&self, config: PresenceOptions) -> PresenceOptions {
        PresenceOptions {
            away_after: self.away_after.map_or(config.away_after, |span| span.0),
            grace: self.grace.map_or(config.grace, |grace| grace.0),
            lease: self.lease.map_or(config.lease, |lease| lease.0),
            ..config
        }
    }
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Who {
    #[command(flatten)]
    pub(crate) output: Output,
    /// Say below each why it is believed
    #[arg(long, conflicts_with = "json")]
    pub(crate) why: bool,
    /// Give up if there is no connection after so long
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) timeout: Span,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) how: crate::watch::How,
    /// Give up if there is no first connection after so long; otherwise keep trying
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Span>,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Give up on the broker after so long
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub(crate) timeout: Span,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Output {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print how many messages were dropped and why, as a line of JSON
    #[arg(long)]
    pub(crate) diagnostics: bool,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Set {
    /// What to say
    pub(crate) status: Word,
    /// A text beside it
    pub(crate) text: Option<String>,
    /// An emoji beside it
    #[arg(long)]
    pub(crate) emoji: Option<String>,
    /// For how long, for example 45m
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) lasting: Option<Span>,
    /// Give up if the broker did not take it after so long
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) timeout: Span,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Word {
    Online,
    Away,
    Dnd,
    /// Others see you as having left
    Invisible,
}

impl From<Word> for ChosenStatus {
    fn from(word: Word) -> Self {
        match word {
            Word::Online => Self::Online,
            Word::Away => Self::Away,
            Word::Dnd => Self::Dnd,
            Word::Invisible => Self::Invisible,
        }
    }
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Clear {
    /// Give up if the broker did not take it after so long
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) timeout: Span,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Hub {
    #[command(subcommand)]
    pub(crate) action: Option<HubAction>,
    /// Where to listen [default: for the team every address at port 18831; with --open
    /// 127.0.0.1:18830; a free port if that is taken]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where programs of this computer reach the team's hub [default: 127.0.0.1:18830]
    #[arg(long, value_name = "ADDR", conflicts_with = "open")]
    pub(crate) local: Option<SocketAddr>,
    /// Folder for what is kept over a restart
    #[arg(long, value_name = "DIR", conflicts_with = "memory")]
    pub(crate) store: Option<PathBuf>,
    /// Keep nothing over a restart
    #[arg(long)]
    pub(crate) memory: bool,
    /// What a team that is started now is called
    #[arg(long, value_name = "NAME", conflicts_with = "open")]
    pub(crate) team: Option<String>,
    /// What every topic of a team that is started now begins with
    #[arg(long, value_name = "ROOT", conflicts_with = "open", value_parser = Root::parse, default_value = "presence")]
    pub(crate) root: Root,
    /// Make a link that makes the first person to open it an owner of the team, even if the team has one; it is shown
    /// on a terminal, and otherwise written to a file
    #[arg(long, conflicts_with = "open")]
    pub(crate) invite: bool,
    /// Do not announce the team on the local network
    #[arg(long, conflicts_with = "open")]
    pub(crate) quiet: bool,
    /// Allow web pages of this origin, such as https://board.example; repeat it for more [default: `origins` under
    /// [hub] in the config]
    #[arg(long = "origin", value_name = "ORIGIN", conflicts_with = "open")]
    pub(crate) origins: Vec<WebOrigin>,
    /// No team: let in everybody who reaches it
    #[arg(long)]
    pub(crate) open: bool,
    /// Listen where other computers reach it, although everybody is let in
    #[arg(long, requires = "open")]
    pub(crate) allow_anonymous: bool,
    #[command(flatten)]
    pub(crate) gateway: crate::gateway::Args,
}

impl Hub {
    /// What goes with which action. The grammar's own rule would refuse the flags of every command, too.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (action, is_move) = match &self.action {
            None => return Ok(()),
            Some(HubAction::Backup(_)) => ("backup", false),
            Some(HubAction::Restore(_)) => ("restore", false),
            Some(HubAction::Move) => ("move", true),
        };
        let given = [
            ("--listen", self.listen.is_some() && !is_move),
            ("--local", self.local.is_some() && !is_move),
            ("--memory", self.memory),
            ("--team", self.team.is_some()),
            ("--root", self.root != Root::default()),
            ("--invite", self.invite),
            ("--quiet", self.quiet && !is_move),
            ("--origin", !self.origins.is_empty() && !is_move),
            ("--open", self.open),
            ("the gateway's flags", self.gateway.are_given()),
        ];
        refuse(&given, &format!("hub {action}"))
    }
}

/// Refuses the first flag that was given.
fn refuse(given: &[(&str, bool)], command: &str) -> Result<(), String> {
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(format!("{flag} can't be used with `{command}`")),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum HubAction {
    /// Write the whole team into one file, which only you can read; the hub may run
    Backup(HubFile),
    /// Put the team of such a file in place, for a hub that is started then
    Restore(HubFile),
    /// Host the team on this computer from now on: everything is taken over from where it is hosted, and everybody follows
    Move,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct HubFile {
    /// The file
    pub(crate) file: PathBuf,
    /// The hub's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Join {
    /// The link: porchlight://join?..., alone or in the text that it came in; - reads it from standard input, where no
    /// list of processes shows it
    #[arg(conflicts_with = "nearby")]
    pub(crate) link: Option<Redacted>,
    /// Ask this team on the local network to let you in, and wait; without a name, list them
    #[arg(long, value_name = "TEAM", num_args = 0..=1, default_missing_value = "")]
    pub(crate) nearby: Option<String>,
    /// Keep what lets this device in in a file that only you can read, instead of the keyring
    #[arg(long)]
    pub(crate) keep_in_file: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Give up looking for the team after so long
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) timeout: Span,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Invite {
    #[command(subcommand)]
    pub(crate) what: Option<Invitations>,
    /// For a further device of yours
    #[arg(long)]
    pub(crate) me: bool,
    /// How often it can be used, 1 to 100 [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), conflicts_with = "me")]
    pub(crate) uses: Option<u32>,
    /// For how long it holds, at most 30d [default: 7d]
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) lasting: Option<Span>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Invite {
    /// As [`Hub::check`].
    pub(crate) fn check(&self) -> Result<(), String> {
        let given =
            [("--me", self.me), ("--uses", self.uses.is_some()), ("--for", self.lasting.is_some())];
        let for_a_link = "invite list, revoke, requests, approve or refuse";
        if self.what.is_some() { refuse(&given, for_a_link) } else { Ok(()) }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Invitations {
    /// List the links that still hold, without what is secret in them
    List,
    /// Take a link back
    Revoke {
        /// As `invite list` prints it
        id: String,
    },
    /// List who asks to be let in
    Requests,
    /// Let somebody in
    Approve {
        /// As `invite requests` prints it
        id: String,
    },
    /// Don't
    Refuse {
        /// As `invite requests` prints it
        id: String,
    },
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Members {
    #[command(subcommand)]
    pub(crate) what: Option<MembersDo>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MembersDo {
    /// Remove a member: out at once, with all devices
    Remove {
        // Named apart from the flag of that name.
        /// Their id
        #[arg(id = "member", value_name = "USER")]
        user: String,
        /// Print everybody who joined through them, and with --yes remove these too. Starters stay
        #[arg(long)]
        with_invited: bool,
        /// Remove them all; without it nobody is removed
        #[arg(long, requires = "with_invited")]
        yes: bool,
    },
    /// Forget one device, such as a laptop that was lost
    Forget {
        /// As `members` prints it
        #[arg(id = "credential", value_name = "DEVICE")]
        device: String,
    },
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) what: TokenDo,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenDo {
    /// Make a token and print it; only the person who started the team can
    Make {
        /// What it is for; every member sees this
        label: String,
    },
    /// List the programs that may read: their tokens, who made them, and when they last read
    List,
    /// End a token; only the person who started the team can
    Revoke {
        /// As `token list` prints it
        id: String,
    },
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Leave {
    /// Only with this device; the others stay
    #[arg(long)]
    pub(crate) this_device: bool,
    /// Forget the team here even where its hub can't be told
    #[arg(long)]
    pub(crate) anyway: bool,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Demo {
    /// Where the demo's hub listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Watch the team in this terminal
    #[arg(long)]
    pub(crate) watch: bool,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{CommandFactory as _, Parser as _};

    use super::{Args, Command, PresenceOptions};

    #[test]
    fn the_grammar_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_command_is_read() {
        for line in [
            "join porchlight://join?v=1 --name Bob --keep-in-file",
            "join --nearby Team",
            "invite --me --for 1d",
            "invite requests --json",
            "invite approve k3V9xQ2aB7",
            "members --json",
            "members remove bob --user anna",
            "members forget k3V9xQ2aB7 --device laptop",
            "token make board",
            "leave --this-device",
            "knock bob Coffee? --when-free --wait 5m --user anna --json",
            "wave bob 🎉",
            "hub --team Ours --quiet",
            "hub move",
            "hub backup file",
            "hub --open --listen 127.0.0.1:0",
            "hub --gateway mqtt://localhost",
            "wait alice --until 30m --json",
            "watch --format waybar",
            "watch --format {here}/{total}",
            "watch --plain",
            "run --kind server --activity none",
            "completions fish",
            "man .",
        ] {
            let words = std::iter::once("porchlight").chain(line.split(' '));
            Args::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn the_flags_of_every_command_go_with_every_action() {
        let check = |line: &str| {
            let words = std::iter::once("porchlight").chain(line.split(' '));
            let args = Args::try_parse_from(words).map_err(|error| error.to_string())?;
            match args.command {
                Command::Hub(hub) => hub.check(),
                Command::Invite(invite) => invite.check(),
                _ => Ok(()),
            }
        };
        for line in [
            "hub --config-dir X --store D move",
            "hub --user anna move",
            "hub --listen 0.0.0.0:1 --local 127.0.0.1:2 --quiet move",
            "hub --config-dir X backup F",
            "hub --store D restore F",
            "invite --user anna list",
            "invite --json list",
            "--config-dir X invite --name Anna approve I",
        ] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
        for (line, flag) in [
            ("hub --memory move", "--memory"),
            ("hub --open move", "--open"),
            ("hub --team T --config-dir X move", "--team"),
            ("hub --list-tokens move", "gateway"),
            ("hub --quiet backup F", "--quiet"),
            ("invite --me list", "--me"),
            ("invite --uses 2 --user anna requests", "--uses"),
        ] {
            let error = check(line).unwrap_err();
            assert!(error.contains(flag) && !error.contains("--config-dir"), "{line}: {error}");
        }
    }

    #[test]
    fn flags_override_how_presence_is_held() {
        let habits = |flags: &[&str]| {
            let words = ["porchlight", "run"].iter().chain(flags);
            let Command::Run(run) = Args::try_parse_from(words)?.command else {
                unreachable!("run was asked for");
            };
            Ok::<_, clap::Error>(run.habits(PresenceOptions::default()))
        };
        assert_eq!(habits(&[]).unwrap(), PresenceOptions::default());
        let [away_after, grace, lease] = [1, 0, 10].map(Duration::from_secs);
        let set = PresenceOptions { away_after, grace, lease, ..PresenceOptions::default() };
        let flags = ["--away-after", "1s", "--grace", "0s", "--lease", "10s"];
        assert_eq!(habits(&flags).unwrap(), set);
        assert!(habits(&["--grace", "61s"]).is_err());
        assert!(habits(&["--lease", "9s"]).is_err());
    }
}
