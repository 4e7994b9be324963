//! `broker-check URL [ROOT [USER]]`: whether a broker does what Porchlight needs of it, one check a line.
//!
//! `mqtt://[user:password@]host:port`; it writes below `ROOT/USER/device/` only (`presence/check` where they are not
//! given) and clears what it wrote. The exit code is 1 where a check failed.

use porchlight_tests::behaviour::{Target, checks};
use porchlight_tests::until::Stopwatch;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(url) = arguments.next().filter(|url| url.starts_with("mqtt://")) else {
        eprintln!("broker-check mqtt://[user:password@]host:port [root [user]]");
        std::process::exit(2);
    };
    let root = arguments.next().unwrap_or_else(|| "presence".to_owned());
    let user = arguments.next().unwrap_or_else(|| "check".to_owned());
    let target = Target { url, root, user };
    let mut failed = 0;
    for check in checks() {
        let since = Stopwatch::start();
        let outcome = (check.run)(target.clone()).await;
        let seconds = since.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => println!("ok      {seconds:5.1} s  {}", check.name),
            Err(why) => {
                failed += 1;
                println!("FAILED  {seconds:5.1} s  {}: {why}", check.name);
            }
        }
    }
    if failed > 0 {
        println!("{failed} failed");
        std::process::exit(1);
    }
}
