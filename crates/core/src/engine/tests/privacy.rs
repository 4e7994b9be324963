//! What others are told of a person, and what not.

use super::*;

fn last(rig: &mut Rig) -> Value {
    rig.published_to(DEVICE).pop().expect("it was written")
}

#[test]
fn who_is_coarse_is_away_and_nobody_reads_why_or_since_when() {
    let mut rig = Rig::up_as(DeviceSettings { coarse: true, ..holder("laptop") });
    rig.observe(Observation::Locked(true));
    let away = last(&mut rig);
    assert_eq!(away["status"], "away");
    assert_eq!((away.get("cause"), away.get("since")), (None, None), "{away}");
    // The same, for another reason: nothing to tell.
    rig.observe(Observation::Switched(true));
    rig.observe(Observation::Locked(false));
    assert_eq!(rig.published(), []);
    rig.observe(Observation::Switched(false));
    rig.observe(Observation::InputActive);
    let back = last(&mut rig);
    assert_eq!(back["status"], "online");
    assert!(back["since"].is_u64(), "{back}");
    // When the last input was stands nowhere else, either.
    rig.pass(400_000);
    assert!(rig.published().iter().all(|(topic, _)| !topic.ends_with("/activity")));
    assert_eq!(rig.status_of("alice"), Some(("online".to_owned(), None)));
}

#[test]
fn links_and_the_zone_are_told_and_outlive_the_device_that_told_them() {
    let links = vec!["mailto:alice@example.org".parse().unwrap()];
    let tz = Some("Europe/Berlin".to_owned());
    let mut rig = Rig::up_as(DeviceSettings { links, tz, ..holder("laptop") });
    rig.observe(Observation::Locked(true));
    let told = last(&mut rig);
    assert_eq!(told["links"], json!(["mailto:alice@example.org"]));

    let mut other = online(5);
    other["links"] = json!(["xmpp:bob@example.org", "javascript:alert(1)"]);
    other["tz"] = json!("Asia/Tokyo");
    rig.live("presence/bob/device/desk", &other);
    rig.live("presence/bob/device/desk", &lost(5));
    rig.pass(2000);
    let bob = rig.engine.people().find(|person| person.user == "bob").unwrap();
    assert_eq!(bob.status, "offline");
    assert_eq!(bob.tz.as_deref(), Some("Asia/Tokyo"));
    assert_eq!(bob.links, ["xmpp:bob@example.org".parse().unwrap()]);
    // A device that tells none takes those of another away from nobody.
    rig.live("presence/bob/device/phone", &online(6));
    let bob = rig.engine.people().find(|person| person.user == "bob").unwrap();
    assert_eq!(bob.links, ["xmpp:bob@example.org".parse().unwrap()]);
    assert_eq!(bob.tz, None, "the phone decides, and tells none");
}
