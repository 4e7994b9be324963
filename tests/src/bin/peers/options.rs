//! The command line.

use std::time::Duration;

use crate::app::App;

pub(crate) const USAGE: &str = "usage: peers [--runs N] [--only APP,..] [--idle SECONDS]";

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) runs: usize,
    pub(crate) apps: Vec<App>,
    /// How long they are watched while nothing happens.
    pub(crate) idle: Duration,
}

impl Options {
    /// Reads the arguments behind the program's name; the error says what is allowed.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { runs: 3, apps: App::ALL.to_vec(), idle: Duration::from_secs(60) };
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--runs" => options.runs = from_one(&flag, &value)?,
                "--idle" => options.idle = Duration::from_secs(from_one(&flag, &value)?),
                "--only" => options.apps = chosen(&value)?,
                _ => return Err(format!("{flag:?} is not known")),
            }
        }
        Ok(options)
    }
}

fn from_one<N: std::str::FromStr + PartialOrd + From<u8>>(
    flag: &str,
    value: &str,
) -> Result<N, String> {
    let number = value.parse().ok().filter(|number| *number >= N::from(1));
    number.ok_or_else(|| format!("{flag} takes a number from 1, not {value:?}"))
}

fn chosen(list: &str) -> Result<Vec<App>, String> {
    list.split(',')
        .map(|wanted| {
            let found = App::ALL.into_iter().find(|app| app.name().eq_ignore_ascii_case(wanted));
            found.ok_or_else(|| {
                format!("{wanted:?} is not one of {}", App::ALL.map(App::name).join(", "))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Options, String> {
        Options::parse(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn all_are_measured_three_times_unless_something_is_selected() {
        let all = parse("").unwrap();
        assert_eq!((all.runs, all.apps.len(), all.idle.as_secs()), (3, 4, 60));
        let some = parse("--runs 1 --only dino,Porchlight --idle 5").unwrap();
        assert_eq!((some.runs, some.idle.as_secs()), (1, 5));
        assert_eq!(some.apps, [App::Dino, App::Porchlight]);
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_allowed() {
        for (arguments, said) in [
            ("--only Adium", "Gajim"),
            ("--runs 0", "from 1"),
            ("--idle soon", "from 1"),
            ("--runs", "needs a value"),
            ("--loud x", "--loud"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(said), "{arguments}: {error}");
        }
    }
}
