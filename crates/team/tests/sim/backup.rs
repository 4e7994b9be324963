//! The simulated world of the backup computer: a host, its backup, three members, cables that are cut, computers that
//! sleep, end and die, and a calendar that is wrong.
//!
//! What fails is shrunk and printed as a schedule, to be added to `backup/regressions.jsonl`.

use porchlight_team::StandbyRule;

use crate::{setting, shrink};
use member::MemberRule;
use schedule::{Schedule, draw};
use world::{Without, run};

mod member;
mod schedule;
mod world;

fn tell(schedule: Schedule, without: Option<Without>) -> String {
    let fails = |steps: &[_]| run(&Schedule(steps.to_vec()), without).is_err();
    let schedule = Schedule(shrink(schedule.0, fails));
    let failure = run(&schedule, without).expect_err("it was shrunk to a schedule that fails");
    let json = serde_json::to_string(&schedule).expect("a schedule is plain data");
    format!("{}\n{json}\n{}", failure.what, failure.log.join("\n"))
}

#[test]
fn what_ever_failed_with_a_backup_holds() {
    for line in include_str!("backup/regressions.jsonl").lines() {
        let schedule: Schedule = serde_json::from_str(line).expect("a schedule");
        if run(&schedule, None).is_err() {
            panic!("{}", tell(schedule, None));
        }
    }
}

#[test]
fn every_member_is_on_the_host_or_on_its_backup() {
    let from = setting("SIM_FROM", 0);
    let mut done = [0; world::COUNTED.len()];
    for seed in from..from + setting("SIM_SCHEDULES", 3_000) {
        let schedule = draw(seed);
        match run(&schedule, None) {
            Ok(counts) => {
                for (sum, count) in done.iter_mut().zip(counts) {
                    *sum += count;
                }
            }
            Err(_) => panic!("seed {seed}: {}", tell(schedule, None)),
        }
    }
    // A simulation in which nothing succeeds proves nothing.
    for (name, count) in world::COUNTED.iter().zip(done) {
        println!("{count:>8} {name}");
        assert!(count > 0, "{name} never happened");
    }
}

fn is_missed(without: Without) {
    let fails = |schedule: &Schedule| run(schedule, Some(without)).is_err();
    let found =
        (0..30_000).map(draw).find(|schedule| fails(schedule) && run(schedule, None).is_ok());
    let schedule = found.unwrap_or_else(|| panic!("without {without:?} nothing went wrong"));
    println!("without {without:?}: {}", tell(schedule, Some(without)));
}

macro_rules! rules {
    ($($name:ident: $rule:expr;)*) => {
        $(
            #[test]
            fn $name() {
                is_missed($rule);
            }
        )*
    };
}

rules! {
    without_a_look_a_silent_stream_makes_two_hubs: Without::Standby(StandbyRule::LookFirst);
    without_doubt_about_its_sleep_a_backup_serves_beside_the_host: Without::Standby(StandbyRule::OwnSleep);
    without_its_end_a_delegation_serves_for_ever: Without::Standby(StandbyRule::Expiry);
    without_a_revocation_a_former_backup_serves: Without::Standby(StandbyRule::Revocation);
    without_following_again_a_backup_never_stops: Without::Standby(StandbyRule::FollowAgain);
    without_giving_back_people_are_seen_to_go: Without::Standby(StandbyRule::GiveBack);
    without_staying_a_second_hand_over_finds_nobody: Without::Standby(StandbyRule::StayForNext);
    without_listening_first_members_find_nobody: Without::Standby(StandbyRule::ListenFirst);
    without_trying_again_a_taken_port_leaves_no_hub: Without::Standby(StandbyRule::ServeAgain);
    without_an_end_members_stay_on_a_backup_that_sleeps: Without::Standby(StandbyRule::EndFirst);
    without_the_refusal_a_lost_hand_over_leaves_no_hub: Without::Standby(StandbyRule::Refused);
    without_telling_first_members_find_nobody: Without::Standby(StandbyRule::TellFirst);
    without_a_backup_nobody_is_closed: Without::Standby(StandbyRule::OnlyFollowed);
    without_refusing_a_change_is_lost: Without::Standby(StandbyRule::Refuse);
    without_a_limit_a_host_does_not_sleep: Without::Standby(StandbyRule::InTime);
    without_taking_back_a_host_stays_away: Without::Standby(StandbyRule::TakeBack);
    without_looking_members_stay_on_the_backup: Without::Member(MemberRule::LookForHost);
    without_the_revision_a_removed_member_is_in: Without::Member(MemberRule::RefuseOutdated);
    without_the_serial_a_removed_backup_is_believed: Without::Member(MemberRule::Serial);
    without_the_validity_an_old_delegation_is_believed: Without::Member(MemberRule::Validity);
}
