//! `porchlight join`: joins a team by a link, or by asking a team on the local network.

use std::io::{self, BufRead};
use std::time::Duration;

use porchlight_agent::device;
use porchlight_agent::discovery::{self, Change};
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::membership::Membership;
use porchlight_core::team::{Invitation, Joined};
use porchlight_team::{NewRequest, Report, SecretStorage, Way};

use super::{membership_failure, operation};
use crate::args::Join;
use crate::failure::Failure;
use crate::output;

/// The longest text that is searched for an invitation, in bytes: a mail with the mails it quotes.
const MAX_INPUT: u64 = 1 << 20;
/// How long to search the local network for a list of teams.
const SEARCH_TIME: Duration = Duration::from_secs(3);

pub(crate) async fn join(flags: &Flags, args: Join) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    match &args.link {
        Some(link) => {
            let invitation = match link.text() {
                "-" => read_invitation(io::stdin().lock())?,
                link => link.parse().map_err(Failure::usage)?,
            };
            enter(&resolved, &args, Way::Link { invitation }).await
        }
        None => match &args.nearby {
            Some(wanted) if !wanted.is_empty() => request_to_join(&resolved, &args, wanted).await,
            _ => list_teams(&args).await,
        },
    }
}

/// Reads text until it contains a whole invitation, so that a person who types it need not end the input.
fn read_invitation(input: impl BufRead) -> Result<Invitation, Failure> {
    let mut input = input.take(MAX_INPUT);
    let mut text = Vec::new();
    loop {
        let is_end = input.read_until(b'\n', &mut text)? == 0;
        match String::from_utf8_lossy(&text).parse::<Invitation>() {
            Ok(invitation) => return Ok(invitation),
            Err(error) if is_end => return Err(Failure::usage(error)),
            Err(_) => {}
        }
    }
}

/// Becomes a member in this way, in place of a membership that its hub has ended.
async fn enter(resolved: &Resolved, args: &Join, way: Way) -> Result<(), Failure> {
    let before =
        Membership::read(&resolved.places.state, &resolved.proxy).map_err(membership_failure)?;
    let name = own_name(resolved)?;
    let storage =
        if args.keep_in_file { SecretStorage::FileAgreed } else { SecretStorage::Keyring };
    let team = match &way {
        Way::Request(request) => request.team.clone(),
        Way::Start { .. } | Way::Link { .. } => String::new(),
    };
    let mut membership = operation::membership(resolved);
    membership
        .enter(way, name, Some(device::kind().to_owned()), storage)
        .map_err(operation::failure)?;
    let asked = |code: &str| {
        output::note(&format!(
            "asked {team} to let you in. Tell a member this code, so that they know it is you: {code}"
        ));
    };
    let report = operation::finish(&mut membership, asked).await?;
    let Report::Entered(joined) = report else {
        return Err(Failure::Refused(
            "an earlier command was interrupted, and is done now; run this one again".to_owned(),
        ));
    };
    if let Some(before) = before {
        let team = before.team();
        output::note(&format!("you had been removed from {team}, so that membership is gone"));
    }
    if args.json {
        let Joined { team, user, name, role, .. } = &*joined;
        output::print_json(&serde_json::json!({
            "team": team, "user": user, "name": name, "role": role,
        }));
    } else {
        output::print(&format!("you joined {} as {} ({})", joined.team, joined.name, joined.user));
        output::note(
            "start the app or `porchlight run`, so that others see you; `porchlight who` lists who is around",
        );
    }
    Ok(())
}

fn own_name(resolved: &Resolved) -> Result<String, Failure> {
    resolved.name.clone().ok_or_else(|| {
        Failure::Usage(
            "your name is missing; add --name NAME, which the others will see".to_owned(),
        )
    })
}

/// Lists the teams on the local network.
async fn list_teams(args: &Join) -> Result<(), Failure> {
    let mut search = discovery::search().map_err(Failure::usage)?;
    let mut found = Vec::new();
    let listen = async {
        while let Some(change) = search.next().await {
            match change {
                Change::Found(team) => {
                    found.retain(|known: &discovery::Team| known.id != team.id);
                    found.push(team);
                }
                Change::Gone { id } => found.retain(|known| known.id != id),
            }
        }
    };
    let _ = tokio::time::timeout(SEARCH_TIME, listen).await;
    if args.json {
        let teams: Vec<_> = found
            .iter()
            .map(|team| serde_json::json!({ "id": team.id, "team": team.name, "at": team.at }))
            .collect();
        output::print_json(&teams);
        return Ok(());
    }
    for team in &found {
        let at = team.at.first().map(ToString::to_string).unwrap_or_default();
        output::print(&format!("{}  at {at}", team.name));
    }
    if found.is_empty() {
        output::note(
            "no team was found on this network; ask a member for a link and run `porchlight join LINK`",
        );
    } else {
        output::note("to ask one of them to let you in, run `porchlight join --nearby NAME`");
    }
    Ok(())
}

/// Asks a team on the local network to join, and waits until a member decides.
async fn request_to_join(resolved: &Resolved, args: &Join, wanted: &str) -> Result<(), Failure> {
    own_name(resolved)?;
    let mut search = discovery::search().map_err(Failure::usage)?;
    let found = async {
        while let Some(change) = search.next().await {
            if let Change::Found(team) = change
                && team.name.eq_ignore_ascii_case(wanted)
            {
                return Some(team);
            }
        }
        None
    };
    let team = tokio::time::timeout(args.timeout.0, found).await.ok().flatten().ok_or_else(|| {
        Failure::NoConnection(format!(
            "no team called {wanted:?} was found on this network; `porchlight join` lists the teams that are there"
        ))
    })?;
    let request = NewRequest {
        team: team.name,
        at: team.at,
        prefix: team.hint,
        ticket: porchlight_hub::new_secret(),
        asked: None,
    };
    enter(resolved, args, Way::Request(request)).await
}
