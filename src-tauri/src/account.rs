//! The person's name, as this computer's account has it.

/// A name to suggest at the first start: the account's full name, else its user name.
pub(crate) fn suggested_name() -> Option<String> {
    let account = std::env::var("USER").or_else(|_| std::env::var("USERNAME")).ok()?;
    let full =
        std::fs::read_to_string("/etc/passwd").ok().and_then(|text| full_name(&text, &account));
    let name = full.unwrap_or(account);
    porchlight_core::text::display_text(&name, porchlight_core::text::MAX_NAME)
}

/// The first part of the GECOS field (`passwd(5)`).
fn full_name(passwd: &str, account: &str) -> Option<String> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(account))?;
    let name = line.split(':').nth(4)?.split(',').next()?.trim();
    (!name.is_empty() && name != account).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_name_is_the_first_part_of_the_fifth_field() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:Alice Liddell,,,:/home/alice:/bin/sh\n";
        assert_eq!(full_name(passwd, "alice").as_deref(), Some("Alice Liddell"));
        assert_eq!(full_name(passwd, "root"), None);
        assert_eq!(full_name(passwd, "bob"), None);
    }
}
