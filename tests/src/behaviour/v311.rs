//! MQTT 3.1.1.

use super::{AT_ONCE, Outcome, Target, expect};
use crate::until::{SOON, poll};
use crate::wire::{Message, OldProbe};

async fn probe(target: &Target, will: Option<Message>) -> Result<OldProbe, String> {
    OldProbe::connect(&target.url, &Target::client_id(), will).await
}

fn record(topic: &str, payload: &str) -> Message {
    Message::new(topic, payload).retained()
}

/// What a reader who comes now finds on that topic, with the mark of the store. `None` once the broker has
/// answered a message that was sent after the subscription, and nothing came before.
async fn late(target: &Target, topic: &str) -> Result<Option<(Vec<u8>, bool)>, String> {
    let reader = probe(target, None).await?;
    let after = target.topic();
    reader.subscribe(&after).await?;
    reader.subscribe(topic).await?;
    reader.publish(Message::new(&after, "end")).await?;
    poll(SOON, || reader.arrivals().iter().any(|(topic, ..)| *topic == after))
        .await
        .ok_or("a message of one's own did not come")?;
    let found = reader.arrivals().into_iter().rev().find(|(at, ..)| at == topic);
    reader.leave().await;
    Ok(found.map(|(_, payload, retained)| (payload, retained)))
}

async fn clear(target: &Target, topic: &str) -> Outcome {
    let cleaner = probe(target, None).await?;
    cleaner.publish(record(topic, "")).await?;
    cleaner.leave().await;
    Ok(())
}

pub(super) async fn a_late_joiner_reads_what_is_retained(target: Target) -> Outcome {
    let topic = target.topic();
    let writer = probe(&target, None).await?;
    writer.publish(record(&topic, "x")).await?;
    writer.leave().await;
    let found = late(&target, &topic).await?;
    clear(&target, &topic).await?;
    expect("payload and mark", &found, &Some((b"x".to_vec(), true)))
}

pub(super) async fn an_empty_payload_clears_what_is_retained(target: Target) -> Outcome {
    let topic = target.topic();
    let writer = probe(&target, None).await?;
    writer.publish(record(&topic, "x")).await?;
    writer.leave().await;
    clear(&target, &topic).await?;
    expect("what is left", &late(&target, &topic).await?, &None)
}

pub(super) async fn a_will_is_published_for_a_crash(target: Target) -> Outcome {
    let topic = target.topic();
    let reader = probe(&target, None).await?;
    reader.subscribe(&topic).await?;
    drop(probe(&target, Some(record(&topic, "gone"))).await?);
    poll(AT_ONCE, || !reader.arrivals().is_empty()).await.ok_or("no Will came")?;
    let kept = late(&target, &topic).await?;
    clear(&target, &topic).await?;
    expect("what a late joiner reads", &kept, &Some((b"gone".to_vec(), true)))
}

pub(super) async fn a_will_is_discarded_by_a_goodbye(target: Target) -> Outcome {
    let topic = target.topic();
    probe(&target, Some(record(&topic, "gone"))).await?.leave().await;
    // Read with a client that connects after the goodbye was taken.
    expect("the Will", &late(&target, &topic).await?, &None)
}

pub(super) async fn a_take_over_ends_the_elder(target: Target) -> Outcome {
    let id = Target::client_id();
    let elder = OldProbe::connect(&target.url, &id, None).await?;
    let younger = OldProbe::connect(&target.url, &id, None).await?;
    poll(AT_ONCE, || elder.ended()).await.ok_or("the elder connection did not end")?;
    expect("the younger ended", &younger.ended(), &false)?;
    younger.leave().await;
    Ok(())
}
