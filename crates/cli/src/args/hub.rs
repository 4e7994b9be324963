//! The arguments of `porchlight hub`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ArgGroup, Subcommand};
use porchlight_agent::config::HubConfig;
use porchlight_agent::outside;
use porchlight_core::id::Root;
use porchlight_core::team::OutsideAddress;
use porchlight_core::web_origin::WebOrigin;

use super::reject_flags;

#[derive(Debug, ArgGroup)]
#[command(after_help = "\
Examples:
  porchlight hub --team \"Night shift\"
  porchlight hub backup team.backup
  porchlight hub --gateway mqtts://status:secret@mqtt.example.com/presence")]
pub(crate) struct Hub {
    #[command(subcommand)]
    pub(crate) action: Option<HubAction>,
    /// The address for other computers [default: port 18831 at every address, with --open
    /// 127.0.0.1:18830, or another port if that one is taken; with --gateway 127.0.0.1:18832]
    #[arg(long, value_name = "ADDR", help_heading = "Network")]
    pub(crate) listen: Option<SocketAddr>,
    /// The address for programs on this computer [default: 127.0.0.1:18830]
    #[arg(long, value_name = "ADDR", conflicts_with = "open", help_heading = "Network")]
    pub(crate) local: Option<SocketAddr>,
    /// A name by which the hub can be reached from other networks, for example `team.example` or
    /// `team.example:443`; repeat it for more [default: `at` under `[hub]` in the config]
    #[arg(
        long = "at",
        value_name = "NAME",
        value_parser = outside::parse,
        conflicts_with_all = ["open", "gateway"],
        help_heading = "Network"
    )]
    pub(crate) at: Vec<OutsideAddress>,
    /// Also listen here with the certificate of an authority, for browsers and for MQTT programs that
    /// are not Porchlight, for example `0.0.0.0:8883` [default: `public` under `[hub]` in the config]
    #[arg(
        long,
        value_name = "ADDR",
        conflicts_with_all = ["open", "gateway"],
        help_heading = "Network"
    )]
    pub(crate) public: Option<SocketAddr>,
    /// The PEM file with that certificate and its chain; the hub reads it again when it changes
    /// [default: `certificate` under `[hub]` in the config]
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["open", "gateway"],
        help_heading = "Network"
    )]
    pub(crate) certificate: Option<PathBuf>,
    /// The PEM file with its key [default: `key` under `[hub]` in the config, or the file of the
    /// certificate]
    #[arg(long, value_name = "FILE", requires = "certificate", help_heading = "Network")]
    pub(crate) key: Option<PathBuf>,
    /// Do not announce the team on the local network
    #[arg(long, conflicts_with = "open", help_heading = "Network")]
    pub(crate) quiet: bool,
    /// Let web pages of this origin read who is around, for example `https://board.example`; repeat it
    /// for more [default: `origins` under `[hub]` in the config]
    #[arg(
        long = "origin",
        value_name = "ORIGIN",
        conflicts_with = "open",
        help_heading = "Network"
    )]
    pub(crate) origins: Vec<WebOrigin>,
    /// The folder for everything the hub stores
    #[arg(long, value_name = "DIR", conflicts_with = "memory", help_heading = "Storage")]
    pub(crate) store: Option<PathBuf>,
    /// Store nothing: everything is forgotten when the hub stops
    #[arg(long, help_heading = "Storage")]
    pub(crate) memory: bool,
    /// The name of a new team [default: "Team on" and this computer's name]
    #[arg(long, value_name = "NAME", conflicts_with = "open", help_heading = "Team")]
    pub(crate) team: Option<String>,
    /// The beginning of every topic of a new team
    #[arg(
        long,
        value_name = "ROOT",
        conflicts_with = "open",
        value_parser = Root::parse,
        default_value = "presence",
        help_heading = "Team"
    )]
    pub(crate) root: Root,
    /// Make a link that makes the first person who opens it an owner of the team, even if the team
    /// has one. A terminal shows the link; otherwise the hub writes it to a file
    #[arg(long, conflicts_with = "open", help_heading = "Team")]
    pub(crate) invite: bool,
    /// Run a broker without a team, which lets in everyone who can reach it
    #[arg(long, help_heading = "Without a team")]
    pub(crate) open: bool,
    /// Let --listen be an address that other computers can reach
    #[arg(long, requires = "open", help_heading = "Without a team")]
    pub(crate) allow_anonymous: bool,
    #[command(flatten)]
    pub(crate) gateway: crate::gateway::Args,
}

impl Hub {
    /// Takes from the config what no flag sets.
    pub(crate) fn overlay(&mut self, config: &HubConfig) {
        if self.origins.is_empty() {
            self.origins.clone_from(&config.origins);
        }
        if self.at.is_empty() {
            self.at.clone_from(&config.at);
        }
        self.public = self.public.or(config.public);
        if self.certificate.is_none() {
            self.certificate.clone_from(&config.certificate);
            self.key.clone_from(&config.key);
        }
    }

    /// Checks that every flag belongs to the action.
    ///
    /// clap could check this, but would then refuse the global flags, too.
    pub(crate) fn check_flags(&self) -> Result<(), String> {
        outside::check_count(&self.at).map_err(|error| format!("--at: {error}"))?;
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
            ("--at", !self.at.is_empty() && !is_move),
            ("--public", self.public.is_some() && !is_move),
            ("--certificate", self.certificate.is_some() && !is_move),
            ("--origin", !self.origins.is_empty() && !is_move),
            ("--open", self.open),
            ("the gateway's flags", self.gateway.are_given()),
        ];
        reject_flags(&given, &format!("hub {action}"))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum HubAction {
    /// Write the whole team to one file that only you can read; the hub may keep running
    Backup(HubFile),
    /// Put the team from a backup in place; then start the hub
    Restore(HubFile),
    /// Move the team to this computer and host it here; all members follow
    Move,
}

#[derive(Debug, ArgGroup)]
pub(crate) struct HubFile {
    /// The backup
    pub(crate) file: PathBuf,
    /// The folder of the hub
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
}
