//! The command line: commands, arguments and flags, and their help texts.
//!
//! The doc comments of commands and flags are what `--help` and the man pages show.

use std::net::SocketAddr;

use clap::{Args as ArgGroup, Parser, Subcommand, ValueEnum};
use porchlight_activity::Choice;
use porchlight_agent::config::{Grace, Lease, Span};
use porchlight_agent::flags::Flags;
use porchlight_agent::presence_options::PresenceOptions;
use porchlight_core::view::ChosenStatus;

mod hub;
mod team;
#[cfg(test)]
mod tests;

pub(crate) use hub::{Hub, HubAction};
pub(crate) use team::{
    Invite, InviteAction, Join, Leave, Members, MembersAction, Token, TokenAction,
};

/// See who on your team is around
#[derive(Debug, Parser)]
#[command(name = "porchlight", version, max_term_width = 100)]
#[command(after_help = "\
Examples:
  porchlight join \"porchlight://join?...\" --name Bob
  porchlight who
  porchlight set dnd \"Deep work\" --for 45m

`porchlight COMMAND --help` explains a command and its flags.

Exit codes: 0 done; 1 not done (`wait`: the person did not come in time); 2 wrong usage or
configuration; 3 no connection in time; 4 refused by the broker or hub; 5 not sent (`knock`, `wave`).")]
pub(crate) struct Args {
    /// Log more to standard error; repeat it to log everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    #[command(flatten)]
    pub(crate) flags: Flags,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List everyone once
    Who(Who),
    /// List everyone, then show each change as it happens
    Watch(Watch),
    /// Wait until a person is online
    Wait(crate::wait::Args),
    /// Set your status on all your devices
    Set(Set),
    /// Clear the status that you set, so that your devices decide again
    Clear(Clear),
    /// Ask a person for a moment, and wait for the answer
    Knock(crate::knock::Knock),
    /// Say hello to a person
    Wave(crate::knock::Wave),
    /// Show this device to your team, without the desktop app
    Run(Run),
    /// Join a team by its link; without a link, list the teams on this network
    Join(Join),
    /// Make a link that invites a person, or adds another device of yours
    Invite(Invite),
    /// List the members of your team; remove members and devices
    Members(Members),
    /// List, make and revoke the tokens of programs that read who is around
    Token(Token),
    /// Leave the team
    Leave(Leave),
    /// Host a team on this computer
    Hub(Box<Hub>),
    /// Check what works on this computer, and say how to fix the rest
    Doctor(Doctor),
    /// Try Porchlight with a hub and eight simulated people
    Demo(Demo),
    /// Print completions for a shell
    Completions(crate::completions::Completions),
    /// Write the man pages to a folder, for packages
    Man(crate::completions::Man),
}

#[derive(Debug, ArgGroup)]
#[command(after_help = "\
Examples:
  porchlight run
  porchlight run --activity none --kind server")]
pub(crate) struct Run {
    /// Where to get your activity from: auto (this computer), stdin (lines of JSON) or none
    #[arg(long, value_name = "SOURCE")]
    pub(crate) activity: Option<Choice>,
    /// Set you to away after this time without input, for example 90s or 5m
    #[arg(long, value_name = "TIME")]
    pub(crate) away_after: Option<Span>,
    /// What this device is, in one word [default: laptop or desktop, as this computer reports]
    #[arg(long, value_name = "WORD")]
    pub(crate) kind: Option<String>,
    /// Hide connection drops shorter than this, at most 60s
    #[arg(long, value_name = "TIME", help_heading = "Advanced")]
    pub(crate) grace: Option<Grace>,
    /// How long others trust the last message of this device, 10s to 24h
    #[arg(long, value_name = "TIME", help_heading = "Advanced")]
    pub(crate) lease: Option<Lease>,
}

impl Run {
    /// The presence options of the config, with those that flags give in their place.
    pub(crate) fn presence_options(&self, config: PresenceOptions) -> PresenceOptions {
        PresenceOptions {
            away_after: self.away_after.map_or(config.away_after, |span| span.0),
            grace: self.grace.map_or(config.grace, |grace| grace.0),
            lease: self.lease.map_or(config.lease, |lease| lease.0),
            ..config
        }
    }
}

#[derive(Debug, ArgGroup)]
#[command(after_help = "\
Examples:
  porchlight who
  porchlight who --json")]
pub(crate) struct Who {
    /// Show below each person what their status is based on
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    pub(crate) why: bool,
    /// Give up after this time without a connection
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) timeout: Span,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, ArgGroup)]
#[command(after_help = "\
Examples:
  porchlight watch
  porchlight watch --format '{here}/{total} {names}'

On a terminal, `q` ends it and the arrow keys scroll.")]
pub(crate) struct Watch {
    /// Give up after this time without a first connection [default: keep trying]
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Span>,
    #[command(flatten)]
    pub(crate) how: crate::watch::OutputFlags,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Give up on the broker after this time
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub(crate) timeout: Span,
}

#[derive(Debug, ArgGroup)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Also print, as a line of JSON, how many messages were dropped and why
    #[arg(long)]
    pub(crate) diagnostics: bool,
}

#[derive(Debug, ArgGroup)]
#[command(after_help = "\
Examples:
  porchlight set away Lunch --for 45m
  porchlight set dnd \"Deep work\" --emoji 🎧
  porchlight set invisible")]
pub(crate) struct Set {
    /// Your status; others see `invisible` as offline
    pub(crate) status: StatusArg,
    /// A text to show beside it
    pub(crate) text: Option<String>,
    /// An emoji to show beside it
    #[arg(long)]
    pub(crate) emoji: Option<String>,
    /// Clear the status after this time, for example 45m or 2h [default: never]
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) duration: Option<Span>,
    /// Give up if the broker does not confirm it within this time
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) timeout: Span,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum StatusArg {
    Online,
    Away,
    Dnd,
    Invisible,
}

impl From<StatusArg> for ChosenStatus {
    fn from(word: StatusArg) -> Self {
        match word {
            StatusArg::Online => Self::Online,
            StatusArg::Away => Self::Away,
            StatusArg::Dnd => Self::Dnd,
            StatusArg::Invisible => Self::Invisible,
        }
    }
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Clear {
    /// Give up if the broker does not confirm it within this time
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) timeout: Span,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Demo {
    /// The address of the demo's hub
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Watch the simulated people in this terminal
    #[arg(long)]
    pub(crate) watch: bool,
}

/// Fails with a sentence about the first flag that was given.
fn reject_flags(given: &[(&str, bool)], command: &str) -> Result<(), String> {
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(format!("{flag} can't be used with `{command}`")),
    }
}
