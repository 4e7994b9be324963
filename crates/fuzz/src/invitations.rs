//! Fuzzes invitations and their parts.

use porchlight_core::team::{Address, Invitation, Pin, Secret};
use porchlight_core::text::is_deceptive;

/// Parses any text as an invitation, an address, a fingerprint and a secret. What is accepted
/// prints as a text that parses to the same value, and `Debug` shows no secret.
pub fn read_invitation(data: &[u8]) {
    let Some(text) = crate::text(data) else { return };
    if let Ok(invitation) = text.parse::<Invitation>() {
        let link = invitation.to_string();
        assert!(link.bytes().all(|byte| byte.is_ascii_graphic()), "{link}");
        assert_eq!(link.parse().as_ref(), Ok(&invitation), "{link}");
        assert!(!invitation.team.contains(is_deceptive), "{:?}", invitation.team);
        let secret = invitation.token.secret();
        if !invitation.team.contains(secret) {
            assert!(!format!("{invitation:?}").contains(secret), "{link}");
        }
    }
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string().parse().as_ref(), Ok(&address), "{address}");
        assert!(!address.to_string().contains(|c: char| !c.is_ascii_graphic() || c == '@'));
    }
    if let Ok(pin) = text.parse::<Pin>() {
        assert_eq!(pin.to_string(), text);
    }
    if let Ok(secret) = text.parse::<Secret>() {
        assert_eq!(secret.to_string(), text.trim());
        assert!(!format!("{secret:?}").contains(secret.secret()));
    }
}
