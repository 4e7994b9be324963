//! Reads from the registry whether Windows Firewall is on.
//!
//! This module does not read its rules: policies of an organisation, and the network's profile,
//! decide which of them apply. So it never claims that the port is open or closed.

use super::Rule;

/// Why nothing more is known.
const ON: &str = "whether it lets connections in can't be read here";

/// What Windows Firewall does with connections from other computers.
#[cfg(windows)]
pub(super) async fn read() -> Rule {
    const KEY: &str =
        r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy";
    const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(3);
    let query = |profile: &str| {
        let key = format!(r"{KEY}\{profile}");
        let mut command = std::process::Command::new("reg");
        command.args(["query", &key, "/v", "EnableFirewall"]);
        let output = command.output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let profiles = ["DomainProfile", "StandardProfile", "PublicProfile"];
    let reading = tokio::task::spawn_blocking(move || profiles.map(query));
    match tokio::time::timeout(TIMEOUT, reading).await {
        Ok(Ok(answers)) => decide(&answers),
        _ => Rule::Unknown(ON),
    }
}

/// It is off only if it is off in all profiles.
fn decide(answers: &[Option<String>]) -> Rule {
    let is_off = |answer: &Option<String>| {
        let mut words = answer.as_deref().unwrap_or_default().split_whitespace();
        words.any(|word| word == "EnableFirewall")
            && words.next() == Some("REG_DWORD")
            && words.next() == Some("0x0")
    };
    if answers.iter().all(is_off) { Rule::Off } else { Rule::Unknown(ON) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_off_only_if_each_profile_says_so() {
        let value = |value: &str| {
            Some(format!(
                "\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\X\r\n    EnableFirewall    REG_DWORD    {value}\r\n\r\n"
            ))
        };
        assert_eq!(decide(&[value("0x0"), value("0x0"), value("0x0")]), Rule::Off);
        for doubtful in [value("0x1"), None, Some("ERROR: no such key".to_owned())] {
            assert_eq!(decide(&[value("0x0"), doubtful, value("0x0")]), Rule::Unknown(ON));
        }
    }
}
