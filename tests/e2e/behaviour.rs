//! What Porchlight needs of a broker, on each of those that it is tested with.

use porchlight_tests::behaviour::{Target, checks};
use porchlight_tests::{Broker, on_each_broker};

on_each_broker!(it_does_what_porchlight_needs);

async fn it_does_what_porchlight_needs(broker: Broker) {
    let target =
        Target { url: broker.url(), root: "presence".to_owned(), user: "check".to_owned() };
    // Side by side: several of them wait for a Will.
    let running: Vec<_> = checks()
        .into_iter()
        .map(|check| (check.name, tokio::spawn((check.run)(target.clone()))))
        .collect();
    let mut failed = Vec::new();
    for (name, outcome) in running {
        if let Err(why) = outcome.await.expect("a check does not panic") {
            failed.push(format!("{name}: {why}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
