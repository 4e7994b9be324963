//! `porchlight join`: become a member of a team, by a link or by being let in.

use std::io::{self, BufRead};
use std::time::Duration;

use porchlight_agent::device;
use porchlight_agent::discovery::{self, Change};
use porchlight_agent::flags::{Flags, Resolved};
use porchlight_agent::membership::{Membership, MembershipError, SecretStorage, ready};
use porchlight_agent::team;
use porchlight_core::team::{Invitation, Joined, RequestState};

use super::{told, unkept, with_keyring};
use crate::args::Join;
use crate::failure::Failure;
use crate::output;

/// The longest text in which an invitation is looked for, in bytes: a mail with its history.
const MAX_INPUT: u64 = 1 << 20;
/// How long the local network gets to answer where a list is wanted.
const LOOK: Duration = Duration::from_secs(3);
/// How often it is asked whether somebody let us in.
const ASK_AGAIN: Duration = Duration::from_secs(2);

pub(crate) async fn join(flags: &Flags, args: Join) -> Result<(), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    match &args.link {
        Some(link) => {
            let invitation = match link.text() {
                "-" => read_invitation(io::stdin().lock())?,
                link => link.parse().map_err(Failure::usage)?,
            };
            let name = may_join(&resolved, &args).await?;
            let joined =
                team::join(&invitation, &name, Some(device::kind())).await.map_err(told)?;
            keep(&resolved, &args, &joined).await
        }
        None => match &args.nearby {
            Some(wanted) if !wanted.is_empty() => be_let_in(&resolved, &args, wanted).await,
            _ => look_around(&args).await,
        },
    }
}

/// Reads text until there is a whole invitation in it, so that who types it need not end the input.
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

/// Whatever can be known before a link is redeemed, which can be done once. The name to join by.
async fn may_join(resolved: &Resolved, args: &Join) -> Result<String, Failure> {
    if let Some(member) = Membership::read(&resolved.places.state).map_err(unkept)? {
        let team = member.team().to_owned();
        return Err(unkept(MembershipError::Another { team }));
    }
    let name = resolved.name.clone().ok_or_else(|| {
        Failure::Usage("which name shall the others see? Say it with --name".to_owned())
    })?;
    if !args.keep_in_file {
        with_keyring(ready()).await.map_err(unkept)?;
    }
    Ok(name)
}

async fn keep(resolved: &Resolved, args: &Join, joined: &Joined) -> Result<(), Failure> {
    let keep = if args.keep_in_file { SecretStorage::FileAgreed } else { SecretStorage::Keyring };
    with_keyring(Membership::keep(&resolved.places.state, joined, keep)).await.map_err(unkept)?;
    if args.json {
        let Joined { team, user, name, role, .. } = joined;
        output::print_json(&serde_json::json!({
            "team": team, "user": user, "name": name, "role": role,
        }));
    } else {
        output::print(&format!(
            "you belong to {} now, as {} ({})",
            joined.team, joined.name, joined.user
        ));
        output::note(
            "start the app, or `porchlight run`, to be seen; `porchlight who` shows who is around",
        );
    }
    Ok(())
}

/// Lists the teams on the local network.
async fn look_around(args: &Join) -> Result<(), Failure> {
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
    let _ = tokio::time::timeout(LOOK, listen).await;
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
            "no team is announced on this network; ask a member for a link: porchlight join LINK",
        );
    } else {
        output::note("to be let in by a member: porchlight join --nearby NAME");
    }
    Ok(())
}

/// Asks a team on the local network, and waits until a member decides.
async fn be_let_in(resolved: &Resolved, args: &Join, wanted: &str) -> Result<(), Failure> {
    let name = may_join(resolved, args).await?;
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
            "no team called {wanted:?} is announced on this network; `porchlight join` lists those that are"
        ))
    })?;
    let requested =
        team::request(team.at, team.hint, &name, Some(device::kind())).await.map_err(told)?;
    output::note(&format!(
        "asked {} to let you in; tell a member these four digits, so that they know it is you: {}",
        team.name, requested.code
    ));
    loop {
        match requested.state().await.map_err(told)? {
            RequestState::Approved(joined) => return keep(resolved, args, &joined).await,
            RequestState::Refused => {
                return Err(Failure::Refused(format!("{} did not let you in", team.name)));
            }
            RequestState::Waiting => tokio::time::sleep(ASK_AGAIN).await,
        }
    }
}
