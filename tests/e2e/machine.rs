//! A whole machine: what its login manager, its screen saver and its display tell reaches the others.

use std::time::Duration;

use porchlight_tests::cli::Watch;
use porchlight_tests::until::{SOON, START};
use porchlight_tests::{
    Broker, Cli, Machine, Proc, Stopwatch, TcpProxy, never, on_each_broker, until,
};

/// What is seen at once may take this long on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);
/// So long at most a machine is kept awake for a goodbye.
const KEPT_AWAKE: Duration = Duration::from_secs(2);

on_each_broker!(
    others_see_that_a_machine_sleeps_before_it_does_and_that_it_wakes_up,
    a_machine_sleeps_no_later_than_the_broker_has_its_goodbye,
    an_unreachable_broker_keeps_no_machine_awake,
    a_lock_is_seen_whoever_tells_of_it,
);

/// Alice at her machine, and bob, who sees her online.
async fn at_a_machine(broker: &str, way: &str) -> (Machine, Cli, Proc, Watch) {
    let machine = Machine::start().await;
    let watch = Cli::new(broker, "bob", "desk").watch();
    watch.wait_link(true, START).await;
    let alice = Cli::new(way, "alice", "laptop").at(&machine);
    let running = alice.run("auto");
    machine.wait_delayed(START).await;
    watch.wait_status("alice", "online", START).await;
    (machine, alice, running, watch)
}

async fn wait_asleep(watch: &Watch) {
    let asleep = watch.wait_status("alice", "offline", AT_ONCE).await;
    assert_eq!(asleep["cause"], "asleep", "{asleep}");
}

async fn others_see_that_a_machine_sleeps_before_it_does_and_that_it_wakes_up(broker: Broker) {
    let cable = TcpProxy::to(broker.port()).await;
    let (machine, _alice, _running, watch) = at_a_machine(&broker.url(), &cable.url()).await;
    for _ in 0..2 {
        // The broker hears the goodbye, and its answer is held up until it was seen what the others see by then.
        cable.deafen();
        machine.prepare_for_sleep().await;
        wait_asleep(&watch).await;
        assert!(machine.is_delayed(), "it slept before the broker had answered");
        cable.plug_in();
        machine.wait_free_to_sleep(AT_ONCE).await;
        let woken = Stopwatch::start();
        machine.resume().await;
        watch.wait_status("alice", "online", AT_ONCE).await;
        assert!(woken.elapsed() <= AT_ONCE, "back only after {:?}", woken.elapsed());
        machine.wait_delayed(SOON).await;
    }
    assert_eq!(watch.statuses("alice"), ["online", "offline", "online", "offline", "online"]);
}

async fn a_machine_sleeps_no_later_than_the_broker_has_its_goodbye(broker: Broker) {
    let (machine, _alice, _running, watch) = at_a_machine(&broker.url(), &broker.url()).await;
    let asked = Stopwatch::start();
    machine.prepare_for_sleep().await;
    machine.wait_free_to_sleep(AT_ONCE).await;
    assert!(asked.elapsed() <= AT_ONCE, "kept awake for {:?}", asked.elapsed());
    wait_asleep(&watch).await;
}

async fn an_unreachable_broker_keeps_no_machine_awake(mut broker: Broker) {
    let cable = TcpProxy::to(broker.port()).await;
    let (machine, _alice, running, watch) = at_a_machine(&broker.url(), &cable.url()).await;
    // Nothing comes through, and nobody has noticed yet.
    cable.pull();
    let asked = Stopwatch::start();
    machine.prepare_for_sleep().await;
    machine.wait_free_to_sleep(KEPT_AWAKE).await;
    assert!(asked.elapsed() <= KEPT_AWAKE, "kept awake for {:?}", asked.elapsed());
    cable.plug_in();
    machine.resume().await;
    watch.wait_status("alice", "online", SOON).await;
    machine.wait_delayed(SOON).await;
    // Nobody is there to say it to, and that is known.
    broker.crash();
    watch.wait_link(false, SOON).await;
    until("alice to have noticed", SOON, || {
        running
            .lines(porchlight_tests::process::Stream::Err)
            .iter()
            .any(|line| line.contains("connecting: "))
    })
    .await;
    let asked = Stopwatch::start();
    machine.prepare_for_sleep().await;
    machine.wait_free_to_sleep(KEPT_AWAKE).await;
    assert!(asked.elapsed() <= KEPT_AWAKE, "kept awake for {:?}", asked.elapsed());
}

async fn a_lock_is_seen_whoever_tells_of_it(broker: Broker) {
    let (machine, _alice, _running, watch) = at_a_machine(&broker.url(), &broker.url()).await;
    let locked = async || {
        let away = watch.wait_status("alice", "away", AT_ONCE).await;
        assert_eq!(away["cause"], "locked", "{away}");
    };
    // The two speak on buses of their own, so what one said is waited for before the other speaks.
    machine.save_screen(true).await;
    locked().await;
    machine.lock(true).await;
    machine.lock(false).await;
    let unlocked = || watch.persons()["alice"]["status"] == "online";
    never("an unlocked screen that is still covered", Duration::from_millis(300), unlocked).await;
    machine.save_screen(false).await;
    watch.wait_status("alice", "online", AT_ONCE).await;
    machine.lock(true).await;
    locked().await;
}
