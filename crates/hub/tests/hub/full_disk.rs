//! Access that is revoked while the disk is full ends at once, and permanently once there is space.

use crate::hub_fixture::{HubFixture, team_settings};
use crate::world::{Client, Mount};
use porchlight_core::team::{InviteOrder, Joined, Secret, TokenMade, TokenOrder};
use porchlight_hub::{Hub, Store};
use std::fs;
use std::path::Path;

/// Fills the disk until the file is removed.
fn fill(disk: &Path) -> std::path::PathBuf {
    let filler = disk.join("filler");
    let full = fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    filler
}

/// Returns the state that a hub finds if this one is killed now.
async fn after_a_kill(house: HubFixture, store: &Path, copy: &Path) -> HubFixture {
    fs::create_dir(copy).unwrap();
    for file in fs::read_dir(store).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    let HubFixture { hub: _, pin, anna } = house;
    let hub = Hub::start(team_settings(Store::Folder(copy.to_owned()))).await.unwrap();
    HubFixture { hub, pin, anna }
}

/// Everything that can be revoked from Eve, or from her invitees.
struct Access {
    eve: Joined,
    second: Joined,
    invitation: Secret,
    token: TokenMade,
}

async fn given(house: &HubFixture) -> Access {
    let eve = house.joins("Eve").await;
    let second = house.joins("Bob").await;
    let invitation = house.invited(&InviteOrder::default()).await;
    let order = TokenOrder { label: "board".to_owned() };
    let token = house.post("/v1/tokens", Some(&house.anna.credential), &order).await.read();
    Access { eve, second, invitation, token }
}

impl Access {
    fn paths(&self) -> [String; 4] {
        [
            "/v1/members/eve".to_owned(),
            format!("/v1/devices/{}", self.second.credential.id()),
            format!("/v1/invites/{}", self.invitation.id()),
            format!("/v1/tokens/{}", self.token.made.id),
        ]
    }

    async fn is_out(&self, house: &HubFixture) {
        for who in [&self.eve, &self.second] {
            let connected = Client::try_connect(house.options(&who.credential, "x")).await;
            assert!(connected.is_err(), "{} is let in", who.user);
            assert_eq!(house.get("/v1/team", Some(&who.credential)).await.status, 401);
        }
        assert_eq!(house.redeem(self.invitation.clone(), "Mallory").await.code(), "token_unknown");
        let bearer = format!("Authorization: Bearer {}\r\n", self.token.token);
        let what = "GET /v1/people";
        let read = crate::hub_fixture::ask_with(
            [127, 0, 0, 1],
            house.addr(),
            house.pin,
            what,
            &bearer,
            None,
        );
        assert_eq!(read.await.unwrap().status, 401);
    }
}

#[tokio::test]
async fn access_that_ended_on_a_full_disk_ends_for_good_when_it_is_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let test = "access_that_ended_on_a_full_disk_ends_for_good_when_it_is_asked_for_again";
    let Some(_mount) = Mount::tmpfs(dir.path(), "size=512k", test) else {
        return;
    };
    let store = dir.path().join("store");
    let house = HubFixture::in_folder(&store).await;
    let access = given(&house).await;
    let filler = fill(dir.path());
    for path in access.paths() {
        let answer = house.delete(&path, &house.anna.credential).await;
        assert_eq!((answer.status, answer.code()), (503, "not_saved"), "{path}");
        let again = house.delete(&path, &house.anna.credential).await;
        assert_eq!((again.status, again.code()), (503, "not_saved"), "{path} again");
    }
    access.is_out(&house).await;
    fs::remove_file(filler).unwrap();
    for path in access.paths() {
        let answer = house.delete(&path, &house.anna.credential).await;
        assert_eq!(answer.status, 204, "{path}: {answer:?}");
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let house = after_a_kill(house, &store, &elsewhere.path().join("store")).await;
    access.is_out(&house).await;
    // The hub distinguishes revoked entries from unknown ones.
    for path in access.paths() {
        assert_eq!(house.delete(&path, &house.anna.credential).await.status, 204, "{path}");
    }
    for path in ["members/nobody", "devices/0123456789", "invites/0123456789", "tokens/0123456789"]
    {
        let answer = house.delete(&format!("/v1/{path}"), &house.anna.credential).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{path}");
    }
    house.hub.stop().await.unwrap();
}
