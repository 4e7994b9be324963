//! Processes and waits.

use std::process::Command;
use std::time::Duration;

use porchlight_tests::process::{Exit, Stream};
use porchlight_tests::until::{SOON, Stopwatch};
use porchlight_tests::{Proc, Signal, never, until};

fn shell(script: &str) -> Proc {
    Proc::spawn("sh", Command::new("sh").args(["-c", script]))
}

fn runs(number: u32) -> bool {
    // A zombie, which nobody has reaped yet, does not run.
    let state = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[tokio::test]
async fn lines_of_both_outputs_are_collected() {
    let proc = shell("echo one; echo two >&2; echo three");
    assert!(proc.wait_exit(SOON).await.success());
    proc.wait_line(|line| line == "two", SOON).await;
    let (exit, output) = proc.finish(SOON).await;
    assert_eq!((exit, output.as_str()), (Exit::Code(0), "one\nthree"));
    assert_eq!(proc.lines(Stream::Err), ["two"]);
}

#[tokio::test]
async fn the_next_line_is_one_after_the_last() {
    let mut proc = shell("while read line; do echo \"said $line\"; done");
    for word in ["a", "b", "a"] {
        proc.say(word);
    }
    assert_eq!(proc.next_line(|line| line.ends_with('a'), SOON).await, "said a");
    assert_eq!(proc.next_line(|line| line.ends_with('a'), SOON).await, "said a");
    proc.hang_up();
    assert!(proc.wait_exit(SOON).await.success());
}

#[tokio::test]
async fn a_wait_that_fails_shows_the_last_output_and_the_place() {
    let waiting = tokio::spawn(async {
        let proc = shell("echo a last word; exit 3");
        proc.wait_line(|line| line == "never said", SOON).await
    });
    let panic = waiting.await.expect_err("the line does not come").into_panic();
    let message = panic.downcast_ref::<String>().expect("a panic with a text");
    assert!(message.contains("a last word"), "{message}");
    assert!(message.contains("exit code 3"), "{message}");
    assert!(message.contains("processes.rs"), "{message}");
}

#[tokio::test]
async fn a_process_ends_with_its_owner_and_takes_its_children_along() {
    let proc = shell("sleep 1000 & echo $!; wait");
    let child = proc.wait_line(|line| line.parse::<u32>().is_ok(), SOON).await;
    let numbers = [proc.id(), child.parse().unwrap()];
    assert!(numbers.iter().all(|number| runs(*number)));
    drop(proc);
    until("both to be gone", SOON, || !numbers.iter().any(|number| runs(*number))).await;
}

#[tokio::test]
async fn a_stopped_process_says_nothing_until_it_goes_on() {
    let mut proc = shell("while read line; do echo \"said $line\"; done");
    proc.say("first");
    proc.next_line(|line| line == "said first", SOON).await;
    proc.signal(Signal::STOP);
    proc.say("second");
    never("a word of a stopped process", Duration::from_millis(100), || {
        proc.lines(Stream::Out).len() > 1
    })
    .await;
    proc.signal(Signal::CONT);
    proc.next_line(|line| line == "said second", SOON).await;
}

#[tokio::test]
async fn a_process_that_does_not_quit_is_killed() {
    let mut deaf = shell("trap '' TERM; echo ready; while true; do sleep 0.1; done");
    deaf.wait_line(|line| line == "ready", SOON).await;
    let watch = Stopwatch::start();
    assert_eq!(deaf.stop(Duration::from_millis(200)), Exit::Signal(9));
    assert!(watch.elapsed() < SOON);

    let mut polite = shell("trap 'exit 0' TERM; echo ready; while true; do sleep 0.1; done");
    polite.wait_line(|line| line == "ready", SOON).await;
    assert_eq!(polite.stop(SOON), Exit::Code(0));
}
