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

/// Adds steps that belong together.
type Story = fn(&mut fastrand::Rng, &mut Vec<Step>);

/// The schedule of a seed. It has a theme, because rules about good days are only seen on good days, and what needs three
/// faults in a row is rarely drawn by chance.
pub(crate) fn draw(seed: u64) -> Schedule {
    let mut rng = fastrand::Rng::with_seed(seed);
    let length = rng.usize(2..20);
    // The first one has no faults.
    let stories: [Story; 7] = [good_day, absence, cut, outdated, clocks, stand_in, stream];
    let chosen = rng.usize(..stories.len());
    let (theme, is_good) = (stories[chosen], chosen == 0);
    let mut steps = Vec::new();
    while steps.len() < length {
        match rng.u8(..10) {
            0..6 => theme(&mut rng, &mut steps),
            6 => steps.push(Step::Wait(rng.u32(60_000..150_000))),
            _ if is_good => steps.push(wait(&mut rng)),
            7 => absence(&mut rng, &mut steps),
            8 => team(&mut rng, &mut steps),
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

/// The host goes away and comes back, often at once again, and a member comes meanwhile.
fn good_day(rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    let comes = rng.bool();
    let member = rng.usize(..MEMBERS);
    if comes {
        steps.extend([Step::MemberFails(member), Step::Wait(rng.u32(95_000..120_000))]);
    }
    loop {
        steps.extend([Step::HostGoes(going(rng)), wait(rng)]);
        if comes {
            steps.extend([Step::MemberReturns(member), wait(rng)]);
        }
        steps.extend([Step::HostReturns, Step::Wait(rng.u32(..4_000))]);
        if rng.bool() {
            return;
        }
    }
}

/// The host goes away and comes back.
fn absence(rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    let goes = rng.bool();
    let go = if goes { Step::HostGoes(going(rng)) } else { Step::HostFails(failing(rng)) };
    steps.push(go);
    if rng.u8(..4) == 0 {
        steps.extend([Step::Wait(rng.u32(..3_000)), Step::Remove(rng.usize(..MEMBERS))]);
    }
    steps.extend([wait(rng), Step::HostReturns]);
}

/// A cable is cut for a while, or until the end.
fn cut(rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    let (a, b) = (rng.usize(..COMPUTERS), rng.usize(..COMPUTERS));
    steps.extend([Step::Cut(a, b), wait(rng)]);
    if rng.u8(..3) > 0 {
        steps.push(Step::Heal(a, b));
    }
}

/// The backup does not hear what happens to the team, or only just, and then the host is gone.
fn outdated(rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    let apart = [BACKUP, FIRST_MEMBER + rng.usize(..MEMBERS)][rng.usize(..2)];
    let is_cut = rng.u8(..4) > 0;
    if is_cut {
        steps.extend([Step::Cut(HOST, apart), Step::Wait(rng.u32(..20_000))]);
        if apart != BACKUP && rng.bool() {
            steps.push(Step::Cut(HOST, BACKUP));
        }
    }
    team(rng, steps);
    steps.extend([Step::Wait(rng.u32(..8_000)), Step::HostFails(failing(rng))]);
    steps.push(Step::Wait(rng.u32(10_000..40_000)));
    if rng.bool() {
        steps.push(Step::HealAll);
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
        steps.extend([Step::HostGoes(going(rng)), Step::Wait(rng.u32(300_000..900_000))]);
        steps.push(Step::MemberReturns(rng.usize(..MEMBERS)));
    }
}

/// The backup goes away, fails, or can't listen.
fn stand_in(rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    if rng.bool() {
        absence(rng, steps);
        steps.pop();
    }
    steps.push(match rng.u8(..4) {
        0 => Step::BackupGoes(going(rng)),
        1 => Step::BackupFails(failing(rng)),
        2 => Step::BackupFails(Failing::Sleep),
        _ => Step::PortTaken(rng.u16(1..60)),
    });
    if rng.bool() {
        steps.push(Step::HostFails(failing(rng)));
    }
    steps.extend([wait(rng), Step::BackupReturns { told: rng.bool() }]);
    if rng.bool() {
        steps.extend([wait(rng), Step::HostReturns]);
    }
}

/// The stream goes silent, or requests are lost.
fn stream(rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    steps.push(if rng.bool() { Step::Stall } else { Step::Lose(rng.u8(1..4)) });
    steps.push(Step::Wait(rng.u32(..12_000)));
    if rng.bool() {
        absence(rng, steps);
    }
}

/// The owner changes the team.
fn team(rng: &mut fastrand::Rng, steps: &mut Vec<Step>) {
    steps.push(match rng.u8(..8) {
        0..3 => Step::EndBackup,
        3 => Step::NameBackup,
        4..7 => Step::Remove(rng.usize(..MEMBERS)),
        _ => Step::Admit(rng.usize(..MEMBERS)),
    });
}

fn fault(rng: &mut fastrand::Rng) -> Step {
    match rng.u8(..12) {
        0 => Step::BackupGoes(going(rng)),
        1 => Step::BackupFails(failing(rng)),
        2..4 => Step::BackupReturns { told: rng.bool() },
        4 => Step::MemberFails(rng.usize(..MEMBERS)),
        5 => Step::MemberReturns(rng.usize(..MEMBERS)),
        6 => Step::HealAll,
        7 => Step::Stall,
        8 => Step::Lose(rng.u8(1..4)),
        9 => Step::PortTaken(rng.u16(1..60)),
        10 => Step::NameBackup,
        _ => Step::HostReturns,
    }
}
