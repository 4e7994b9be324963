//! The command line.

use std::path::PathBuf;

use crate::event::{Design, Event};
use crate::scenarios::FEW;
use crate::setup::Kind;

pub(crate) const USAGE: &str = "usage: truth [--runs N] [--only EVENT,..] [--design DESIGN,..] [--broker BROKER,..] [--team N] [--json FILE]";

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// How often each event happens to each design.
    pub(crate) runs: usize,
    pub(crate) events: Vec<Event>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) designs: Vec<Design>,
    /// How many people a whole team has.
    pub(crate) team: usize,
    /// Where every single run is written, beside the tables.
    pub(crate) json: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments behind the program's name; the error says what is allowed.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (events, kinds) = (Event::ALL.to_vec(), Kind::ALL.to_vec());
        let designs = Design::ALL.to_vec();
        let mut options = Self { runs: 5, events, kinds, designs, team: 200, json: None };
        while let Some(flag) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{flag} needs a value"));
            match flag.as_str() {
                "--runs" => options.runs = from_one(&flag, &value()?)?,
                "--team" => options.team = from_one(&flag, &value()?)?.max(FEW + 1),
                "--design" => options.designs = chosen(&value()?, &Design::ALL, Design::name)?,
                "--only" => options.events = chosen(&value()?, &Event::ALL, Event::name)?,
                "--broker" => options.kinds = chosen(&value()?, &Kind::ALL, Kind::name)?,
                "--json" => options.json = Some(value()?.into()),
                _ => return Err(format!("{flag:?} is not known")),
            }
        }
        Ok(options)
    }
}

fn from_one(flag: &str, value: &str) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{flag} takes a number from 1, not {value:?}"))
}

/// Those of `all` that the list names, in the order of `all`.
fn chosen<T: Copy + PartialEq>(
    list: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Vec<T>, String> {
    let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
    if let Some(unknown) = list.split(',').find(|wanted| !names.contains(wanted)) {
        return Err(format!("{unknown:?} is not one of {}", names.join(", ")));
    }
    Ok(all
        .iter()
        .copied()
        .filter(|one| list.split(',').any(|wanted| wanted == name(*one)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Options, String> {
        Options::parse(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn everything_is_measured_unless_something_is_selected() {
        let all = parse("").unwrap();
        assert_eq!((all.runs, all.events.len(), all.kinds.len()), (5, 22, 3));
        let some =
            parse("--runs 1 --only kill,quit --broker mosquitto311 --json out.json").unwrap();
        assert_eq!((some.runs, some.events), (1, vec![Event::Quit, Event::Kill]));
        assert_eq!(some.kinds, [Kind::Mosquitto311]);
        assert_eq!(some.json, Some("out.json".into()));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_allowed() {
        for (arguments, said) in [
            ("--only nap", "one-of-two"),
            ("--broker emqx", "mosquitto311"),
            ("--runs 0", "from 1"),
            ("--team many", "from 1"),
            ("--design xmpp", "seed-style"),
            ("--runs", "needs a value"),
            ("--loud", "--loud"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(said), "{arguments}: {error}");
        }
    }
}
