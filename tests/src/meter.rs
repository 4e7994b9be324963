//! What the kernel knows about an app's processes: memory, context switches, processor time.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// How often the tasks are looked at while an app is watched: what a task did since the last look before it ended is missed.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What processes have in memory, in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Theirs alone and written to.
    pub private_dirty: u64,
    /// With their part of what they share with others, libraries above all.
    pub proportional: u64,
}

/// The process and all below it.
#[must_use]
pub fn family(of: u32) -> Vec<u32> {
    let mut family = vec![of];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        next += 1;
        for task in numbers(&format!("/proc/{parent}/task")) {
            let children = read(&format!("/proc/{parent}/task/{task}/children"));
            family.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
    }
    family
}

/// In sum over these processes (`proc_pid_smaps(5)`, *smaps_rollup*).
#[must_use]
pub fn memory(processes: &[u32]) -> Memory {
    let sum = |name| -> u64 {
        let of = |id: &u32| field(&read(&format!("/proc/{id}/smaps_rollup")), name);
        processes.iter().filter_map(of).sum()
    };
    Memory { private_dirty: sum("Private_Dirty:"), proportional: sum("Pss:") }
}

/// What processes did in a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// Context switches, voluntary and involuntary.
    pub switches: u64,
    /// The voluntary ones alone: how often something woke up and went to sleep again.
    pub voluntary: u64,
    /// Time on a processor.
    pub processor: Duration,
}

/// Watches for so long what the processes do that `processes` names at each look.
pub async fn activity(processes: impl Fn() -> Vec<u32>, during: Duration) -> Activity {
    let mut ledger = Ledger::default();
    ledger.enter(tasks(&processes()));
    let mut left = during;
    while !left.is_zero() {
        let nap = left.min(LOOK_AGAIN);
        tokio::time::sleep(nap).await;
        left -= nap;
        ledger.enter(tasks(&processes()));
    }
    ledger.sum()
}

/// A thread: the number of its process, and its own.
type Task = (u32, u32);

/// What each task had done at the first look and at the last.
#[derive(Debug, Default)]
struct Ledger {
    begun: bool,
    tasks: BTreeMap<Task, (Activity, Activity)>,
}

impl Ledger {
    fn enter(&mut self, tasks: Vec<(Task, Activity)>) {
        for (task, now) in tasks {
            // A process that started later did all of its work meanwhile.
            let first = if self.begun { Activity::default() } else { now };
            self.tasks.entry(task).or_insert((first, now)).1 = now;
        }
        self.begun = true;
    }

    fn sum(&self) -> Activity {
        let mut sum = Activity::default();
        for (first, last) in self.tasks.values() {
            sum.voluntary += last.voluntary.saturating_sub(first.voluntary);
            sum.switches += last.switches.saturating_sub(first.switches);
            sum.processor += last.processor.saturating_sub(first.processor);
        }
        sum
    }
}

fn tasks(processes: &[u32]) -> Vec<(Task, Activity)> {
    let mut tasks = Vec::new();
    for &process in processes {
        for task in numbers(&format!("/proc/{process}/task")) {
            let folder = format!("/proc/{process}/task/{task}");
            let status = read(&format!("{folder}/status"));
            // It may have ended since the folder was read.
            let Some(voluntary) = field(&status, "voluntary_ctxt_switches:") else { continue };
            let involuntary = field(&status, "nonvoluntary_ctxt_switches:").unwrap_or_default();
            // Time on a processor, in nanoseconds (Documentation/scheduler/sched-stats.rst).
            let schedule = read(&format!("{folder}/schedstat"));
            let on = schedule.split_whitespace().next().and_then(|number| number.parse().ok());
            let processor = Duration::from_nanos(on.unwrap_or_default());
            let did = Activity { switches: voluntary + involuntary, voluntary, processor };
            tasks.push(((process, task), did));
        }
    }
    tasks
}

/// What is called by a number in a folder.
fn numbers(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(switches: u64, ms: u64) -> Activity {
        Activity { switches, voluntary: switches, processor: Duration::from_millis(ms) }
    }

    #[test]
    fn tasks_that_come_and_go_meanwhile_count() {
        let mut ledger = Ledger::default();
        ledger.enter(vec![((1, 1), did(100, 10)), ((1, 2), did(7, 1))]);
        ledger.enter(vec![((1, 1), did(103, 12)), ((1, 2), did(8, 1)), ((1, 3), did(2, 5))]);
        ledger.enter(vec![((1, 1), did(104, 12))]);
        assert_eq!(ledger.sum(), did(4 + 1 + 2, 2 + 5));
    }

    #[test]
    fn this_process_has_memory_and_tasks() {
        let own = family(std::process::id());
        let memory = memory(&own);
        assert!(memory.private_dirty > 0 && memory.proportional >= memory.private_dirty);
        assert!(tasks(&own).iter().any(|(_, activity)| activity.switches > 0));
    }
}
