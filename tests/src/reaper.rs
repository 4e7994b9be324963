//! What ends the children when the test run itself is killed, by a person's Ctrl-C or a job's
//! time-out: no destructor runs then.
//!
//! A small shell in a process group of its own receives the group of every child that starts or ends.
//! Its standard input ends with the test run, however that ends, and it kills what is left.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

const SCRIPT: &str = r#"
groups=
while read -r sign group; do
    rest=
    for other in $groups; do [ "$other" = "$group" ] || rest="$rest $other"; done
    [ "$sign" = + ] && rest="$rest $group"
    groups=$rest
done
for group in $groups; do kill -KILL "-$group"; done
"#;

/// A process group came to be.
pub(crate) fn watch(group: u32) {
    tell('+', group);
}

/// A process group is about to end. Said before its leader is reaped: afterwards the number may be
/// somebody else's.
pub(crate) fn forget(group: u32) {
    tell('-', group);
}

fn tell(sign: char, group: u32) {
    static GUARDIAN: OnceLock<Mutex<ChildStdin>> = OnceLock::new();
    let mut guardian =
        GUARDIAN.get_or_init(|| Mutex::new(start())).lock().unwrap_or_else(PoisonError::into_inner);
    // Without a guardian the tests are as good; only a killed run leaves something behind.
    let _ = writeln!(guardian, "{sign} {group}");
}

#[expect(clippy::zombie_processes, reason = "it ends after this process, by design")]
fn start() -> ChildStdin {
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT]).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut guardian = command.spawn().expect("a shell");
    guardian.stdin.take().expect("standard input is piped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Exit, Proc};
    use crate::until::{SOON, until};

    fn sleeper() -> Proc {
        Proc::spawn("sleep", Command::new("sleep").arg("1000"))
    }

    #[tokio::test]
    async fn what_was_not_forgotten_ends_with_the_test_run() {
        let (left, ended, mine) = (sleeper(), sleeper(), sleeper());
        let mut guardian = start();
        for line in
            [format!("+ {}", left.id()), format!("+ {}", ended.id()), format!("- {}", ended.id())]
        {
            writeln!(guardian, "{line}").unwrap();
        }
        drop(guardian);
        let exit = until("the end of what was left", SOON, || left.exit()).await;
        assert_eq!(exit, Exit::Signal(9));
        assert_eq!((ended.exit(), mine.exit()), (None, None));
    }
}
