//! Reads ufw, the usual firewall of Ubuntu and Debian.
//!
//! Everybody can read whether it is on. Only root can read its rules.

use std::path::Path;
use std::{fs, io};

use super::{Rule, contains_port};

/// The reason if the rules can't be read.
const FOR_ROOT: &str = "only root can read its rules";
/// The reason if a rule is for some computers, networks or interfaces only.
const FOR_SOME: &str = "it has a rule for this port that is not for everybody";

/// What ufw below this root folder does with a TCP port.
pub(super) fn read(root: &Path, port: u16) -> Rule {
    let file = |path: &str| fs::read_to_string(root.join(path));
    match file("etc/ufw/ufw.conf") {
        Ok(conf) if value(&conf, "ENABLED").eq_ignore_ascii_case("yes") => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Rule::Unknown("its configuration can't be read");
        }
        _ => return Rule::Off,
    }
    let defaults = file("etc/default/ufw").unwrap_or_default();
    match file("etc/ufw/user.rules") {
        Ok(rules) => decide(&defaults, &rules, port),
        Err(_) => Rule::Unknown(FOR_ROOT),
    }
}

/// The first rule that is for the port decides, else the default.
fn decide(defaults: &str, rules: &str, port: u16) -> Rule {
    for line in rules.lines() {
        // `### tuple ### allow tcp 18831 0.0.0.0/0 any 192.168.1.0/24 in`: action, protocol, port,
        // destination, port of the source, source, direction with an interface. The names of
        // applications may come before the direction, and a comment after it.
        let Some(tuple) = line.strip_prefix("### tuple ### ") else {
            continue;
        };
        let words: Vec<&str> = tuple.split(' ').collect();
        let [action, protocol, ports, to, from_port, from, ref rest @ ..] = words[..] else {
            continue;
        };
        let from_everywhere = rest.contains(&"in");
        let is_in = from_everywhere || rest.iter().any(|word| word.starts_with("in_"));
        let is_for_port = ports == "any" || contains_port(ports, port);
        // `route:` is about what passes through this computer.
        if !is_in
            || !matches!(protocol, "tcp" | "any")
            || !is_for_port
            || action.starts_with("route:")
        {
            continue;
        }
        let is_for_all = from_everywhere && from_port == "any" && is_any(to) && is_any(from);
        // `allow_log`, for example, logs besides.
        return match action.split('_').next() {
            _ if !is_for_all => Rule::Unknown(FOR_SOME),
            Some("allow" | "limit") => Rule::Open,
            Some("deny" | "reject") => Rule::Closed(None),
            _ => Rule::Unknown("it has a rule of an unknown kind"),
        };
    }
    match value(defaults, "DEFAULT_INPUT_POLICY") {
        "ACCEPT" => Rule::Open,
        "DROP" | "REJECT" => Rule::Closed(None),
        _ => Rule::Unknown("its default is unknown"),
    }
}

fn is_any(network: &str) -> bool {
    matches!(network, "0.0.0.0/0" | "::/0" | "any")
}

/// The value of a variable in a file for a shell; empty if there is none.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let mut lines = text.lines().filter_map(|line| line.trim().strip_prefix(name));
    let value = lines.find_map(|rest| rest.strip_prefix('=')).unwrap_or_default();
    value.trim().trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROP: &str =
        "IPV6=yes\n# DEFAULT_INPUT_POLICY=\"ACCEPT\"\nDEFAULT_INPUT_POLICY=\"DROP\"\n";

    /// What a line that ufw 0.36 writes for a rule does with port 18831.
    fn with_rule(tuple: &str) -> Rule {
        let before = "*filter\n:ufw-user-input - [0:0]\n### RULES ###\n\n";
        decide(DROP, &format!("{before}### tuple ### {tuple}\n-A ufw-user-input ..."), 18831)
    }

    #[test]
    fn the_first_rule_for_the_port_decides() {
        for (tuple, rule) in [
            ("allow tcp 18831 0.0.0.0/0 any 0.0.0.0/0 in", Rule::Open),
            ("limit any 18831 0.0.0.0/0 any 0.0.0.0/0 in", Rule::Open),
            ("allow_log tcp 18831 0.0.0.0/0 any 0.0.0.0/0 in", Rule::Open),
            ("allow tcp 18000:19000 0.0.0.0/0 any 0.0.0.0/0 in", Rule::Open),
            ("allow tcp 80,18831 0.0.0.0/0 any 0.0.0.0/0 in", Rule::Open),
            ("allow tcp 18831 0.0.0.0/0 any 0.0.0.0/0 Hub - in", Rule::Open),
            ("allow tcp 18831 0.0.0.0/0 any 0.0.0.0/0 in comment=687562", Rule::Open),
            ("deny tcp 18831 0.0.0.0/0 any 0.0.0.0/0 in", Rule::Closed(None)),
            ("route:allow tcp 18831 0.0.0.0/0 any 0.0.0.0/0 in", Rule::Closed(None)),
            ("reject any any 0.0.0.0/0 any 0.0.0.0/0 in", Rule::Closed(None)),
            ("allow udp 18831 0.0.0.0/0 any 0.0.0.0/0 in", Rule::Closed(None)),
            ("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", Rule::Closed(None)),
            ("allow tcp 18831 0.0.0.0/0 any 0.0.0.0/0 out", Rule::Closed(None)),
            ("allow tcp 18831 0.0.0.0/0 any 192.168.1.0/24 in", Rule::Unknown(FOR_SOME)),
            ("deny any any 0.0.0.0/0 any 192.168.1.5 in", Rule::Unknown(FOR_SOME)),
            ("allow any 18831 0.0.0.0/0 any 0.0.0.0/0 in_eth0", Rule::Unknown(FOR_SOME)),
            ("allow", Rule::Closed(None)),
        ] {
            assert_eq!(with_rule(tuple), rule, "{tuple}");
        }
        let two = "### tuple ### deny tcp 18831 0.0.0.0/0 any 0.0.0.0/0 in\n\
                   ### tuple ### allow tcp 18831 0.0.0.0/0 any 0.0.0.0/0 in";
        assert_eq!(decide(DROP, two, 18831), Rule::Closed(None));
    }

    #[test]
    fn without_a_rule_the_default_decides() {
        assert_eq!(decide(DROP, "", 1), Rule::Closed(None));
        assert_eq!(decide("DEFAULT_INPUT_POLICY=\"ACCEPT\"", "", 1), Rule::Open);
        assert_eq!(decide("", "", 1), Rule::Unknown("its default is unknown"));
    }

    #[test]
    fn it_is_off_unless_it_says_that_it_is_on_and_rules_for_root_are_unknown() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path(), 18831), Rule::Off);
        let write = |path: &str, text: &str| fs::write(root.path().join(path), text).unwrap();
        fs::create_dir_all(root.path().join("etc/ufw")).unwrap();
        fs::create_dir_all(root.path().join("etc/default")).unwrap();
        write("etc/ufw/ufw.conf", "# ENABLED=yes\nENABLED=no\n");
        write("etc/default/ufw", DROP);
        assert_eq!(read(root.path(), 18831), Rule::Off);
        write("etc/ufw/ufw.conf", "ENABLED=yes\nLOGLEVEL=low\n");
        assert_eq!(read(root.path(), 18831), Rule::Unknown(FOR_ROOT));
        write("etc/ufw/user.rules", "### tuple ### allow tcp 18831 0.0.0.0/0 any 0.0.0.0/0 in");
        assert_eq!(read(root.path(), 18831), Rule::Open);
        assert_eq!(read(root.path(), 18832), Rule::Closed(None));
    }
}
