//! MQTT 5.

use std::time::Duration;

use super::{AT_ONCE, Outcome, Target, expect};
use crate::until::{Stopwatch, poll};
use crate::wire::{Arrival, Message, Probe, ProbeSetup};

/// A message that is forgotten an hour after the check, should it not be cleared.
fn record(topic: &str, payload: impl Into<Vec<u8>>) -> Message {
    Message::new(topic, payload).retained().expires_in(Duration::from_secs(3600))
}

async fn probe(target: &Target) -> Result<Probe, String> {
    Probe::to(&target.url).client_id(&Target::client_id()).try_connect().await
}

async fn write(probe: &mut Probe, message: Message) -> Outcome {
    use rumqttc::v5::mqttbytes::v5::PubAckReason;
    match probe.try_publish(message).await? {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
        reason => Err(format!("PUBLISH was answered with {reason:?}")),
    }
}

async fn subscribe(probe: &mut Probe, filter: &str) -> Outcome {
    use rumqttc::v5::mqttbytes::v5::SubscribeReasonCode;
    match probe.try_subscribe(filter).await?.as_slice() {
        [SubscribeReasonCode::Success(_)] => Ok(()),
        other => Err(format!("SUBSCRIBE to {filter} was answered with {other:?}")),
    }
}

/// What a reader who comes now finds on that topic.
async fn late(target: &Target, topic: &str) -> Result<Option<Arrival>, String> {
    let mut reader = probe(target).await?;
    subscribe(&mut reader, topic).await?;
    reader.quiet().await;
    let found = reader.latest(topic);
    reader.leave().await;
    Ok(found)
}

async fn clear(target: &Target, topic: &str) -> Outcome {
    let mut cleaner = probe(target).await?;
    write(&mut cleaner, Message::new(topic, "").retained()).await?;
    cleaner.leave().await;
    Ok(())
}

/// Waits until `reader` has a message on `topic`.
async fn arrives(reader: &Probe, topic: &str, within: Duration) -> Result<Arrival, String> {
    let found = poll(within, || reader.latest(topic)).await;
    found.ok_or_else(|| format!("nothing came on {topic} within {within:?}"))
}

pub(super) async fn a_late_joiner_reads_what_is_retained(target: Target) -> Outcome {
    let topic = target.topic();
    let mut writer = probe(&target).await?;
    write(&mut writer, record(&topic, "first")).await?;
    write(&mut writer, record(&topic, "last")).await?;
    writer.leave().await;
    let found = late(&target, &topic).await?.ok_or("nothing is retained")?;
    clear(&target, &topic).await?;
    expect("payload and mark", &(found.text().as_str(), found.retained), &("last", true))
}

pub(super) async fn an_empty_payload_clears_what_is_retained(target: Target) -> Outcome {
    let topic = target.topic();
    let mut writer = probe(&target).await?;
    write(&mut writer, record(&topic, "x")).await?;
    writer.leave().await;
    clear(&target, &topic).await?;
    expect("what is left", &late(&target, &topic).await?.map(|a| a.text()), &None)
}

pub(super) async fn what_is_live_comes_without_the_mark_of_the_store(target: Target) -> Outcome {
    let topic = target.topic();
    let mut reader = probe(&target).await?;
    subscribe(&mut reader, &topic).await?;
    let mut writer = probe(&target).await?;
    write(&mut writer, record(&topic, "x")).await?;
    let seen = arrives(&reader, &topic, AT_ONCE).await?;
    clear(&target, &topic).await?;
    expect("the mark", &seen.retained, &false)
}

pub(super) async fn the_remaining_expiry_is_told_to_who_reads_late(target: Target) -> Outcome {
    const WHOLE: Duration = Duration::from_secs(3600);
    let topic = target.topic();
    let mut writer = probe(&target).await?;
    let since = Stopwatch::start();
    write(&mut writer, record(&topic, "x")).await?;
    // Told in whole seconds: what counts down has done so after two.
    let mut left = None;
    while since.elapsed() < Duration::from_secs(3) && left.is_none_or(|left| left >= WHOLE) {
        left = late(&target, &topic).await?.and_then(|found| found.expires_in);
    }
    clear(&target, &topic).await?;
    let left = left.ok_or("no Message Expiry Interval is told")?;
    let fits = left < WHOLE && left + since.elapsed() + Duration::from_secs(2) >= WHOLE;
    if fits { Ok(()) } else { Err(format!("{left:?} remain after {:?}", since.elapsed())) }
}

pub(super) async fn what_has_expired_is_gone(target: Target) -> Outcome {
    let topic = target.topic();
    let mut writer = probe(&target).await?;
    let brief = Message::new(&topic, "x").retained().expires_in(Duration::from_secs(1));
    write(&mut writer, brief).await?;
    let since = Stopwatch::start();
    while since.elapsed() < AT_ONCE {
        if late(&target, &topic).await?.is_none() {
            return Ok(());
        }
    }
    clear(&target, &topic).await?;
    Err("it was still there after its time".to_owned())
}

/// A client with a Will on `topic`.
fn mortal(target: &Target, id: &str, will: Message) -> ProbeSetup {
    Probe::to(&target.url).client_id(id).will(will)
}

async fn reader_of(target: &Target, topic: &str) -> Result<Probe, String> {
    let mut reader = probe(target).await?;
    subscribe(&mut reader, topic).await?;
    Ok(reader)
}

pub(super) async fn a_will_is_published_for_a_crash(target: Target) -> Outcome {
    let topic = target.topic();
    let reader = reader_of(&target, &topic).await?;
    drop(mortal(&target, &Target::client_id(), record(&topic, "gone")).try_connect().await?);
    arrives(&reader, &topic, AT_ONCE).await?;
    let kept = late(&target, &topic).await?.map(|found| found.text());
    clear(&target, &topic).await?;
    expect("what a late joiner reads", &kept.as_deref(), &Some("gone"))
}

pub(super) async fn a_will_carries_its_expiry(target: Target) -> Outcome {
    let topic = target.topic();
    let reader = reader_of(&target, &topic).await?;
    drop(mortal(&target, &Target::client_id(), record(&topic, "gone")).try_connect().await?);
    arrives(&reader, &topic, AT_ONCE).await?;
    let kept = late(&target, &topic).await?.and_then(|found| found.expires_in);
    clear(&target, &topic).await?;
    let kept = kept.ok_or("the Will lost its Message Expiry Interval")?;
    let fits = kept <= Duration::from_secs(3600) && kept > Duration::from_secs(3500);
    if fits { Ok(()) } else { Err(format!("{kept:?} of an hour remain")) }
}

pub(super) async fn a_will_is_discarded_by_a_goodbye(target: Target) -> Outcome {
    let topic = target.topic();
    let mut reader = reader_of(&target, &topic).await?;
    mortal(&target, &Target::client_id(), record(&topic, "gone"))
        .try_connect()
        .await?
        .leave()
        .await;
    // A message that the broker takes after the goodbye: by then a Will would have come.
    let after = target.topic();
    subscribe(&mut reader, &after).await?;
    write(&mut reader, record(&after, "x")).await?;
    arrives(&reader, &after, AT_ONCE).await?;
    reader.quiet().await;
    clear(&target, &after).await?;
    expect("the Will", &reader.latest(&topic).map(|a| a.text()), &None)
}

/// Long enough to be told from none on a busy machine, short enough to wait for.
const DELAY: Duration = Duration::from_secs(2);

pub(super) async fn a_delayed_will_waits(target: Target) -> Outcome {
    let topic = target.topic();
    let reader = reader_of(&target, &topic).await?;
    let will = record(&topic, "gone").delayed(DELAY);
    let dying = mortal(&target, &Target::client_id(), will).try_connect().await?;
    let since = Stopwatch::start();
    drop(dying);
    // Mosquitto 2.0.11 looks for what is due every few seconds only.
    arrives(&reader, &topic, DELAY + 2 * AT_ONCE).await?;
    let waited = since.elapsed();
    clear(&target, &topic).await?;
    // Counted in whole seconds.
    let fits = waited + Duration::from_secs(1) >= DELAY;
    if fits { Ok(()) } else { Err(format!("it came after {waited:?}, not {DELAY:?}")) }
}

pub(super) async fn a_delayed_will_is_discarded_when_its_client_returns(target: Target) -> Outcome {
    let topic = target.topic();
    let reader = reader_of(&target, &topic).await?;
    let id = Target::client_id();
    let will = || record(&topic, "gone").delayed(DELAY);
    drop(mortal(&target, &id, will()).try_connect().await?);
    let back = mortal(&target, &id, will()).resume().try_connect().await?;
    let seen = poll(DELAY + AT_ONCE, || reader.latest(&topic)).await;
    back.leave().await;
    expect("the Will", &seen.map(|a| a.text()), &None)
}

pub(super) async fn a_take_over_ends_the_elder_and_publishes_no_delayed_will(
    target: Target,
) -> Outcome {
    let topic = target.topic();
    let reader = reader_of(&target, &topic).await?;
    let id = Target::client_id();
    let will = || record(&topic, "gone").delayed(DELAY);
    let elder = mortal(&target, &id, will()).try_connect().await?;
    let younger = mortal(&target, &id, will()).resume().try_connect().await?;
    poll(AT_ONCE, || elder.ended()).await.ok_or("the elder connection did not end")?;
    let seen = poll(DELAY + AT_ONCE, || reader.latest(&topic)).await;
    younger.leave().await;
    expect("the Will", &seen.map(|a| a.text()), &None)
}

pub(super) async fn every_retained_record_of_many_is_read(target: Target) -> Outcome {
    // As many devices as one user may have.
    const MANY: usize = 16;
    let topics: Vec<String> = (0..MANY).map(|_| target.topic()).collect();
    let mut writer = probe(&target).await?;
    for topic in &topics {
        write(&mut writer, record(topic, "x".repeat(500))).await?;
    }
    let mut reader = probe(&target).await?;
    let filter = format!("{}/+/device/+", target.root);
    subscribe(&mut reader, &filter).await?;
    reader.quiet().await;
    let read = topics.iter().filter(|topic| reader.latest(topic).is_some()).count();
    for topic in &topics {
        clear(&target, topic).await?;
    }
    expect("records read", &read, &MANY)
}

pub(super) async fn a_record_of_four_kilobytes_passes(target: Target) -> Outcome {
    let topic = target.topic();
    let mut writer = probe(&target).await?;
    write(&mut writer, record(&topic, "x".repeat(4096))).await?;
    let read = late(&target, &topic).await?.map(|found| found.payload.len());
    clear(&target, &topic).await?;
    expect("bytes read", &read, &Some(4096))
}
