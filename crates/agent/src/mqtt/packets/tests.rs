use super::*;
use porchlight_mutations::{Corpus, run};

fn read_all(version: Version, mut bytes: &[u8]) -> Result<Vec<Incoming>, Malformed> {
    let mut packets = Vec::new();
    while let Some((frame, rest)) = split(version, bytes)? {
        packets.push(read(version, frame)?);
        bytes = rest;
    }
    Ok(packets)
}

#[test]
fn an_incomplete_packet_is_kept_and_bytes_after_a_packet_stay() {
    let bytes = [0xD0, 0, 0x40, 2, 0, 7, 0x40];
    assert_eq!(read_all(Version::V5, &bytes[..5]).unwrap(), [Incoming::PingResp]);
    let puback = Incoming::PubAck(7, ReasonCode(0).into());
    assert_eq!(read_all(Version::V5, &bytes).unwrap(), [Incoming::PingResp, puback]);
}

#[test]
fn no_bytes_of_three_make_it_panic_whatever_comes_first() {
    for first in 0..=u8::MAX {
        for second in 0..=u8::MAX {
            for third in [0, 1, 2, 31, 0x7F, 0x80, 0xFF] {
                for version in [Version::V5, Version::V311] {
                    let bytes = [first, 3, second, third, second];
                    let _ = read_all(version, &bytes);
                    let _ = read_all(version, &[first, second, third, third]);
                }
            }
        }
    }
}

#[test]
fn no_packet_of_a_broker_panics_or_takes_memory_out_of_proportion() {
    // Prefixed with its length.
    let counted = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let packet = |first: u8, head: &[u8], properties: &[u8], rest: &[u8]| {
        let body = [head, &counted(properties), rest].concat();
        [&[first], &counted(&body)[..]].concat()
    };
    let good = [
        // CONNACK: expiry, Receive Maximum, sizes, what it lacks, Keep Alive, a reason, another
        // server.
        packet(
            0x20,
            b"\0\0",
            b"\x11\0\0\0\x3c\x21\0\x14\x24\x01\x25\0\x27\0\0\xff\xff\x28\0\x13\0\x1e\x1f\0\x03why\x1c\0\x06h:1883",
            b"",
        ),
        b"\x20\x02\0\x05".to_vec(),
        // PUBLISH: expiry, format, type, a User Property, response topic, correlation,
        // subscription.
        packet(
            0x33,
            b"\0\x0apresence/a\0\x07",
            b"\x02\0\0\0\x3c\x01\x01\x03\0\x01t\x26\0\x01k\0\x01v\x08\0\x01r\x09\0\x01c\x0b\x07",
            b"online",
        ),
        packet(0x31, b"\0\x0apresence/a", b"", b"online"),
        // SUBACK, PUBACK, PUBREL, PINGRESP, DISCONNECT.
        packet(0x90, b"\0\x01", b"\x1f\0\x03why", b"\x01\x87"),
        packet(0x40, b"\0\x01\x97", b"\x1f\0\x03why", b""),
        b"\x62\x02\0\x01".to_vec(),
        b"\xd0\0".to_vec(),
        packet(0xe0, b"\x9d", b"\x1c\0\x06h:1883", b""),
    ];
    let versions = [Version::V5, Version::V311];
    for packet in &good {
        let is_one = |version| read_all(version, packet).is_ok_and(|packets| packets.len() == 1);
        assert!(versions.into_iter().any(is_one), "{}", packet.escape_ascii());
    }
    run("packets", Corpus::of(good), 10, |bytes| {
        for version in versions {
            let _ = read_all(version, bytes);
            // With any length that it may claim.
            if let [first, _, body @ ..] = bytes {
                let _ = read(version, Frame { first: *first, body });
            }
        }
    });
}

#[test]
fn a_length_has_four_bytes_at_most_and_a_packet_the_size_that_we_allowed() {
    let too_long = [0x30, 0x80, 0x80, 0x80, 0x80, 1];
    assert!(split(Version::V311, &too_long).is_err());
    assert_eq!(split(Version::V311, &too_long[..4]), Ok(None));
    // 65,537 bytes.
    assert!(split(Version::V5, &[0x30, 0x81, 0x80, 0x04]).is_err());
    assert_eq!(split(Version::V311, &[0x30, 0x81, 0x80, 0x04]), Ok(None));
}

#[test]
fn an_old_connack_is_recognised() {
    assert_eq!(read_all(Version::V5, &[0x20, 2, 0, 1]), Ok(vec![Incoming::V311ConnAck]));
}
