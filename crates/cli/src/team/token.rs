//! `porchlight token`: with what other programs may read who is around.

use porchlight_agent::clock;
use porchlight_agent::flags::Flags;

use super::told;
use crate::args::{Token, TokenDo};
use crate::failure::Failure;
use crate::say;

pub(crate) async fn token(flags: &Flags, args: Token) -> Result<(), Failure> {
    let (membership, hub) = super::hub(flags).await?;
    match args.what {
        TokenDo::Make { label } => {
            let made = hub.make_token(&label).await.map_err(told)?;
            if args.json {
                say::print_json(&made);
                return Ok(());
            }
            say::print(&made.token.to_string());
            let at = membership.at().first().map(ToString::to_string).unwrap_or_default();
            say::note(&format!(
                "shown this once. A program reads with it: Authorization: Bearer TOKEN at https://{at}/v2/topics/presence"
            ));
        }
        TokenDo::List => {
            let tokens = hub.tokens().await.map_err(told)?;
            if args.json {
                say::print_json(&tokens);
                return Ok(());
            }
            for token in &tokens {
                say::print(&format!(
                    "{}  {}  since {}",
                    token.id,
                    token.label,
                    clock::local(token.since)
                ));
            }
            if tokens.is_empty() {
                say::note("no token holds");
            }
        }
        TokenDo::Revoke { id } => hub.revoke_token(&id).await.map_err(told)?,
    }
    Ok(())
}
