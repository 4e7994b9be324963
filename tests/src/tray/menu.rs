//! A tray item's menu, by the protocol `com.canonical.dbusmenu`.

use std::collections::HashMap;
use std::fmt;

use zbus::Proxy;
use zbus::zvariant::{OwnedValue, Value};

/// Whether an entry can be ticked, and is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toggle {
    /// It can't.
    None,
    /// A box, ticked or not.
    Check(bool),
    /// One of a group, chosen or not.
    Radio(bool),
}

/// A menu entry with everything below it. The root is one too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number that the app knows it by. It may change with every update.
    pub id: i32,
    /// The text, without the mark of its access key.
    pub label: String,
    /// Whether it is a line and no entry.
    pub separator: bool,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// Whether it is shown.
    pub visible: bool,
    /// Its tick.
    pub toggle: Toggle,
    /// The name of its icon, if it has one.
    pub icon_name: String,
    /// The entries below.
    pub children: Vec<Entry>,
}

impl Entry {
    /// This entry and all below it, as they are read from top to bottom.
    #[must_use]
    pub fn all(&self) -> Vec<&Self> {
        let below = self.children.iter().flat_map(Self::all);
        std::iter::once(self).chain(below).collect()
    }

    /// The first entry with this label, here or below.
    #[must_use]
    pub fn find(&self, label: &str) -> Option<&Self> {
        self.all().into_iter().find(|entry| entry.label == label)
    }

    /// The labels of the visible entries right below, lines left out.
    #[must_use]
    pub fn labels(&self) -> Vec<&str> {
        let shown = self.children.iter().filter(|entry| entry.visible && !entry.separator);
        shown.map(|entry| entry.label.as_str()).collect()
    }

    fn parse(value: &Value<'_>) -> Option<Self> {
        let value = if let Value::Value(inner) = value { inner } else { value };
        let Value::Structure(structure) = value else {
            return None;
        };
        let [Value::I32(id), Value::Dict(properties), Value::Array(children)] = structure.fields()
        else {
            return None;
        };
        let properties =
            HashMap::<String, OwnedValue>::try_from(properties.try_clone().ok()?).ok()?;
        Some(Self::new(*id, &properties, children.iter().filter_map(Self::parse).collect()))
    }

    /// What is left out has the default of the protocol.
    fn new(id: i32, properties: &HashMap<String, OwnedValue>, children: Vec<Self>) -> Self {
        let text = |name: &str| match properties.get(name).map(|value| &**value) {
            Some(Value::Str(text)) => text.to_string(),
            _ => String::new(),
        };
        let truth = |name: &str| {
            !matches!(properties.get(name).map(|value| &**value), Some(Value::Bool(false)))
        };
        let on =
            matches!(properties.get("toggle-state").map(|value| &**value), Some(Value::I32(1)));
        Self {
            id,
            label: without_access_key(&text("label")),
            separator: text("type") == "separator",
            enabled: truth("enabled"),
            visible: truth("visible"),
            toggle: match text("toggle-type").as_str() {
                "checkmark" => Toggle::Check(on),
                "radio" => Toggle::Radio(on),
                _ => Toggle::None,
            },
            icon_name: text("icon-name"),
            children,
        }
    }

    fn write(&self, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tick = match self.toggle {
            Toggle::None => "",
            Toggle::Check(true) => "[x] ",
            Toggle::Check(false) => "[ ] ",
            Toggle::Radio(true) => "(o) ",
            Toggle::Radio(false) => "( ) ",
        };
        let label = if self.separator { "----" } else { &self.label };
        let note = if self.enabled { "" } else { " (disabled)" };
        writeln!(f, "{:1$}{tick}{label}{note}", "", depth * 2)?;
        self.children
            .iter()
            .filter(|entry| entry.visible)
            .try_for_each(|entry| entry.write(depth + 1, f))
    }
}

/// The menu as a person reads it, one entry a line.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(0, f)
    }
}

/// Reads the whole menu.
pub(super) async fn read(menu: &Proxy<'_>) -> Entry {
    type Wire = (u32, (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>));
    let everything = (0_i32, -1_i32, Vec::<String>::new());
    let layout: zbus::Result<Wire> = menu.call("GetLayout", &everything).await;
    let (_, (id, properties, children)) = layout.expect("a menu has a layout");
    let children = children.iter().filter_map(|child| Entry::parse(child)).collect();
    Entry::new(id, &properties, children)
}

/// Tells the app that an entry was clicked. One that ends of it may have gone before it answers.
pub(super) async fn click(menu: &Proxy<'_>, id: i32) {
    let event = (id, "clicked", Value::I32(0), 0_u32);
    match menu.call::<_, _, ()>("Event", &event).await {
        Ok(()) => {}
        Err(zbus::Error::MethodError(name, ..))
            if name.as_str() == "org.freedesktop.DBus.Error.NoReply" => {}
        Err(error) => panic!("a menu takes events: {error}"),
    }
}

/// One underscore marks the access key, two are an underscore.
fn without_access_key(label: &str) -> String {
    label.replace("__", "\0").replace('_', "").replace('\0', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_underscore_is_doubled_and_an_access_key_is_marked_by_one() {
        assert_eq!(without_access_key("_Open"), "Open");
        assert_eq!(without_access_key("snake__case"), "snake_case");
    }
}
