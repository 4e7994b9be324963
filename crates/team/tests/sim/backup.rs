//! The simulated world of the backup computer: a host, its backup, three members, cables that are cut, computers that
//! sleep, end and die, and a calendar that is wrong.
//!
//! `SIM_SCHEDULES` and `SIM_FROM` are as in the other world. What fails is shrunk and printed as a schedule, to be added to
//! `backup/regressions.jsonl`.

use porchlight_team::StandbyRule;

use crate::{setting, shrink};
use member::MemberRule;
use schedule::{Schedule, draw};
use world::{Without, log_of, run};

mod member;
mod schedule;
mod world;

fn tell(schedule: &Schedule, without: Option<Without>) -> String {
    let json = serde_json::to_string(schedule).expect("a schedule is plain data");
    let broken = run(schedule, without).expect_err("it was shrunk to a schedule that fails");
    format!("{broken}\n{json}\n{}", log_of(schedule, without))
}

fn shortest(schedule: Schedule) -> String {
    let fails = |steps: &[_]| run(&Schedule(steps.to_vec()), None).is_err();
    tell(&Schedule(shrink(schedule.0, fails)), None)
}

#[test]
fn what_ever_failed_with_a_backup_holds() {
    for line in include_str!("backup/regressions.jsonl").lines() {
        let schedule: Schedule = serde_json::from_str(line).expect("a schedule");
        if run(&schedule, None).is_err() {
            panic!("{}", shortest(schedule));
        }
    }
}

#[test]
fn every_member_is_on_the_host_or_on_its_backup() {
    let from = setting("SIM_FROM", 0);
    let mut done = [0; world::COUNTED.len()];
    for seed in from..from + setting("SIM_SCHEDULES", 1_000) {
        let schedule = draw(seed);
        match run(&schedule, None) {
            Ok(counts) => {
                for (sum, count) in done.iter_mut().zip(counts) {
                    *sum += count;
                }
            }
            Err(_) => panic!("seed {seed}: {}", shortest(schedule)),
        }
    }
    // A simulation in which nothing succeeds proves nothing.
    for (name, count) in world::COUNTED.iter().zip(done) {
        println!("{count:>8} {name}");
        assert!(count > 0, "{name} never happened");
    }
}

/// Without this rule, a schedule does this harm.
fn is_missed(without: Without, harm: &str) {
    let harms = |steps: &[_]| {
        let schedule = Schedule(steps.to_vec());
        let broken = run(&schedule, Some(without)).err();
        broken.is_some_and(|broken| broken.contains(harm)) && run(&schedule, None).is_ok()
    };
    let found = (0..30_000).map(draw).enumerate().find(|(_, schedule)| harms(&schedule.0));
    let (n, schedule) = found.unwrap_or_else(|| panic!("without {without:?} nothing went wrong"));
    let schedule = Schedule(shrink(schedule.0, harms));
    println!("without {without:?}, schedule {n}: {}", tell(&schedule, Some(without)));
}

macro_rules! rules {
    ($($name:ident: $of:ident($rule:expr), $harm:literal;)*) => {
        $(
            #[test]
            fn $name() {
                is_missed(Without::$of($rule), $harm);
            }
        )*
    };
}

rules! {
    without_a_look_two_hubs_serve:
        Standby(StandbyRule::LookFirst), "the backup serves, and could reach the host";
    without_doubt_about_its_sleep_a_backup_serves_beside_the_host:
        Standby(StandbyRule::OwnSleep), "takes its own sleep for the silence of the host";
    without_its_end_a_delegation_serves_for_ever:
        Standby(StandbyRule::Expiry), "serves with a delegation that has ended";
    without_a_revocation_a_former_backup_serves:
        Standby(StandbyRule::Revocation), "the host has said that it is none";
    without_following_again_a_backup_never_stops:
        Standby(StandbyRule::FollowAgain), "the backup serves, and could follow the host";
    without_giving_back_people_are_seen_to_go:
        Standby(StandbyRule::GiveBack), "go on a good day";
    without_staying_a_second_hand_over_finds_nobody:
        Standby(StandbyRule::StayForNext), "has no hub on a good day";
    without_listening_first_members_find_nobody:
        Standby(StandbyRule::ListenFirst), "has no hub on a good day";
    without_trying_again_a_taken_port_leaves_no_hub:
        Standby(StandbyRule::ServeAgain), "could be on the backup, and is on None";
    without_an_end_members_stay_on_a_backup_that_sleeps:
        Standby(StandbyRule::EndFirst), "the backup goes away, and its members do not know it";
    without_the_refusal_a_lost_hand_over_leaves_no_hub:
        Standby(StandbyRule::Refused), "has no hub, and nothing is in its way";
    without_telling_first_members_find_nobody:
        Standby(StandbyRule::TellFirst), "has no hub on a good day";
    without_a_backup_members_are_sent_nowhere:
        Standby(StandbyRule::OnlyFollowed), "closes members that have nowhere to go";
    without_refusing_a_change_is_lost:
        Standby(StandbyRule::Refuse), "changes a team that it has handed over";
    without_a_limit_a_host_does_not_sleep:
        Standby(StandbyRule::InTime), "does not go away in time";
    without_taking_back_a_host_stays_away:
        Standby(StandbyRule::TakeBack), "could be on the host, and is on";
    without_looking_members_stay_on_the_backup:
        Member(MemberRule::LookForHost), "could be on the host, and is on Some(Backup)";
    without_patience_people_are_seen_to_go:
        Member(MemberRule::Patience), "go on a good day";
    without_the_revision_a_removed_member_is_in:
        Member(MemberRule::RefuseOutdated), "knows to be outdated";
    without_the_serial_a_removed_backup_is_believed:
        Member(MemberRule::Serial), "believes a backup that it must not";
    without_the_validity_an_old_delegation_is_believed:
        Member(MemberRule::Validity), "believes a backup that it must not";
}
