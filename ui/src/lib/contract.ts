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
 * Why a status is what it is: the causes of `docs/protocol.md`, *Records*, and `chosen` for a
 * status that the person chose.
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
 * The kind of device that it gives (`laptop`), if any.
 */
kind: string | null, 
/**
 * `online`, `away`, `offline`, or a simple client's own word.
 */
status: string, 
/**
 * The cause of the status, if known.
 */
cause: Cause | null, 
/**
 * The start of the status, Unix milliseconds, if known.
 */
since: Timestamp | null, };

/**
 * Why a shown status may be out of date.
 */
export type Doubt = "reconnecting" | "settling" | "link_down";

/**
 * The data of the device that decides a person's status.
 */
export type Evidence = { 
/**
 * The id of the device; absent without any device, empty for a client that writes no device
 * records.
 */
device: string | null, 
/**
 * The kind of device that it gives (`laptop`), if any.
 */
kind: string | null, 
/**
 * The state that it observes (`online`, `away`, `offline`), whatever the person chose.
 */
status: string | null, 
/**
 * The cause of that state, if known.
 */
cause: Cause | null, 
/**
 * The start of that state, Unix milliseconds, if known.
 */
since: Timestamp | null, 
/**
 * When the broker received its last message, Unix milliseconds.
 */
heard: Timestamp | null, 
/**
 * Within how many seconds its loss would show, if it happened now. Absent if nothing is
 * promised.
 */
loss_shows_within_s: number | null, 
/**
 * Why the status may be out of date.
 */
doubt: Doubt | null, };

/**
 * One person, with the aggregate of their devices. Also the stable JSON of `who` and `watch`.
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
 * The id to show beside the name, because another person's name looks the same. Absent: the
 * name alone is unambiguous.
 */
shown_id?: string, 
/**
 * `online`, `away`, `dnd`, `offline`, or a simple client's own word.
 */
status: string, 
/**
 * The cause of the status, if known.
 */
cause: Cause | null, 
/**
 * The start of the status, Unix milliseconds, if known.
 */
since: Timestamp | null, 
/**
 * The text that they set with their status.
 */
text: string | null, 
/**
 * The emoji that they set with their status.
 */
emoji: string | null, 
/**
 * When the chosen status ends, Unix milliseconds.
 */
until: Timestamp | null, 
/**
 * Whether this may be out of date; the evidence contains the reason.
 */
stale: boolean, 
/**
 * Whether they are typing to the whole team. Absent means no.
 */
typing?: boolean, 
/**
 * Whether they are in a call. Absent means no, or unknown.
 */
in_call?: boolean, 
/**
 * The time zone of the deciding device, an IANA name; absent if it gives none.
 */
tz?: string, 
/**
 * Their contact addresses: `mailto:`, `tel:`, `https:`, `xmpp:`, ... Absent if they publish none.
 */
links?: Array<string>, 
/**
 * Their devices, connected ones first.
 */
devices: Array<DeviceView>, 
/**
 * The data behind the status.
 */
evidence: Evidence, };

/**
 * A status that a person can choose.
 */
export type ChosenStatus = "online" | "away" | "dnd" | "invisible";

/**
 * My chosen status, as shown to me.
 */
export type ChosenView = { 
/**
 * The chosen status.
 */
status: ChosenStatus, 
/**
 * The text shown with it.
 */
text: string | null, 
/**
 * The emoji shown with it.
 */
emoji: string | null, 
/**
 * When it ends by itself, Unix milliseconds.
 */
until: Timestamp | null, };

/**
 * My own status, as others see it, and my choice behind it.
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
 * The cause of the status.
 */
cause: Cause | null, 
/**
 * The start of the status, Unix milliseconds, if known.
 */
since: Timestamp | null, 
/**
 * My choice, if there is one. Absent: the status follows what this device observes.
 */
chosen: ChosenView | null, };

/**
 * A problem that the person should know and can do something about.
 */
export type Problem = { 
/**
 * The code that programs branch on: `unreachable`, `bad_credentials`, `hub_port_taken`, ...
 */
code: string, 
/**
 * A sentence for people: what is wrong and what to do.
 */
message: string, };

/**
 * The computer that hosts the team, while it is absent.
 */
export type HostView = { 
/**
 * The name of its owner, or of the machine.
 */
name: string, 
/**
 * `asleep`, `left` or `lost`.
 */
cause: Cause, 
/**
 * The start of its absence, Unix milliseconds, if known.
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
 * When the connection was last up, Unix milliseconds; the list is as of then. Absent
 * before the first time.
 */
as_of: Timestamp | null, 
/**
 * When the next try starts, Unix milliseconds; absent during a try.
 */
retry_at: Timestamp | null, 
/**
 * Why the last try or connection ended.
 */
problem: Problem | null, 
/**
 * The computer that hosts the team, if it announced its own absence. Absent: unknown.
 */
host?: HostView, } | { "state": "up", 
/**
 * When it came up, Unix milliseconds.
 */
since: Timestamp, 
/**
 * Why people may be missing from the list. Absent: the list is complete.
 */
gap?: RosterGap, } | { "state": "refused", 
/**
 * When the connection was last up, Unix milliseconds.
 */
as_of: Timestamp | null, 
/**
 * When we try again, Unix milliseconds.
 */
retry_at: Timestamp, 
/**
 * The broker's reason and what to do.
 */
problem: Problem, } | { "state": "closed" };

/**
 * The stage of the app's setup.
 */
export type Stage = "first_start" | "starting" | "running" | "looking_around";

/**
 * An answer to a knock.
 */
export type Answer = { "kind": "come_in" } | { "kind": "in_5" } | { "kind": "later" } | { "kind": "text", "text": string };

/**
 * The kind of a signal.
 */
export type ExchangeKind = "knock" | "wave";

/**
 * When a knock should arrive.
 */
export type When = "now" | "back" | "both_free";

/**
 * The stage of a signal. An earlier stage never follows a later one.
 */
export type ExchangeStage = "waiting" | "sending" | "failed" | "sent" | "delivered" | "seen" | "answered" | "withdrawn";

/**
 * Why a signal was not sent.
 */
export type FailureView = { 
/**
 * The code that programs branch on: `offline`, `invisible`, `link_down`, `unconfirmed`,
 * `not_known`, `myself`, `too_long`, `too_many`, `refused`.
 */
code: string, 
/**
 * A sentence for people: what is wrong and what to do.
 */
message: string, 
/**
 * For `offline`: the start, Unix milliseconds, if known.
 */
since: Timestamp | null, 
/**
 * For `offline`: the cause, if known.
 */
cause: Cause | null, };

/**
 * One knock, or several waves of one person.
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
 * The text of a knock; the emoji of a wave.
 */
text: string | null, 
/**
 * The number of waves.
 */
count: number, 
/**
 * When it should arrive.
 */
when: When, 
/**
 * Its stage, which only goes forward.
 */
stage: ExchangeStage, 
/**
 * The answer of the recipient.
 */
answer: Answer | null, 
/**
 * Why the signal or my answer was not sent.
 */
failure: FailureView | null, 
/**
 * Whether none of their devices confirmed it for half a minute.
 */
unheard: boolean, 
/**
 * When it began here, Unix milliseconds.
 */
at: Timestamp, };

/**
 * All signals of this run.
 */
export type SignalsView = { 
/**
 * Knocks and waves, the latest last: the last twenty, and older ones that are not finished.
 */
exchanges: Array<ExchangeView>, 
/**
 * Ids of the people who are typing to me alone.
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
 * The preferences for one person.
 */
export type RegardView = { 
/**
 * Their id.
 */
user: string, 
/**
 * Whether they are listed first.
 */
favourite: boolean, 
/**
 * Their nickname here.
 */
nickname: string | null, 
/**
 * When they cause a notification.
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
 * All preferences of the person.
 */
export type PreferencesView = { 
/**
 * The people with preferences that differ from the defaults.
 */
people: Array<RegardView>, 
/**
 * Whether the list hides offline people.
 */
hide_offline: boolean, 
/**
 * The person's own statuses.
 */
presets: Array<Preset>, 
/**
 * When paused notifications resume, Unix milliseconds; absent without a pause.
 */
notices_off_until: Timestamp | null, };

/**
 * Everything that the window shows, at one moment.
 */
export type Snapshot = { 
/**
 * The number of the last change contained.
 */
seq: number, 
/**
 * The stage of the app's setup.
 */
stage: Stage, 
/**
 * The language of the app: `en` or `de`.
 */
language: string, 
/**
 * A name to suggest at first start.
 */
suggested_name: string | null, 
/**
 * The name of the team that lists me as a member. Absent with a broker without members.
 */
team: string | null, 
/**
 * My own status; absent until I have a user id.
 */
me: MeView | null, 
/**
 * The connection.
 */
link: ConnectionView, 
/**
 * Everybody else, in no particular order.
 */
people: Array<PersonView>, 
/**
 * The present problems.
 */
problems: Array<Problem>, 
/**
 * Knocks, waves and typing to me.
 */
signals: SignalsView, 
/**
 * My preferences for this app.
 */
preferences: PreferencesView, };

/**
 * The changes since the update with the number before. A reader that misses a number asks for a
 * new snapshot.
 */
export type Update = { 
/**
 * The number of this update.
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
 * Known people whose view changed.
 */
changes: Array<PersonView>, 
/**
 * The ids of forgotten people.
 */
leaves: Array<string>, 
/**
 * All problems, if they changed.
 */
problems: Array<Problem> | null, 
/**
 * All knocks, waves and typing to me, if any of them changed.
 */
signals?: SignalsView, 
/**
 * All my preferences for this app, if any of them changed.
 */
preferences?: PreferencesView, };

/**
 * The role of a member, which decides what they may do.
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
 * The kind of device, if it gave one.
 */
kind: string | null, 
/**
 * When it joined, Unix milliseconds.
 */
since: Timestamp, 
/**
 * When it last connected, to the hour, Unix milliseconds. Absent: never.
 */
last_here: Timestamp | null, 
/**
 * Whether this is the requesting device.
 */
this: boolean, };

/**
 * The member through whom another one joined.
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
 * Whether they have left the team since.
 */
left: boolean, };

/**
 * A member (`GET /v1/members`).
 */
export type Member = { 
/**
 * Their user id.
 */
user: string, 
/**
 * The name that they gave when they joined.
 */
name: string, 
/**
 * Their role.
 */
role: Role, 
/**
 * When they joined the team, Unix milliseconds.
 */
since: Timestamp, 
/**
 * The credentials of their devices.
 */
devices: Array<DeviceOfMember>, 
/**
 * The member who made their invitation or approved their request. Absent: the hub itself, or
 * unknown.
 */
invited_by: InvitedBy | null, 
/**
 * How many members joined through them, directly or through others. Owners do not count.
 */
invited: number, };

/**
 * A valid invitation (`GET /v1/invites`).
 */
export type InviteView = { 
/**
 * Its id (`DELETE /v1/invites/{id}`).
 */
id: string, 
/**
 * The member for whose device it is, if it is for one.
 */
for_user: string | null, 
/**
 * The member who made it.
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
 * The request's id.
 */
id: string, 
/**
 * The name that the person gave.
 */
name: string, 
/**
 * The kind of their device, if they gave it.
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
 * Its id (`DELETE /v1/tokens/{id}`).
 */
id: string, 
/**
 * Its purpose.
 */
label: string, 
/**
 * When it was made, Unix milliseconds.
 */
since: Timestamp, 
/**
 * The id of the member who made it. Absent: unknown, because an older hub made it.
 */
by: string | null, 
/**
 * When a program last read with it, to the hour, Unix milliseconds. Absent: not since the hub
 * records it.
 */
last_used: Timestamp | null, };

/**
 * The computer that hosts a team.
 */
export type TeamHost = { 
/**
 * The name of its owner, or its own name.
 */
name: string, 
/**
 * The user id of its owner. Absent if it belongs to no member.
 */
user: string | null, };

/**
 * The team as the member at this window sees it.
 */
export type TeamPane = { 
/**
 * The team's name.
 */
team: string, 
/**
 * My role.
 */
role: Role, 
/**
 * Whether this computer hosts it.
 */
hosting: boolean, 
/**
 * My user id.
 */
me: string, 
/**
 * The computer that hosts it, if known.
 */
host: TeamHost | null, 
/**
 * All members, me included, in no particular order.
 */
members: Array<Member>, 
/**
 * The valid invitations.
 */
invites: Array<InviteView>, 
/**
 * The open requests to join.
 */
requests: Array<RequestView>, 
/**
 * The programs that may read the team over HTTP. Absent: an older hub shows them only to the
 * owner.
 */
programs: Array<TokenView> | null, };

/**
 * A team that was found on the local network.
 */
export type NearbyTeam = { 
/**
 * An id that distinguishes it from other teams of the same name.
 */
id: string, 
/**
 * The name that it announces. Nothing proves it before we joined.
 */
team: string, };

/**
 * An invitation link that was read and not yet accepted.
 */
export type InvitationView = { 
/**
 * The team's name.
 */
team: string, 
/**
 * The host at which the team is reached, without the port.
 */
at: string, 
/**
 * Whether it was also found on the local network.
 */
nearby: boolean, };

/**
 * A new invitation. It is shown only once.
 */
export type InviteShown = { 
/**
 * The id with which it can be revoked.
 */
id: string, 
/**
 * The link.
 */
link: string, 
/**
 * Whether it is for another device of mine.
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
 * The link as a QR code without its quiet zone. Each line is a row of `0` (light) and `1`
 * (dark), and there are as many lines as characters in one. Empty if the link is too long for
 * a code.
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
 * Whether to notify when somebody comes online.
 */
come: boolean, 
/**
 * Whether to notify when somebody goes offline.
 */
go: boolean, 
/**
 * Whether to notify when somebody goes away.
 */
away: boolean, 
/**
 * Whether to notify when somebody is back.
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
 * Connection drops shorter than this many seconds are hidden from others.
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
 * Whether to publish a simple status topic too, if no hub does.
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
 * Whether the app checks for updates, if no package manager does.
 */
updates: boolean, 
/**
 * Whether the app starts at login; absent if Porchlight can't set that on this system.
 */
starts_at_login: boolean | null, };

/**
 * The subject of a check.
 */
export type CheckAbout = "tray" | "notices" | "idle" | "lock" | "keyring";

/**
 * The result of one check.
 */
export type CheckView = { 
/**
 * The subject of the check.
 */
about: CheckAbout, 
/**
 * Whether it was found.
 */
ok: boolean, 
/**
 * What was found: half a sentence.
 */
found: string, 
/**
 * What to do if it is missing: half a sentence.
 */
remedy: string | null, };

/**
 * Who installs updates.
 */
export type Updates = "system" | "app";

/**
 * This app's version.
 */
export type VersionView = { 
/**
 * In the format of Semantic Versioning.
 */
version: string, 
/**
 * Who installs updates.
 */
updates: Updates, };

/**
 * An available update.
 */
export type NewerView = { 
/**
 * Its version.
 */
version: string, };
