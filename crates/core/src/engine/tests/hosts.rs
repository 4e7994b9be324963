//! The hub's own record, and what a member shows while the host's computer is gone.

use super::*;
use crate::team::Address;
use crate::view::HostView;

const HUB: &str = "presence/_hub";
const HOST: &str = "presence/anna/device/desk";

/// Alice's laptop in a team that Anna's desk hosts.
fn hosted() -> Rig {
    let mut rig = Rig::up();
    rig.live(HOST, &json!({"v":1,"status":"online","timestamp":START,"epoch":1,"name":"Anna K."}));
    let host = json!({"user":"anna","device":"desk","name":"Anna"});
    rig.live(HUB, &json!({"v":1,"team":"Team","host":host,"at":["10.0.0.7:1"]}));
    rig.pass(60_000);
    rig
}

fn says(rig: &mut Rig, cause: &str) {
    let at = START + rig.ms;
    let gone = json!({"v":1,"status":"offline","cause":cause,"since":at,"timestamp":at,"epoch":1});
    rig.live(HOST, &gone);
}

fn link(rig: &Rig) -> ConnectionView {
    rig.engine.snapshot(Stage::Running).link
}

/// The code of the connection's problem, and what is shown of the host.
fn told(rig: &Rig) -> (Option<String>, Option<HostView>) {
    match link(rig) {
        ConnectionView::Connecting { problem, host, .. } => {
            (problem.map(|problem| problem.code), host)
        }
        other => panic!("{other:?}"),
    }
}

fn down(rig: &mut Rig, failure: ConnectionFailure) {
    rig.link(ConnectionEvent::Down(failure));
}

fn unreachable() -> ConnectionFailure {
    ConnectionFailure::Unreachable {
        address: "10.0.0.7:1".to_owned(),
        reason: "refused".to_owned(),
    }
}

fn reachable(rig: &mut Rig) -> Vec<Vec<Address>> {
    let told = rig.effects.drain(..).filter_map(|effect| match effect {
        Effect::Reachable(at) => Some(at),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_host_that_said_goodbye_is_why_nobody_answers() {
    for (cause, view, code, words) in [
        ("asleep", Cause::Asleep, "host_asleep", "is asleep"),
        ("left", Cause::Left, "host_left", "was switched off or quit Porchlight"),
    ] {
        let mut rig = hosted();
        says(&mut rig, cause);
        let since = at(rig.ms).wall;
        rig.pass(16_000);
        rig.link(broken());
        let absent = HostView { name: "Anna".to_owned(), cause: view, since: Some(since) };
        assert_eq!(told(&rig), (Some(code.to_owned()), Some(absent.clone())));
        let ConnectionView::Connecting { problem: Some(problem), .. } = link(&rig) else {
            panic!()
        };
        assert_eq!(problem.message, format!("Anna's computer, which hosts this team, {words}"));

        // It stays so from try to try.
        rig.pass(1_000);
        assert_eq!(told(&rig), (Some(code.to_owned()), Some(absent.clone())));
        down(&mut rig, unreachable());
        rig.pass(600_000);
        assert_eq!(told(&rig), (Some(code.to_owned()), Some(absent)));
    }
}

#[test]
fn a_host_that_was_lost_long_before_the_link_is_why_nobody_answers() {
    let mut rig = hosted();
    says(&mut rig, "lost");
    rig.pass(16_000);
    rig.link(broken());
    assert_eq!(told(&rig).0.as_deref(), Some("host_lost"));
}

#[test]
fn the_hub_s_own_will_leaves_it_known_who_hosted() {
    let mut rig = hosted();
    says(&mut rig, "left");
    rig.receive(HUB, "", false);
    rig.link(broken());
    assert_eq!(told(&rig).0.as_deref(), Some("host_left"));
}

#[test]
fn of_a_host_that_said_nothing_nothing_is_said() {
    let mut rig = hosted();
    rig.link(broken());
    assert_eq!(told(&rig), (Some("broken".to_owned()), None));

    let mut rig = Rig::up();
    rig.live(HUB, &json!({"v":1}));
    says(&mut rig, "asleep");
    rig.pass(16_000);
    rig.link(broken());
    assert_eq!(told(&rig), (Some("broken".to_owned()), None), "nobody says who hosts");
}

#[test]
fn what_answers_is_not_explained_by_a_host_that_sleeps() {
    let mut rig = hosted();
    says(&mut rig, "asleep");
    rig.pass(16_000);
    down(&mut rig, ConnectionFailure::OtherCertificate { address: "10.0.0.7:1".to_owned() });
    assert_eq!(told(&rig), (Some("other_certificate".to_owned()), None));
    rig.pass(1_000);
    down(&mut rig, ConnectionFailure::Refused(ReasonCode::BAD_USER_NAME_OR_PASSWORD.into()));
    assert!(matches!(link(&rig), ConnectionView::Refused { .. }));
}

#[test]
fn a_broker_without_a_hub_has_no_host() {
    let mut rig = hosted();
    says(&mut rig, "asleep");
    rig.pass(16_000);
    rig.link(broken());
    rig.pass(1_000);
    rig.connect();
    rig.pass(60_000);
    rig.link(broken());
    assert_eq!(told(&rig), (Some("broken".to_owned()), None));
}

#[test]
fn where_the_hub_can_be_reached_is_kept_when_it_changes() {
    let mut rig = Rig::up();
    let says = |rig: &mut Rig, at: &Value| rig.live(HUB, &json!({"v":1,"at":at}));
    let first: Address = "10.0.0.7:1".parse().unwrap();
    let second: Address = "[fe80::1]:2".parse().unwrap();
    says(&mut rig, &json!(["10.0.0.7:1"]));
    says(&mut rig, &json!(["10.0.0.7:1"]));
    says(&mut rig, &json!([]));
    rig.live(HUB, &json!({"v":1}));
    assert_eq!(reachable(&mut rig), [vec![first.clone()]]);
    says(&mut rig, &json!([7, "no address", "[fe80::1]:2", "10.0.0.7:1"]));
    assert_eq!(reachable(&mut rig), [vec![second, first]]);
}
