//! The arguments of the commands about a team: `join`, `invite`, `members`, `token`, `leave`.

use clap::{Args as ArgGroup, Subcommand};
use porchlight_agent::config::Span;
use porchlight_agent::redacted::Redacted;

use super::reject_flags;

#[derive(Debug, ArgGroup)]
#[command(after_help = "\
Examples:
  porchlight join \"porchlight://join?...\" --name Bob
  porchlight join --nearby \"Night shift\" --name Bob
  porchlight join -")]
pub(crate) struct Join {
    /// The link (porchlight://join?...), alone or inside the text you got. `-` reads it from standard
    /// input, so that no list of processes shows it
    #[arg(conflicts_with = "nearby")]
    pub(crate) link: Option<Redacted>,
    /// Ask this team on the local network to let you in, and wait for the answer; without TEAM, list
    /// the teams
    #[arg(long, value_name = "TEAM", num_args = 0..=1, default_missing_value = "")]
    pub(crate) nearby: Option<String>,
    /// Store this device's secret in a file that only you can read, not in the keyring
    #[arg(long)]
    pub(crate) keep_in_file: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Give up looking for the team after this time
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) timeout: Span,
}

#[derive(Debug, ArgGroup)]
#[command(after_help = "\
Examples:
  porchlight invite
  porchlight invite --uses 5 --for 1d")]
pub(crate) struct Invite {
    #[command(subcommand)]
    pub(crate) action: Option<InviteAction>,
    /// Make the link for another device of yours
    #[arg(long)]
    pub(crate) me: bool,
    /// How many people can use the link, 1 to 100 [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), conflicts_with = "me")]
    pub(crate) uses: Option<u32>,
    /// How long the link works, at most 30d [default: 7d]
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) duration: Option<Span>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Invite {
    /// Checks that flags for a new link are not given with an action, as [`super::Hub::check_flags`].
    pub(crate) fn check_flags(&self) -> Result<(), String> {
        let given = [
            ("--me", self.me),
            ("--uses", self.uses.is_some()),
            ("--for", self.duration.is_some()),
        ];
        let actions = "invite list, revoke, requests, approve or refuse";
        if self.action.is_some() { reject_flags(&given, actions) } else { Ok(()) }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum InviteAction {
    /// List the links that still work, without their secrets
    List,
    /// Revoke a link
    Revoke {
        /// The link's id, from `porchlight invite list`
        id: String,
    },
    /// List the people who ask to join
    Requests,
    /// Let a person in
    Approve {
        /// The request's id, from `porchlight invite requests`
        id: String,
    },
    /// Turn a person down
    Refuse {
        /// The request's id, from `porchlight invite requests`
        id: String,
    },
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Members {
    #[command(subcommand)]
    pub(crate) action: Option<MembersAction>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MembersAction {
    /// Remove a member with all their devices, at once
    Remove {
        // Named apart from the global flag --user.
        /// The member's id, from `porchlight members`
        #[arg(id = "member", value_name = "USER")]
        user: String,
        /// List everyone who joined through this member; with --yes, remove them, too. Owners stay
        #[arg(long)]
        with_invited: bool,
        /// Remove everyone listed; without it nobody is removed
        #[arg(long, requires = "with_invited")]
        yes: bool,
    },
    /// Sign out one device, for example a lost laptop
    Forget {
        /// The device's id, from `porchlight members`
        #[arg(id = "credential", value_name = "DEVICE")]
        device: String,
    },
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) action: TokenAction,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Make a token and print it; only the team's owner can
    Make {
        /// What the token is for; all members can see this
        label: String,
    },
    /// List the tokens: what they are for, who made them, and when a program last used them
    List,
    /// Revoke a token; only the team's owner can
    Revoke {
        /// The token's id, from `porchlight token list`
        id: String,
    },
}

#[derive(Debug, ArgGroup)]
pub(crate) struct Leave {
    /// Sign out this device only; your other devices stay
    #[arg(long)]
    pub(crate) this_device: bool,
    /// Forget the team on this computer even if its hub can't be reached
    #[arg(long)]
    pub(crate) anyway: bool,
}
