// Written from the Rust types in crates/core/src/view.rs and what it leads to; do not edit.
// After a change there: PORCHLIGHT_WRITE_CONTRACT=1 cargo test -p porchlight-core contract

/**
 * A moment on the calendar: milliseconds since the Unix epoch, as the wire writes it.
 *
 * It may jump when somebody sets the clock, so it is for telling people and other devices, never for
 * measuring how long something took.
 */
export type Timestamp = number;

/**
 * Why a status is what it is: the words of `docs/protocol.md`, *Records*, and `chosen` for a status that the person chose.
 */
export type Cause = "unknown" | "idle" | "locked" | "switched" | "left" | "asleep" | "lost" | "chosen";

/**
 * One device of a person.
 */
export type DeviceView = { 
/**
 * Its id. A client that writes no device records has an empty id.
 */
device: string, 
/**
 * What it says it is (`laptop`), if it does.
 */
kind: string | null, 
/**
 * `online`, `away`, `offline`, or a simple client's own word.
 */
status: string, 
/**
 * Why, where it is known.
 */
cause: Cause | null, 
/**
 * Since when, Unix milliseconds, where it is known.
 */
since: Timestamp | null, };

/**
 * Why what is shown may be out of date.
 */
export type Doubt = "reconnecting" | "settling" | "link_down";

/**
 * What is known of the device that decides a person's status, and no more.
 */
export type Evidence = { 
/**
 * The id of the device; absent where nothing was heard of any, empty for a client that writes no device records.
 */
device: string | null, 
/**
 * What it says it is (`laptop`), if it does.
 */
kind: string | null, 
/**
 * What it observes (`online`, `away`, `offline`), whatever the person chose.
 */
status: string | null, 
/**
 * Why, where it is known.
 */
cause: Cause | null, 
/**
 * Since when, Unix milliseconds, where it is known.
 */
since: Timestamp | null, 
/**
 * When the broker took its last message, Unix milliseconds.
 */
heard: Timestamp | null, 
/**
 * If it were lost now, this many seconds later it would show at the latest. Absent where nothing is promised.
 */
loss_shows_within_s: number | null, 
/**
 * Why it may be so no longer.
 */
doubt: Doubt | null, };

/**
 * One person, summed over their devices. Also the stable JSON of `who` and `watch`.
 */
export type PersonView = { 
/**
 * The id bound to their credential. It never changes.
 */
user: string, 
/**
 * The name that they gave themselves.
 */
name: string, 
/**
 * The id to show beside the name, because another person's name looks the same. Absent: the name alone
 * says who it is.
 */
shown_id?: string, 
/**
 * `online`, `away`, `dnd`, `offline`, or a simple client's own word.
 */
status: string, 
/**
 * Why, where it is known.
 */
cause: Cause | null, 
/**
 * Since when, Unix milliseconds, where it is known.
 */
since: Timestamp | null, 
/**
 * What they wrote beside their status.
 */
text: string | null, 
/**
 * The emoji that they put beside their status.
 */
emoji: string | null, 
/**
 * When the chosen status ends, Unix milliseconds.
 */
until: Timestamp | null, 
/**
 * This was so when we last heard, and may be so no longer; the evidence says why.
 */
stale: boolean, 
/**
 * They are typing to the room. Absent means no.
 */
typing?: boolean, 
/**
 * They are in a call. Absent means that nothing says so.
 */
in_call?: boolean, 
/**
 * The time zone of the device that decides, an IANA name; absent where it tells none.
 */
tz?: string, 
/**
 * Their contact addresses: `mailto:`, `tel:`, `https:`, `xmpp:`, ... Absent if they publish none.
 */
links?: Array<string>, 
/**
 * Their devices, those here first.
 */
devices: Array<DeviceView>, 
/**
 * Why all this is believed.
 */
evidence: Evidence, };

/**
 * A status that a person can choose.
 */
export type ChosenStatus = "online" | "away" | "dnd" | "invisible";

/**
 * What I chose, as shown to me.
 */
export type ChosenView = { 
/**
 * The chosen status.
 */
status: ChosenStatus, 
/**
 * The text beside it.
 */
text: string | null, 
/**
 * The emoji beside it.
 */
emoji: string | null, 
/**
 * When it ends by itself, Unix milliseconds.
 */
until: Timestamp | null, };

/**
 * My own status, as others see it, and what lies under it.
 */
export type MeView = { 
/**
 * My id.
 */
user: string, 
/**
 * My name as shown to others.
 */
name: string, 
/**
 * The effective status: `online`, `away`, `dnd`, `offline`, `invisible`.
 */
status: string, 
/**
 * Why.
 */
cause: Cause | null, 
/**
 * Since when, Unix milliseconds, where it is known.
 */
since: Timestamp | null, 
/**
 * What I chose, if I did. Absent: the status follows what this device observes.
 */
chosen: ChosenView | null, };

/**
 * Something the person should know and can do something about.
 */
export type Problem = { 
/**
 * What programs branch on: `unreachable`, `bad_credentials`, `hub_port_taken`, ...
 */
code: string, 
/**
 * A sentence that says what is wrong and what to do.
 */
message: string, };

/**
 * The computer that hosts the team, while it is not there.
 */
export type HostView = { 
/**
 * Whose computer it is, or what the box is called.
 */
name: string, 
/**
 * `asleep`, `left` or `lost`.
 */
cause: Cause, 
/**
 * Since when, Unix milliseconds, where it is known.
 */
since: Timestamp | null, };

/**
 * Why people may be missing from the list although the connection is up.
 */
export type RosterGap = "unproven" | "withheld";

/**
 * The connection to the broker.
 */
export type ConnectionView = { "state": "unset" } | { "state": "connecting", 
/**
 * When the link was last up, Unix milliseconds; the list is as of then. Absent before the first time.
 */
as_of: Timestamp | null, 
/**
 * When the next try starts, Unix milliseconds; absent while one is under way.
 */
retry_at: Timestamp | null, 
/**
 * Why the last try or connection ended.
 */
problem: Problem | null, 
/**
 * The computer that hosts the team, where it said itself that it would not be there. Absent: not known.
 */
host?: HostView, } | { "state": "up", 
/**
 * Since when, Unix milliseconds.
 */
since: Timestamp, 
/**
 * Why people may be missing from the list. Absent: everybody is in it.
 */
gap?: RosterGap, } | { "state": "refused", 
/**
 * When the link was last up, Unix milliseconds.
 */
as_of: Timestamp | null, 
/**
 * When it will be asked again, Unix milliseconds.
 */
retry_at: Timestamp, 
/**
 * What it said and what to do.
 */
problem: Problem, } | { "state": "closed" };

/**
 * How far the app has come.
 */
export type Stage = "first_start" | "starting" | "running" | "looking_around";

/**
 * An answer to a knock.
 */
export type Answer = { "kind": "come_in" } | { "kind": "in_5" } | { "kind": "later" } | { "kind": "text", "text": string };

/**
 * What an exchange is.
 */
export type ExchangeKind = "knock" | "wave";

/**
 * When a knock is to arrive.
 */
export type When = "now" | "back" | "both_free";

/**
 * How far an exchange has come. A later one is never followed by an earlier one.
 */
export type ExchangeStage = "waiting" | "sending" | "failed" | "sent" | "delivered" | "seen" | "answered" | "withdrawn";

/**
 * Why something was not sent.
 */
export type FailureView = { 
/**
 * What programs branch on: `offline`, `invisible`, `link_down`, `unconfirmed`, `not_known`, `myself`, `too_long`, `too_many`,
 * `refused`.
 */
code: string, 
/**
 * A sentence that says what is wrong and what to do.
 */
message: string, 
/**
 * `offline`: since when, Unix milliseconds, where it is known.
 */
since: Timestamp | null, 
/**
 * `offline`: why, where it is known.
 */
cause: Cause | null, };

/**
 * One knock, or waves.
 */
export type ExchangeView = { 
/**
 * Its id, unique with the other person and the direction.
 */
id: string, 
/**
 * The id of the other person.
 */
with: string, 
/**
 * Their name.
 */
name: string, 
/**
 * Whether I began it.
 */
mine: boolean, 
/**
 * What it is.
 */
kind: ExchangeKind, 
/**
 * What was written; a wave's emoji.
 */
text: string | null, 
/**
 * How many waves.
 */
count: number, 
/**
 * When it is to arrive.
 */
when: When, 
/**
 * How far it has come. It only goes forward.
 */
stage: ExchangeStage, 
/**
 * The answer of the recipient.
 */
answer: Answer | null, 
/**
 * Why it, or what I answered, was not sent.
 */
failure: FailureView | null, 
/**
 * It was sent half a minute ago, and no device of theirs said that it has it.
 */
unheard: boolean, 
/**
 * When it began here, Unix milliseconds.
 */
at: Timestamp, };

/**
 * Everything of it that is held, until the app quits.
 */
export type SignalsView = { 
/**
 * Knocks and waves, the latest last: the twenty last ones, and older ones that something still comes of.
 */
exchanges: Array<ExchangeView>, 
/**
 * Ids of those who are typing to me alone.
 */
typing: Array<string>, 
/**
 * Ids of the people whose return I want to be notified of.
 */
back: Array<string>, 
/**
 * Ids of the people whose notifications are muted.
 */
muted: Array<string>, };

/**
 * Whether notifications of one person's coming and going are wanted.
 */
export type Interest = "usual" | "always" | "never";

/**
 * What is wanted of one person.
 */
export type RegardView = { 
/**
 * Their id.
 */
user: string, 
/**
 * They stand first.
 */
favourite: boolean, 
/**
 * What they are called here.
 */
nickname: string | null, 
/**
 * When they make a notification.
 */
notices: Interest, };

/**
 * When a status of one's own ends, counted from when it is chosen.
 */
export type Ends = { "kind": "open" } | { "kind": "after", 
/**
 * How many.
 */
minutes: number, } | { "kind": "lunch" } | { "kind": "today" };

/**
 * A status of one's own, ready to be chosen.
 */
export type Preset = { 
/**
 * The status.
 */
status: ChosenStatus, 
/**
 * The text beside it.
 */
text: string | null, 
/**
 * The emoji beside it.
 */
emoji: string | null, 
/**
 * When it ends.
 */
ends: Ends, };

/**
 * Everything of it.
 */
export type PreferencesView = { 
/**
 * The people with preferences that differ from the defaults.
 */
people: Array<RegardView>, 
/**
 * Whether who is offline is left out of the list.
 */
hide_offline: boolean, 
/**
 * Statuses of one's own.
 */
presets: Array<Preset>, 
/**
 * Until when no notification pops up, Unix milliseconds, where the person said so.
 */
notices_off_until: Timestamp | null, };

/**
 * Everything the window shows, at one moment.
 */
export type Snapshot = { 
/**
 * The number of the last change contained.
 */
seq: number, 
/**
 * How far the app has come.
 */
stage: Stage, 
/**
 * What the app speaks: `en` or `de`.
 */
language: string, 
/**
 * A name to offer at first start.
 */
suggested_name: string | null, 
/**
 * The name of the team that lists me as a member. Absent with a broker that knows of no members.
 */
team: string | null, 
/**
 * My own status; absent until there is somebody to be.
 */
me: MeView | null, 
/**
 * The connection.
 */
link: ConnectionView, 
/**
 * Everybody else, in no order.
 */
people: Array<PersonView>, 
/**
 * What the person should know.
 */
problems: Array<Problem>, 
/**
 * Knocks, waves and typing to me.
 */
signals: SignalsView, 
/**
 * What I want of this app for myself.
 */
preferences: PreferencesView, };

/**
 * What changed since the update numbered one less. A reader that misses a number asks for a new snapshot.
 */
export type Update = { 
/**
 * This change's number.
 */
seq: number, 
/**
 * My status, if it changed.
 */
me: MeView | null, 
/**
 * The connection, if it changed.
 */
link: ConnectionView | null, 
/**
 * People seen for the first time.
 */
joins: Array<PersonView>, 
/**
 * People known before who are shown differently now.
 */
changes: Array<PersonView>, 
/**
 * Ids of people who are forgotten.
 */
leaves: Array<string>, 
/**
 * All problems, if they changed.
 */
problems: Array<Problem> | null, 
/**
 * All knocks, waves and typing to me, if anything of it changed.
 */
signals?: SignalsView, 
/**
 * All that I want of this app for myself, if anything of it changed.
 */
preferences?: PreferencesView, };

/**
 * What a member may do.
 */
export type Role = "starter" | "member";

/**
 * One device's credential, without its secret.
 */
export type DeviceOfMember = { 
/**
 * The credential's id (`DELETE /v1/devices/{id}`).
 */
id: string, 
/**
 * What it is, where it said.
 */
kind: string | null, 
/**
 * When it joined, Unix milliseconds.
 */
since: Timestamp, 
/**
 * When it last came, to the hour, Unix milliseconds. Absent: never.
 */
last_here: Timestamp | null, 
/**
 * It is the device that asks.
 */
this: boolean, };

/**
 * Who let a member in.
 */
export type InvitedBy = { 
/**
 * Their id at that time.
 */
user: string, 
/**
 * Their name.
 */
name: string, 
/**
 * They have left the team since.
 */
left: boolean, };

/**
 * A member (`GET /v1/members`).
 */
export type Member = { 
/**
 * Who.
 */
user: string, 
/**
 * The name that was given on joining.
 */
name: string, 
/**
 * What they may do.
 */
role: Role, 
/**
 * Since when they belong to the team, Unix milliseconds.
 */
since: Timestamp, 
/**
 * What lets their devices in, one a device.
 */
devices: Array<DeviceOfMember>, 
/**
 * Who made their invitation or approved their request. Absent: the hub itself, or it is not known.
 */
invited_by: InvitedBy | null, 
/**
 * How many members joined through them, directly or through others. Owners do not count.
 */
invited: number, };

/**
 * An invitation that still holds (`GET /v1/invites`).
 */
export type InviteView = { 
/**
 * Its name (`DELETE /v1/invites/{id}`).
 */
id: string, 
/**
 * The member for whose further device it is, where it is for one.
 */
for_user: string | null, 
/**
 * Who made it.
 */
by: string | null, 
/**
 * How often it can still be redeemed.
 */
uses_left: number, 
/**
 * When it ends, Unix milliseconds.
 */
ends: Timestamp, };

/**
 * A request as members see it (`GET /v1/requests`).
 */
export type RequestView = { 
/**
 * Its name.
 */
id: string, 
/**
 * Who they say they are.
 */
name: string, 
/**
 * What their device is, where they said.
 */
kind: string | null, 
/**
 * The four digits that they see, too.
 */
code: string, 
/**
 * When they asked, Unix milliseconds.
 */
at: Timestamp, };

/**
 * A program that may read the team over HTTP (`GET /v1/tokens`): its token, without the secret.
 */
export type TokenView = { 
/**
 * Its name (`DELETE /v1/tokens/{id}`).
 */
id: string, 
/**
 * What it is for.
 */
label: string, 
/**
 * When it was made, Unix milliseconds.
 */
since: Timestamp, 
/**
 * The id of the member who made it. Absent: not known, because an older hub made it.
 */
by: string | null, 
/**
 * When a program last read with it, to the hour, Unix milliseconds. Absent: not since the hub notes it.
 */
last_used: Timestamp | null, };

/**
 * Which computer hosts a team.
 */
export type TeamHost = { 
/**
 * Whose it is, or what it calls itself.
 */
name: string, 
/**
 * The id of the member whose computer it is. Absent where it is nobody's.
 */
user: string | null, };

/**
 * The team as the one member sees it who sits before this window.
 */
export type TeamPane = { 
/**
 * Its name.
 */
team: string, 
/**
 * What I may do.
 */
role: Role, 
/**
 * It is this computer that hosts it.
 */
hosting: boolean, 
/**
 * My id.
 */
me: string, 
/**
 * Which computer hosts it, where that is known.
 */
host: TeamHost | null, 
/**
 * Everybody who belongs to it, me included, in no order.
 */
members: Array<Member>, 
/**
 * The invitations that still hold.
 */
invites: Array<InviteView>, 
/**
 * Those who ask to be let in.
 */
requests: Array<RequestView>, 
/**
 * The programs that may read the team over HTTP. Absent: the hub is older and shows them to its starter alone.
 */
programs: Array<TokenView> | null, };

/**
 * A team that was found on the local network.
 */
export type NearbyTeam = { 
/**
 * What tells it from another of the same name.
 */
id: string, 
/**
 * The name that it says it has. Nothing proves it before somebody let us in.
 */
team: string, };

/**
 * A link that invites, read and not yet followed.
 */
export type InvitationView = { 
/**
 * The team's name.
 */
team: string, 
/**
 * The host where it is reached, without its port.
 */
at: string, 
/**
 * It was found on the local network, too.
 */
nearby: boolean, };

/**
 * An invitation that was just made. It is shown this once.
 */
export type InviteShown = { 
/**
 * By which it is revoked.
 */
id: string, 
/**
 * The link.
 */
link: string, 
/**
 * It is for a further device of mine.
 */
for_me: boolean, 
/**
 * How often it can be used.
 */
uses: number, 
/**
 * When it ends, Unix milliseconds.
 */
ends: Timestamp, 
/**
 * The link as a QR code without its quiet zone: a row of `0` (light) and `1` (dark) a line, as many lines as
 * characters in one. Empty where it is too long for one.
 */
qr: Array<string>, };

/**
 * Whose coming and going is told.
 */
export type About = "everyone" | "favourites" | "chosen" | "nobody";

/**
 * Which notifications pop up.
 */
export type NotificationsView = { 
/**
 * Whom notifications of coming and going are about.
 */
about: About, 
/**
 * Somebody comes online.
 */
come: boolean, 
/**
 * Somebody goes offline.
 */
go: boolean, 
/**
 * Somebody goes away from the keyboard.
 */
away: boolean, 
/**
 * Somebody is back at the keyboard.
 */
back: boolean, 
/**
 * Hours without notifications: `22:00-07:00`.
 */
quiet_hours: string | null, };

/**
 * What others see of calls.
 */
export type CallsView = "hidden" | "shown" | "dnd";

/**
 * All settings that the window can change. The config file has more.
 */
export type SettingsView = { 
/**
 * The name shown to others.
 */
name: string, 
/**
 * Ways to reach me that my team sees: `mailto:`, `tel:`, `https:`, ...
 */
links: Array<string>, 
/**
 * The language of the app, `en` or `de`; absent if it follows the system.
 */
language: string | null, 
/**
 * Seconds without input after which I am away.
 */
away_after_s: number, 
/**
 * Others don't see disconnections shorter than this many seconds.
 */
grace_s: number, 
/**
 * What others see of my calls.
 */
calls: CallsView, 
/**
 * Whether I am on do not disturb while the desktop is.
 */
desktop_dnd: boolean, 
/**
 * Whether others see that I am away, but not why or since when.
 */
coarse: boolean, 
/**
 * Whether to publish a simple status topic too, where no hub does.
 */
user_topic: boolean, 
/**
 * Which notifications pop up.
 */
notices: NotificationsView, 
/**
 * Whether the tray icon has one colour, the panel's own.
 */
symbolic_icon: boolean, 
/**
 * Whether the app checks for updates, where no package manager brings them.
 */
updates: boolean, 
/**
 * Whether the app starts at login; absent if Porchlight can't set that on this system.
 */
starts_at_login: boolean | null, };

/**
 * What was looked for.
 */
export type CheckAbout = "tray" | "notices" | "idle" | "lock" | "keyring";

/**
 * One thing that was looked for.
 */
export type CheckView = { 
/**
 * What.
 */
about: CheckAbout, 
/**
 * Whether it is there.
 */
ok: boolean, 
/**
 * What was found: half a sentence.
 */
found: string, 
/**
 * What to do where it is missing: half a sentence.
 */
remedy: string | null, };

/**
 * Who brings a newer version.
 */
export type Updates = "system" | "app";

/**
 * This app's version.
 */
export type VersionView = { 
/**
 * As Semantic Versioning writes it.
 */
version: string, 
/**
 * Who brings a newer one.
 */
updates: Updates, };

/**
 * A newer version that is there.
 */
export type NewerView = { 
/**
 * Which.
 */
version: string, };
