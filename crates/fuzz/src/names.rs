//! Fuzzes topics, ids and displayed text.

use porchlight_core::id::{DeviceId, MAX_ID_BYTES, OrgId, Root, UserId};
use porchlight_core::text::{self, is_blank, is_deceptive};
use porchlight_core::topic::Topic;

/// Parses any text as topic, root and id. What is accepted prints as it was written, and no id
/// contains characters with a meaning in a topic.
pub fn read_names(data: &[u8]) {
    let Some(text) = crate::text(data) else { return };
    let organisation = Root::parse("presence/acme").expect("it is a root");
    for root in [Root::default(), organisation] {
        // We write the root; anybody may write the rest.
        for topic in [text.to_owned(), format!("{root}/{text}")] {
            if let Ok(read) = Topic::parse(&root, &topic) {
                assert_eq!(read.to_wire(&root), topic);
            }
        }
    }
    if let Ok(root) = Root::parse(text) {
        assert_eq!(root.as_str(), text);
        assert!(text.matches('/').count() <= 1, "{text:?}");
    }
    if let Ok(id) = UserId::parse(text) {
        assert_eq!(id.as_str(), text);
        assert_is_topic_level(text);
    }
    assert_eq!(DeviceId::parse(text).is_ok(), UserId::parse(text).is_ok(), "{text:?}");
    assert_eq!(OrgId::parse(text).is_ok(), UserId::parse(text).is_ok(), "{text:?}");
    let new = UserId::new_from_typed(text).ok();
    for id in UserId::from_typed(text).ok().into_iter().chain(UserId::for_name(text)).chain(new) {
        assert_is_topic_level(id.as_str());
        assert_eq!(UserId::parse(id.as_str()), Ok(id.clone()));
    }
    for id in UserId::new_from_typed(text).ok().into_iter().chain(UserId::for_name(text)) {
        assert!(!id.as_str().contains(is_deceptive), "{id}");
        assert!(id.as_str().contains(|c| !is_blank(c)), "{id}");
    }
}

/// Checks that an id is one level of a topic, and can't be mistaken for a filter or a reserved
/// topic.
fn assert_is_topic_level(id: &str) {
    assert!((1..=MAX_ID_BYTES).contains(&id.len()), "{id:?}");
    assert!(!id.contains(['/', '+', '#']) && !id.contains(char::is_control), "{id:?}");
    assert!(!id.starts_with(['$', '_']), "{id:?}");
}

/// Prepares any text for display as a name or a status. Its length is bounded, it has no character
/// that deceives a reader, and preparing it again changes nothing. As markup it is only text.
pub fn show_text(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    for max in [1, text::MAX_EMOJI, text::MAX_STATUS, text::MAX_NAME, text::MAX_TEXT] {
        let Some(shown) = text::display_text(text, max) else { continue };
        assert!((1..=max).contains(&shown.chars().count()), "{shown:?}");
        assert!(!shown.contains(is_deceptive), "{shown:?}");
        assert_eq!(text::display_text(&shown, max).as_ref(), Some(&shown));
    }
    let markup = text::markup(text);
    assert!(!markup.contains(['<', '>', '"', '\'']), "{markup:?}");
    let plain = markup.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    assert_eq!(plain.replace("&apos;", "'").replace("&amp;", "&"), text);
}
