//! `porchlight token`: the tokens of programs that read who is around.

use porchlight_agent::clock;
use porchlight_agent::flags::Flags;
use porchlight_agent::membership::Membership;
use porchlight_agent::team::Team;
use porchlight_core::team::TokenView;

use super::hub_failure;
use crate::args::{Token, TokenAction};
use crate::failure::Failure;
use crate::output;

const ONLY_THE_OWNER: &str = "this team's hub is older and shows its tokens only to the owner of the team; ask the owner for the list, or to update \
     the hub";

const NO_TEAM: &str = "this account belongs to no team, and tokens belong to a team's hub. At a broker without a hub, everybody with a login \
     can read who is around. At a gateway, `porchlight hub --list-tokens` on its computer lists the tokens";

pub(crate) async fn token(flags: &Flags, args: Token) -> Result<(), Failure> {
    let (membership, hub) = hub_of_team(flags).await?;
    match args.action {
        TokenAction::Make { label } => {
            let made = hub.make_token(&label).await.map_err(hub_failure)?;
            if args.json {
                output::print_json(&made);
                return Ok(());
            }
            output::print(&made.token.to_string());
            let at = membership.at().first().map(ToString::to_string).unwrap_or_default();
            output::note(&format!(
                "copy the token now, because it is shown only once. A program reads https://{at}/v2/topics/presence with the \
                 header Authorization: Bearer TOKEN"
            ));
        }
        TokenAction::List => {
            let tokens = hub.tokens().await.map_err(hub_failure)?;
            let tokens = tokens.ok_or_else(|| Failure::Refused(ONLY_THE_OWNER.to_owned()))?;
            if args.json {
                output::print_json(&tokens);
                return Ok(());
            }
            for token in &tokens {
                output::print(&line(token));
            }
            if tokens.is_empty() {
                output::note("there are no tokens, so no program can read this team over HTTP");
            }
        }
        TokenAction::Revoke { id } => {
            hub.revoke_token(&id).await.map_err(hub_failure)?;
            output::note(&format!("revoked the token {id}"));
        }
    }
    Ok(())
}

/// The membership and the hub. Without a team the error explains who can read instead.
async fn hub_of_team(flags: &Flags) -> Result<(Membership, Team), Failure> {
    let resolved = flags.resolve().map_err(Failure::usage)?;
    let read = Membership::read(&resolved.places.state, &resolved.proxy);
    if read.map_err(super::membership_failure)?.is_none() {
        return Err(Failure::Usage(NO_TEAM.to_owned()));
    }
    super::connect(&resolved).await
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
