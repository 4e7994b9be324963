//! Two people with two devices each, and a network that doubles, delays and reorders what they say to each other.
//!
//! Real engines, a broker that is a list of messages on their way, one fake clock. Whatever the network does: one notification a knock
//! on each device of the person who is asked, one answer that counts, and nothing that goes back.

mod simulation;

use porchlight_core::view::signals::{ExchangeStage, When};
use proptest::prelude::*;

use simulation::{ALICE, BOB, DEVICES, Deed, Simulation};

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => prop_oneof![Just(When::Now), Just(When::BothFree)].prop_map(Deed::Knock),
        3 => (0..2usize, 0..3u8).prop_map(|(device, answer)| Deed::Answer(device, answer)),
        2 => (0..2usize).prop_map(Deed::See),
        1 => Just(Deed::Withdraw),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(who, dnd)| Deed::Dnd(who, dnd)),
        2 => (0..DEVICES, 500..4_000u64).prop_map(|(device, ms)| Deed::Drop(device, ms)),
        5 => (1..8_000u64).prop_map(Deed::Pass),
    ]
}

fn play(seed: u64, deeds: &[Deed]) -> Simulation {
    let mut world = Simulation::new(seed);
    for deed in deeds {
        world.act(deed);
    }
    for bob in [false, true] {
        world.act(&Deed::Dnd(bob, false));
    }
    world.pass(60_000);
    world.judge();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_network_does_a_knock_rings_once_and_one_answer_counts(
        seed in any::<u32>(),
        deeds in proptest::collection::vec(deed(), 1..25),
    ) {
        play(u64::from(seed), &deeds);
    }
}

#[test]
fn a_knock_at_two_devices_that_is_answered_on_both_at_once_has_one_answer() {
    for seed in 0..200 {
        let world = play(
            seed,
            &[Deed::Knock(When::Now), Deed::Pass(3_000), Deed::Answer(0, 0), Deed::Answer(1, 2)],
        );
        let knock = world.exchanges(ALICE).pop().unwrap();
        assert_eq!(knock.stage, ExchangeStage::Answered);
    }
}

#[test]
fn what_waits_for_both_rings_once_with_everybody_whoever_sees_it_first() {
    for seed in 0..200 {
        let deeds = [
            Deed::Dnd(seed % 2 == 0, true),
            Deed::Pass(3_000),
            Deed::Knock(When::BothFree),
            Deed::Pass(5_000),
            Deed::Drop(if seed % 3 == 0 { ALICE } else { BOB }, 2_000),
            Deed::Dnd(seed % 2 == 0, false),
        ];
        let world = play(seed, &deeds);
        let knock = world.exchanges(ALICE).pop().unwrap();
        assert_eq!(knock.stage, ExchangeStage::Delivered, "{knock:?}");
        let rung = |of: usize, kind| world.devices[of].rung.get(&(kind, knock.id.clone())).copied();
        assert_eq!(rung(ALICE, "both_free"), Some(1));
        assert_eq!((rung(BOB, "knock"), rung(BOB + 1, "knock")), (Some(1), Some(1)));
    }
}

#[test]
fn a_knock_during_a_drop_of_three_seconds_on_either_side_arrives_once() {
    for seed in 0..200 {
        let side = if seed % 2 == 0 { ALICE } else { BOB };
        let world = play(seed, &[Deed::Drop(side, 3_000), Deed::Pass(500), Deed::Knock(When::Now)]);
        let knock = world.exchanges(ALICE).pop().unwrap();
        assert_eq!(knock.stage, ExchangeStage::Delivered, "{knock:?}");
    }
}
