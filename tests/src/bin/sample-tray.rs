//! An app with nothing but a tray icon, for the harness's own tests of its tray reader.
//!
//! It prints what is clicked, one line each, and ends with its standard input.

use std::io::Read;

use ksni::menu::{CheckmarkItem, RadioGroup, RadioItem, StandardItem, SubMenu};
use ksni::{Icon, MenuItem, ToolTip, Tray, TrayMethods as _};

struct Sample {
    ticked: bool,
}

impl Tray for Sample {
    fn id(&self) -> String {
        "sample".into()
    }

    fn icon_name(&self) -> String {
        "user-available".into()
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        [16, 22]
            .map(|size| Icon {
                width: size,
                height: size,
                data: vec![0xff; (size * size * 4) as usize],
            })
            .into()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: "5 of 8 around".into(),
            description: "as of now".into(),
            ..ToolTip::default()
        }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        println!("activated");
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        let said = |label: &str| StandardItem {
            label: label.into(),
            activate: Box::new(|_| println!("clicked")),
            ..StandardItem::default()
        };
        let radio = |label: &str| RadioItem { label: label.into(), ..RadioItem::default() };
        vec![
            StandardItem { enabled: false, ..said("Nobody") }.into(),
            MenuItem::Separator,
            SubMenu {
                label: "Status".into(),
                submenu: vec![said("Away").into()],
                ..SubMenu::default()
            }
            .into(),
            RadioGroup {
                selected: 1,
                options: vec![radio("One"), radio("Two")],
                ..RadioGroup::default()
            }
            .into(),
            CheckmarkItem {
                label: "Ticked".into(),
                checked: self.ticked,
                activate: Box::new(|sample: &mut Self| sample.ticked = !sample.ticked),
                ..CheckmarkItem::default()
            }
            .into(),
        ]
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Without a tray yet it waits for one.
    let handle =
        Sample { ticked: false }.assume_sni_available(true).spawn().await.expect("a session bus");
    let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let _ = end.await;
    handle.shutdown().await;
}
