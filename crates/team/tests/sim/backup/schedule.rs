//! What happens to the computers and the cables between them, as plain data.

use serde::{Deserialize, Serialize};

/// The computers: the host, its backup, and members.
pub(crate) const HOST: usize = 0;
pub(crate) const BACKUP: usize = 1;
pub(crate) const FIRST_MEMBER: usize = 2;
pub(crate) const MEMBERS: usize = 3;
pub(crate) const COMPUTERS: usize = FIRST_MEMBER + MEMBERS;

/// Steps, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule(pub(crate) Vec<Step>);

/// One step. A step that does not apply does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// The host goes away, and knows it before.
    HostGoes(Going),
    /// The host goes away without a warning.
    HostFails(Failing),
    /// The host wakes or starts.
    HostReturns,
    BackupGoes(Going),
    BackupFails(Failing),
    BackupReturns {
        /// The system says that it slept.
        told: bool,
    },
    MemberFails(usize),
    MemberReturns(usize),
    /// The cable between two computers.
    Cut(usize, usize),
    Heal(usize, usize),
    HealAll,
    /// The stream of the backup goes silent, and nothing else does.
    Stall,
    /// The next requests of the backup are lost.
    Lose(u8),
    /// The backup's calendar is this many minutes wrong.
    Clock(i8),
    /// Somebody else listens on the backup's port for some seconds.
    PortTaken(u16),
    /// The owner wants no backup.
    EndBackup,
    /// The owner asks for it again, and its user agrees.
    NameBackup,
    Remove(usize),
    Admit(usize),
    /// Milliseconds.
    Wait(u32),
}

/// How a computer goes away that knows it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Going {
    Sleep,
    Quit,
    /// It says so, and stays.
    Nowhere,
}

/// How a computer goes away that does not know it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Failing {
    /// The program is killed.
    Killed,
    /// The computer loses its power.
    Dead,
    Sleep,
}

/// The schedule of a seed.
pub(crate) fn draw(seed: u64) -> Schedule {
    let mut rng = fastrand::Rng::with_seed(seed);
    let length = rng.usize(3..26);
    let mut steps = Vec::new();
    // Rules about good days are only seen on good days.
    let is_calm = rng.u8(..3) == 0;
    while steps.len() < length {
        match rng.u8(..100) {
            0..22 => absence(&mut rng, &mut steps, is_calm),
            22..34 => steps.push(Step::Wait(rng.u32(60_000..150_000))),
            34..40 if is_calm => steps.push(Step::MemberFails(rng.usize(..MEMBERS))),
            40..50 if is_calm => steps.push(Step::MemberReturns(rng.usize(..MEMBERS))),
            _ if is_calm => {}
            34..44 => cut(&mut rng, &mut steps),
            44..50 => clocks(&mut rng, &mut steps),
            50..57 => team(&mut rng, &mut steps),
            _ => steps.push(fault(&mut rng)),
        }
        if rng.bool() {
            steps.push(wait(&mut rng));
        }
    }
    Schedule(steps)
}

fn wait(rng: &mut fastrand::Rng) -> Step {
    Step::Wait(match rng.u8(..8) {
        0 => rng.u32(..1_000),
        1..4 => rng.u32(1_000..15_000),
        4..7 => rng.u32(10_000..90_000),
        _ => rng.u32(60_000..660_000),
    })
}

fn going(rng: &mut fastrand::Rng) -> Going {
    [Going::Sleep, Going::Sleep, Going::Quit, Going::Nowhere][rng.usize(..4)]
}

fn failing(rng: &mut fastrand::Rng) -> Failing {
    [Failing::Killed, Failing::Dead, Failing::Sleep][rng.usize(..3)]
}

/// The host goes away and comes back, and often goes again at once.
fn absence(rng: &mut fastrand::Rng, steps: &mut Vec<Step>, is_calm: bool) {
    let is_warned = is_calm || rng.bool();
    let go = if is_warned { Step::HostGoes(going(rng)) } else { Step::HostFails(failing(rng)) };
    steps.extend([go, wait(rng), Step::HostReturns]);
    while rng.u8(..3) == 0 {
        let soon = Step::Wait(rng.u32(..4_000));
        steps.extend([soon, Step::HostGoes(going(rng)), wait(rng), Step::HostReturns]);
    }
}

fn cut(rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    let (a, b) = (rng.usize(..COMPUTERS), rng.usize(..COMPUTERS));
    steps.push(Step::Cut(a, b));
    match rng.u8(..4) {
        0 => {}
        // The backup alone is cut off, and misses what happens to the team.
        1 => {
            steps.extend([Step::Cut(HOST, BACKUP), Step::Wait(rng.u32(..20_000))]);
            team(rng, steps);
            steps.extend([Step::Wait(rng.u32(..5_000)), Step::HostFails(failing(rng))]);
        }
        _ => steps.extend([wait(rng), Step::Heal(a, b)]),
    }
}

/// The backup's clock is wrong, and the host stays away for long.
fn clocks(rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    let minutes = [-30, -20, -5, 0, 5, 20][rng.usize(..6)];
    steps.push(Step::Clock(minutes));
    if rng.bool() {
        // The host sends its state anew.
        let user = rng.usize(..MEMBERS);
        steps.extend([Step::Remove(user), Step::Wait(rng.u32(..60_000)), Step::Admit(user)]);
    }
    if rng.bool() {
        let away = rng.u32(300_000..900_000);
        steps.extend([Step::HostGoes(going(rng)), Step::Wait(away)]);
        steps.push(Step::MemberReturns(rng.usize(..MEMBERS)));
    }
}

/// The owner changes the team.
fn team(rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    steps.push(match rng.u8(..8) {
        0..2 => Step::EndBackup,
        2..4 => Step::NameBackup,
        4..7 => Step::Remove(rng.usize(..MEMBERS)),
        _ => Step::Admit(rng.usize(..MEMBERS)),
    });
}

fn fault(rng: &mut fastrand::Rng) -> Step {
    match rng.u8(..16) {
        0..2 => Step::BackupGoes(going(rng)),
        2..4 => Step::BackupFails(failing(rng)),
        4..8 => Step::BackupReturns { told: rng.bool() },
        8 => Step::MemberFails(rng.usize(..MEMBERS)),
        9 => Step::MemberReturns(rng.usize(..MEMBERS)),
        10 => Step::HealAll,
        11 => Step::Stall,
        12 => Step::Lose(rng.u8(1..4)),
        13 => Step::PortTaken(rng.u16(1..60)),
        14 => Step::HostGoes(going(rng)),
        _ => Step::HostReturns,
    }
}
