//! The documentation keeps its word: its commands run, its links lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use porchlight_tests::member::Member;
use porchlight_tests::process::{Exit, Proc};
use porchlight_tests::until::{SOON, START};

/// How a command of the guide is run here. They run in this order.
#[derive(Debug, Clone, Copy)]
enum Run {
    /// As this person, to its end, with this exit code.
    As(&'static str, u8),
    /// As this person, who reads a new link: in the place of the link, or from standard input.
    Joins(&'static str),
    /// As this person, until it prints this.
    Until(&'static str, &'static str),
    /// Not in this test: why not.
    Not(&'static str),
}

/// Each command of the README and the guide. The test fails where one of them is not listed, and
/// where one that is listed is in no page any more.
const COMMANDS: &[(&str, Run)] = &[
    ("make run", Run::Not("it builds everything; somebody does it by hand for each release")),
    ("make test", Run::Not("it is what runs this test")),
    ("sudo apt install ./target/package/porchlight_*.deb", Run::Not("`make check-package` does")),
    ("sudo dnf install ./target/package/porchlight-*.rpm", Run::Not("there is no dnf here")),
    ("systemctl --user enable --now porchlight", Run::Not("`make check-package` does")),
    ("systemctl --user enable --now porchlight-hub", Run::Not("`make check-package` does")),
    ("systemctl --user edit porchlight-hub", Run::Not("it opens an editor")),
    ("journalctl --user --unit porchlight-hub", Run::Not("no service of that name runs here")),
    (
        "cat ~/.local/state/porchlight/hub/team/owner-invitation",
        Run::Not("`secrets.rs` reads that file"),
    ),
    ("loginctl enable-linger", Run::Not("it changes the machine")),
    (r#"porchlight join "porchlight://join?..." --name Bob"#, Run::Joins("Bob")),
    ("porchlight join -", Run::Joins("Carol")),
    ("porchlight join", Run::Not("it asks the network; `team.rs` does that in one of its own")),
    ("porchlight invite", Run::As("Anna", 0)),
    ("porchlight invite --me", Run::As("Anna", 0)),
    ("porchlight invite --uses 5 --for 1d", Run::As("Anna", 0)),
    ("porchlight invite requests", Run::As("Anna", 0)),
    ("porchlight members", Run::As("Carol", 0)),
    (r#"porchlight set dnd "Deep work" --for 45m"#, Run::As("Anna", 0)),
    ("porchlight set invisible", Run::As("Anna", 0)),
    ("porchlight clear", Run::As("Anna", 0)),
    (r#"porchlight knock bob "Got a minute?""#, Run::Until("Carol", "sent")),
    ("porchlight knock bob --when-back", Run::Until("Carol", "sent")),
    ("porchlight knock bob --when-free", Run::Until("Carol", "sent")),
    ("porchlight wave bob 🎉", Run::As("Carol", 0)),
    ("porchlight token list", Run::As("Carol", 0)),
    ("porchlight leave", Run::As("Carol", 0)),
    ("porchlight members remove bob", Run::As("Anna", 0)),
    ("porchlight members remove eve --with-invited", Run::As("Anna", 4)),
    ("porchlight members remove eve --with-invited --yes", Run::As("Anna", 4)),
    ("porchlight members forget k3V9xQ2aB7", Run::As("Anna", 4)),
    ("porchlight hub backup team.backup", Run::As("Anna", 0)),
    ("porchlight hub restore team.backup", Run::As("Dora", 0)),
    ("porchlight hub move", Run::Not("`team.rs` moves a team between two computers")),
];

/// The pages, from the root of the repository.
fn pages() -> Vec<PathBuf> {
    fn below(folder: &Path, pages: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                below(&path, pages);
            } else if path.extension().is_some_and(|end| end == "md") {
                pages.push(path);
            }
        }
    }
    let mut pages =
        ["README.md", "CONTRIBUTING.md", "packaging/README.md"].map(|it| root().join(it)).to_vec();
    below(&root().join("docs"), &mut pages);
    pages.sort();
    pages
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// The lines of a page's blocks for a shell, without comments, each command for itself.
fn commands(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).expect("the page can be read");
    let mut within = false;
    let mut commands = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") {
            within = !within && matches!(line, "```sh" | "```bash");
        } else if within {
            let command = line.split(" #").next().expect("a first part");
            commands.extend(command.split("&&").map(|it| it.trim().to_owned()));
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// A command's words. Documentation needs no more of a shell than double quotation marks.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in command.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[tokio::test]
async fn every_command_of_the_pages_is_one_that_there_is() {
    let makefile = fs::read_to_string(root().join("Makefile")).expect("there is a Makefile");
    let somebody = Member::new("Somebody");
    let mut tried = 0;
    for page in pages() {
        for command in commands(&page) {
            let words = words(&command);
            let shown = format!("{}: {command}", page.display());
            match words[0].as_str() {
                "make" => {
                    let target = format!("\n{}:", words[1]);
                    assert!(makefile.contains(&target), "{shown}");
                }
                "porchlight" => {
                    // Everything in front of it is parsed first.
                    let ends = words.iter().position(|word| word.starts_with('>'));
                    let mut arguments: Vec<_> =
                        words[1..ends.unwrap_or(words.len())].iter().map(String::as_str).collect();
                    arguments.push("--help");
                    let proc = somebody.start(&arguments);
                    let (exit, help) = proc.finish(SOON).await;
                    assert_eq!(exit, Exit::Code(0), "{shown}\n{proc}");
                    assert!(help.contains("Usage: porchlight"), "{shown}\n{help}");
                }
                word if word.starts_with("scripts/") => {
                    assert!(root().join(word).is_file(), "{shown}");
                }
                _ => continue,
            }
            tried += 1;
        }
    }
    assert!(tried > 30, "only {tried} commands were found");
}

#[tokio::test]
async fn the_commands_of_the_guide_do_what_they_say() {
    let guide = root().join("docs/guide");
    let in_pages: BTreeSet<_> = pages()
        .iter()
        .filter(|page| page.starts_with(&guide) || **page == root().join("README.md"))
        .chain([&root().join("docs/hosting.md")])
        .flat_map(|page| commands(page))
        .collect();
    let listed: BTreeSet<_> = COMMANDS.iter().map(|(command, _)| (*command).to_owned()).collect();
    let differ: Vec<_> = in_pages.symmetric_difference(&listed).collect();
    assert!(differ.is_empty(), "in the pages or in the list alone: {differ:#?}");

    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let people = ["Anna", "Bob", "Carol", "Dora"].map(|name| (name, Member::new(name)));
    let person = |name| &people.iter().find(|(it, _)| *it == name).expect("one of them").1;
    let anna = person("Anna");
    let hub = anna.start(&["hub", "--listen", "127.0.0.1:0", "--local", "127.0.0.1:0", "--quiet"]);
    anna.join(&anna.owner_link(&hub).await).await;
    let mut running = vec![anna.start(&["run", "--activity", "none"])];

    for (command, run) in COMMANDS {
        let words = words(command);
        let mut arguments: Vec<_> = words[1..].iter().map(String::as_str).collect();
        let start = |name, arguments: &[&str]| {
            let mut command = person(name).command(arguments);
            Proc::spawn(format!("{name}: {arguments:?}"), command.current_dir(folder.path()))
        };
        match *run {
            Run::Not(why) => println!("not run: {command}: {why}"),
            Run::As(name, code) => {
                let proc = start(name, &arguments);
                let (exit, _) = proc.finish(3 * SOON).await;
                assert_eq!(exit, Exit::Code(code.into()), "{command}\n{proc}");
            }
            Run::Until(name, printed) => {
                let proc = start(name, &arguments);
                proc.wait_line(|line| line.contains(printed), 3 * SOON).await;
            }
            Run::Joins(name) => {
                let link = anna.invite(&[]).await;
                // Everybody here has a name already.
                if let Some(at) = arguments.iter().position(|it| *it == "--name") {
                    arguments.drain(at..at + 2);
                }
                if let Some(place) = arguments.iter_mut().find(|it| it.starts_with("porchlight:")) {
                    *place = &link;
                }
                arguments.push("--keep-in-file");
                let mut proc = start(name, &arguments);
                if !arguments.contains(&link.as_str()) {
                    proc.say(&link);
                    proc.hang_up();
                }
                let (exit, _) = proc.finish(3 * SOON).await;
                assert_eq!(exit, Exit::Code(0), "{command}\n{proc}");
                let runs = person(name).start(&["run", "--activity", "none"]);
                runs.wait_line(|line| line.contains("connected to"), START).await;
                running.push(runs);
            }
        }
    }
}

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let mut followed = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("the page can be read");
        for (at, _) in text.match_indices("](") {
            let link = &text[at + 2..];
            let link = &link[..link.find(')').expect("a link ends")];
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let to =
                if file.is_empty() { page.clone() } else { page.with_file_name("").join(file) };
            let shown = format!("{} links to {link}", page.display());
            assert!(to.exists(), "{shown}");
            if !anchor.is_empty() {
                let there = fs::read_to_string(&to).expect("a page");
                let found = there
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|heading| slug(heading) == anchor);
                assert!(found, "{shown}");
            }
            followed += 1;
        }
    }
    assert!(followed > 40, "only {followed} links were found");
}

/// The German catalogue has one entry for each code of the programs; a test of the window proves that.
#[test]
fn troubleshooting_has_a_row_for_each_problem_code() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("a file of the project");
    let page = read("docs/troubleshooting.md");
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with('|')).collect();
    let (mut missing, mut codes) = (Vec::new(), 0);
    for line in read("locales/de/problems.ftl").lines() {
        let id = line.split(" =").next().expect("a first part");
        let Some(code) = id.strip_prefix("problem-").or(id.strip_prefix("failure-")) else {
            continue;
        };
        codes += 1;
        let cell = format!("| `{}` |", code.replace('-', "_"));
        if !rows.iter().any(|row| row.contains(&cell)) {
            missing.push(cell);
        }
    }
    assert!(codes > 80, "only {codes} codes were found");
    assert!(missing.is_empty(), "docs/troubleshooting.md has no row for {missing:?}");
}

/// The subjects are those of the crate that observes activity, and two of the command's own.
#[tokio::test]
async fn troubleshooting_has_a_row_for_each_check_of_doctor() {
    let page = fs::read_to_string(root().join("docs/troubleshooting.md")).expect("the page");
    let somebody = Member::new("Somebody");
    let proc = somebody.start(&["doctor", "--json", "--timeout", "1s"]);
    let (exit, output) = proc.finish(3 * SOON).await;
    assert_eq!(exit, Exit::Code(0), "{proc}");
    let findings: serde_json::Value = serde_json::from_str(&output).expect("JSON");
    let findings = findings.as_array().expect("an array");
    assert!(findings.len() > 4, "{output}");
    for finding in findings {
        let about = finding["about"].as_str().expect("a subject");
        assert!(page.contains(&format!("\n| `{about}` |")), "no row for {about}");
    }
}

/// The anchor of a heading, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
