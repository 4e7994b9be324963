//! `porchlight token`: which programs may read who is around.

use porchlight_agent::clock;
use porchlight_agent::flags::Flags;
use porchlight_agent::membership::Membership;
use porchlight_agent::team::Team;
use porchlight_core::team::TokenView;

use super::told;
use crate::args::{Token, TokenDo};
use crate::failure::Failure;
use crate::output;

const ONLY_THE_STARTER: &str = "this team's hub is older and shows the programs that read only to the person who started the team; ask that person \
     for the list, or to update the hub";

const NO_TEAM: &str = "this account belongs to no team, and only a team's hub knows which programs read. At a broker without a hub, everybody \
     with a login can read, and at a gateway every program with a token; ask the people who run them (`porchlight hub \
     --list-tokens` lists a gateway's tokens)";

pub(crate) async fn token(flags: &Flags, args: Token) -> Result<(), Failure> {
    let (membership, hub) = hub_of_team(flags).await?;
    match args.what {
        TokenDo::Make { label } => {
            let made = hub.make_token(&label).await.map_err(told)?;
            if args.json {
                output::print_json(&made);
                return Ok(());
            }
            output::print(&made.token.to_string());
            let at = membership.at().first().map(ToString::to_string).unwrap_or_default();
            output::note(&format!(
                "shown this once. A program reads with it: Authorization: Bearer TOKEN at https://{at}/v2/topics/presence"
            ));
        }
        TokenDo::List => {
            let tokens = hub.tokens().await.map_err(told)?;
            let tokens = tokens.ok_or_else(|| Failure::Refused(ONLY_THE_STARTER.to_owned()))?;
            if args.json {
                output::print_json(&tokens);
                return Ok(());
            }
            for token in &tokens {
                output::print(&line(token));
            }
            if tokens.is_empty() {
                output::note("no program can read this team over HTTP");
            }
        }
        TokenDo::Revoke { id } => hub.revoke_token(&id).await.map_err(told)?,
    }
    Ok(())
}

/// The membership and the hub. Without a team nobody knows which programs read, and the answer says so.
async fn hub_of_team(flags: &Flags) -> Result<(Membership, Team), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    if Membership::read(&resolved.places.state).map_err(super::unkept)?.is_none() {
        return Err(Failure::Usage(NO_TEAM.to_owned()));
    }
    super::asked(&resolved).await
}

/// `k3V9xQ2aB7  status board  by anna  since 14:02  last used 15:00 (to the hour)`
fn line(token: &TokenView) -> String {
    let by = token.by.as_ref().map_or_else(String::new, |by| format!("  by {by}"));
    let used = token.last_used.map_or_else(
        || "not used yet".to_owned(),
        |at| format!("last used {} (to the hour)", clock::local(at)),
    );
    format!("{}  {}{by}  since {}  {used}", token.id, token.label, clock::local(token.since))
}
