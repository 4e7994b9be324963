//! What is waited for ends, what is tried again pauses, what is kept has a bound.

use super::*;

const HOUR: u64 = 60 * 60 * 1000;

fn problems(rig: &Rig) -> Vec<String> {
    rig.engine.snapshot(Stage::Running).problems.into_iter().map(|problem| problem.code).collect()
}

/// Why there is no connection, as it is shown.
fn shown(rig: &Rig) -> Option<String> {
    match rig.engine.snapshot(Stage::Running).link {
        ConnectionView::Connecting { problem, .. } => problem.map(|problem| problem.code),
        ConnectionView::Refused { problem, .. } => Some(problem.code),
        ConnectionView::Up { .. } | ConnectionView::Closed | ConnectionView::Unset => None,
    }
}

fn connects(rig: &Rig) -> usize {
    kinds(&rig.effects).iter().filter(|kind| *kind == "Connect").count()
}

fn published(rig: &Rig) -> Vec<PublishId> {
    let ids = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Publish(publish) => Some(publish.id),
        _ => None,
    });
    ids.collect()
}

fn acknowledge(rig: &mut Rig, ids: Vec<PublishId>, outcome: &Result<(), Refusal>) {
    for id in ids {
        rig.link(ConnectionEvent::Published { id, outcome: outcome.clone() });
    }
}

fn refused() -> Result<(), Refusal> {
    Err(Refusal::Broker(ReasonCode(0x97).into()))
}

#[test]
fn a_broker_that_never_answers_connect_is_given_up_and_named() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    rig.effects.clear();
    rig.pass(150_000);
    assert_eq!(kinds(&rig.effects)[0], "Drop");
    assert_eq!(shown(&rig).as_deref(), Some("no_connack"));
}

#[test]
fn a_broker_that_never_answers_subscribe_is_given_up_and_named() {
    for role in [Role::Device(holder("laptop")), Role::Observer] {
        let mut rig = Rig::new(role);
        rig.handle(Input::Start);
        rig.link(ConnectionEvent::Up(Granted::default()));
        rig.effects.clear();
        rig.pass(10_000);
        assert_eq!(kinds(&rig.effects)[0], "Drop");
        assert_eq!(shown(&rig).as_deref(), Some("no_suback"));
        // The next try does not take back why the last one came to nothing.
        rig.pass(60_000);
        rig.link(ConnectionEvent::Up(Granted::default()));
        assert_eq!(shown(&rig).as_deref(), Some("no_suback"));
    }
}

#[test]
fn a_broker_that_ends_what_it_lets_in_is_asked_ever_more_seldom() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    let mut tries = 0;
    while rig.ms < HOUR {
        if connects(&rig) > 0 {
            tries += 1;
            rig.effects.clear();
            rig.link(ConnectionEvent::Up(Granted::default()));
            rig.link(broken());
        }
        rig.pass(100);
    }
    // Half of 1 s for 6 s, of 5 s for 5 min, of 30 s for the rest.
    assert!((300..420).contains(&tries), "{tries}");
}

#[test]
fn what_the_broker_does_not_confirm_is_told_until_it_does() {
    let mut rig = Rig::holder("laptop");
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    rig.connect();
    rig.pass(9_000);
    assert_eq!(problems(&rig), [""; 0]);
    rig.pass(1_000);
    assert_eq!(problems(&rig), ["publish_unconfirmed"]);
    rig.pass(HOUR / 10);
    let ids = published(&rig);
    acknowledge(&mut rig, ids, &Ok(()));
    assert_eq!(problems(&rig), [""; 0]);
}

#[test]
fn a_refused_publish_is_told_until_the_same_topic_is_taken_or_the_connection_is_another() {
    let mut rig = Rig::holder("laptop");
    rig.observe(Observation::InputActive);
    rig.handle(Input::Start);
    rig.connect();
    // The device record comes first.
    let ids = published(&rig).into_iter().take(1).collect();
    acknowledge(&mut rig, ids, &refused());
    assert_eq!(problems(&rig), ["publish_refused"]);
    // Another record of the same topic is taken.
    rig.effects.clear();
    rig.observe(Observation::Locked(true));
    let ids = published(&rig);
    assert!(!ids.is_empty());
    acknowledge(&mut rig, ids, &Ok(()));
    assert_eq!(problems(&rig), [""; 0]);
    rig.effects.clear();
    rig.observe(Observation::Locked(false));
    let ids = published(&rig);
    acknowledge(&mut rig, ids, &refused());
    assert_eq!(problems(&rig), ["publish_refused"]);
    rig.link(broken());
    assert_eq!(problems(&rig), [""; 0]);
}

#[test]
fn a_signal_that_is_refused_is_no_problem_of_the_connection() {
    let mut rig = Rig::up();
    let ids = (1..=rig.engine.publishes.in_flight.last).map(PublishId).collect();
    acknowledge(&mut rig, ids, &Ok(()));
    rig.live("presence/bob/device/b", &online(5));
    rig.effects.clear();
    let knock = crate::signal::SignalCommand::Knock {
        to: UserId::parse("bob").unwrap(),
        text: None,
        when: crate::view::signals::When::Now,
    };
    rig.command(Command::Signal(knock));
    let ids = published(&rig);
    assert_eq!(ids.len(), 1);
    acknowledge(&mut rig, ids, &refused());
    assert_eq!(problems(&rig), [""; 0]);
}

#[test]
fn one_device_alone_stays_up_where_the_broker_allows_one_connection() {
    // As Mosquitto with `use_username_as_clientid`: 3.1.1 tells nobody why, 5 says 0x8E.
    for failure in
        [ConnectionFailure::taken_over(), ConnectionFailure::Broken { reason: "closed".to_owned() }]
    {
        let mut rig = Rig::holder("laptop");
        rig.observe(Observation::InputActive);
        rig.handle(Input::Start);
        let (mut tries, mut will_connection) = (0, ConnectionId(0));
        while rig.ms < HOUR / 2 {
            let kinds = kinds(&rig.effects);
            rig.effects.clear();
            if kinds.contains(&"ConnectWill".to_owned()) {
                will_connection = ConnectionId(rig.engine.session.connections);
                rig.will_connection(ConnectionEvent::Up(Granted::default()));
                rig.link(ConnectionEvent::Down(failure.clone()));
            } else if kinds.contains(&"Connect".to_owned()) {
                tries += 1;
                rig.connect();
                rig.handle(Input::WillConnection(
                    will_connection,
                    ConnectionEvent::Down(failure.clone()),
                ));
            }
            rig.pass(100);
        }
        assert!(tries <= 4, "{failure:?}: {tries}");
        let told = problems(&rig);
        assert!(told.contains(&"will_connection_refused".to_owned()), "{failure:?}: {told:?}");
        assert!(rig.engine.session.is_up());
    }
}

#[test]
fn two_devices_of_a_login_that_may_connect_once_keep_their_identity_and_say_so() {
    let mut rig = Rig::holder("laptop");
    rig.handle(Input::Start);
    let mut ids = BTreeSet::new();
    let mut tries = 0;
    while rig.ms < HOUR {
        let connect = rig.effects.iter().find_map(|effect| match effect {
            Effect::Connect(connect) => Some(connect.clone()),
            _ => None,
        });
        rig.effects.clear();
        if let Some(connect) = connect {
            tries += 1;
            ids.insert(connect.client_id);
            rig.connect();
            rig.link(ConnectionEvent::Down(ConnectionFailure::taken_over()));
        }
        rig.pass(100);
    }
    assert_eq!(ids.len(), 1, "no new identity: nobody has a copy of it");
    assert!((10..30).contains(&tries), "{tries}");
    assert_eq!(shown(&rig).as_deref(), Some("one_connection"));
    assert!(matches!(rig.engine.snapshot(Stage::Running).link, ConnectionView::Refused { .. }));
}

#[test]
fn that_an_identity_is_new_is_told_for_an_hour() {
    let mut rig = Rig::up();
    for _ in 0..2 {
        let theirs = json!({"v":1,"status":"away","timestamp":START,"epoch":START + 10_000});
        rig.live("presence/alice/device/laptop", &theirs);
    }
    rig.pass(2000);
    rig.connect();
    assert_eq!(problems(&rig), ["device_renewed"]);
    rig.pass(HOUR);
    assert!(!problems(&rig).contains(&"device_renewed".to_owned()));
}

#[test]
fn what_an_earlier_connection_reports_is_not_heard() {
    let mut rig = Rig::up();
    let earlier = rig.engine.connection.unwrap();
    rig.link(broken());
    rig.pass(1000);
    rig.connect();
    rig.effects.clear();
    let down = ConnectionEvent::Down(ConnectionFailure::taken_over());
    for event in [broken(), down, ConnectionEvent::Up(Granted::default())] {
        rig.handle(Input::Connection(earlier, event.clone()));
        rig.handle(Input::WillConnection(earlier, event));
    }
    assert!(rig.engine.session.is_up());
    assert_eq!(kinds(&rig.effects), [""; 0]);
}

#[test]
fn a_sleep_that_ends_with_the_end_of_a_connection_counts_it_once() {
    let mut rig = Rig::up();
    let before = rig.engine.connection.unwrap();
    rig.effects.clear();
    // Nobody told of the sleep; the first input after it is that the old socket is dead.
    rig.ms += 2 * HOUR;
    rig.handle(Input::Connection(before, broken()));
    assert_eq!(connects(&rig), 1);
    assert_eq!(shown(&rig), None, "a connection that was not tried has not failed");
    rig.connect();
    assert!(rig.engine.session.is_up());
}

#[test]
fn a_broker_that_sends_no_sum_back_fills_no_memory() {
    let mut rig = Rig::up();
    for round in 0..200_u64 {
        rig.observe(Observation::Locked(round % 2 == 0));
        rig.pass(1000);
    }
    let echoes = &rig.engine.local_device.as_ref().unwrap().user_topic.echoes;
    assert!(echoes.len() <= 8, "{}", echoes.len());
}

#[test]
fn a_will_connection_that_comes_to_nothing_is_tried_ever_more_seldom() {
    let mut rig = Rig::up();
    let mut tries = 0;
    while rig.ms < HOUR {
        rig.will_connection(broken());
        rig.pass(1000);
        tries += kinds(&rig.effects).iter().filter(|kind| *kind == "ConnectWill").count();
        rig.effects.clear();
    }
    assert!((10..60).contains(&tries), "{tries}");
}
