### The window's texts, apart from those about people that other parts share (people.ftl).

## Words that many pages use
back = Back
back-to-list = Back to the list
cancel = Cancel
close = Close
try-again = Try again
one-moment = One moment…
dismiss = Dismiss
forget = Forget
remove = Remove
joining = Joining…
starting = Starting…
your-name = Your name
nameless = Teammates see this name, so it can't be empty.
unexpected = Porchlight could not do that. Try again. If it still fails, quit Porchlight and start it again.

## Moments
# $time (String) a clock time
moment-yesterday = yesterday { $time }
# $time (String) a clock time
moment-tomorrow = tomorrow { $time }
day-today = today
day-yesterday = yesterday
day-tomorrow = tomorrow
# $at (String) a moment
until = until { $at }

## Time spans, short
# $minutes (Number)
span-minutes = { $minutes } min
# $hours (Number)
span-hours = { $hours } h
# $hours (Number)
# $minutes (Number)
span-hours-minutes = { $hours } h { $minutes } min

## Why a status is shown
reconnecting = Reconnecting…
not-current = not current
why-this-status = Why this status?
unknown-explained = Their computer is on and connected, but it can’t tell whether anyone is using it. They may be away.

## What a person is doing now
is-typing = typing
typing = typing…
typing-to-you = typing to you…
in-a-call = in a call

## Devices
device = device
kind-laptop = laptop
kind-desktop = desktop
kind-phone = phone
kind-tablet = tablet

## A person's local time
# $time (String) a clock time
there-now = Local time { $time }
# $time (String)
# $span (String)
there-ahead = Local time { $time }, { $span } ahead of you
# $time (String)
# $span (String)
there-behind = Local time { $time }, { $span } behind you

## Knocks and waves. Messages about my own actions have no name in them.
# $count (Number)
# $emoji (String)
i-waved = { $count ->
    [1] You waved { $emoji }
   *[other] You waved { $emoji } × { $count }
}
# $name (String)
# $count (Number)
# $emoji (String)
waved = { $count ->
    [1] { $name } waved { $emoji }
   *[other] { $name } waved { $emoji } × { $count }
}
i-knocked = You knocked
# $text (String) what I wrote
i-knocked-saying = You knocked: { $text }
i-want-to-knock = Your knock is waiting
# $text (String)
i-want-to-knock-saying = Your knock is waiting: { $text }
# $name (String)
knocked = { $name } knocked
# $name (String)
# $text (String) what they wrote
knocked-saying = { $name } knocked: { $text }
# $name (String)
wants-to-knock = { $name } wants to talk
# $name (String)
# $text (String)
wants-to-knock-saying = { $name } wants to talk: { $text }
# $answer (String)
i-replied = You replied: { $answer }
# $name (String)
# $answer (String)
replied = { $name } replied: { $answer }
waits-for-back = Will be sent when they are back
waits-for-both = Will be sent when you are both free
sending = Sending…
sent = Sent
sent-unheard = Sent, but not received by any of their devices yet
delivered = Delivered
seen = Seen
taken-back = Canceled
knocks = Knocks

## Ways to reach a person
# $name (String)
reach = Contact { $name }
passed = Recent
own-reply = Or reply in your own words
ask-to-talk = Ask to talk
a-few-words = Message (optional)
knock-example = Got a minute?
# $limit (Number)
too-long = Use at most { $limit } characters.
when = When to send it
when-now = Now
when-back = Wait until they are back
when-both-free = Wait until we are both free
knock-when-back = Knock when they are back
take-back = Cancel this knock
do-not-wait = Dismiss
answer = Reply
# $emoji (String)
wave-with = Wave { $emoji }
your-options = Your settings for them
favourite = Favourite (listed first)
nickname = Nickname (only you see it)
notices-of = Notifications about them
notices-usual = Default
notices-always = Always
notices-signals = Only knocks and waves
notices-muted = None (muted)
links = Other ways to reach them
link-mail = Mail
link-phone = Phone
link-chat = Chat
link-web = Web

## The list
people = People
filter = Filter
filter-people = Filter people
hide-offline = Hide offline
# $count (Number)
found = { $count ->
    [0] Nobody found
    [one] { $count } person found
   *[other] { $count } people found
}
# $at (String) a moment
as-of = Not up to date. Last known as of { $at }:
nobody-right-now = Nobody right now.
group-favourites = Favourites
group-here = Online
group-away = Away
group-offline = Offline
# $group (String) the head of a group
# $count (Number)
group-with-count = { $count ->
    [one] { $group }, { $count } person
   *[other] { $group }, { $count } people
}
nobody-else-yet = Nobody else is here yet.
nobody-at-broker = Ask your teammates to set up Porchlight with the same broker address as yours. They appear here when they connect.
nobody-in-team = Send the others an invitation. They appear here as soon as they accept it.
withheld = Porchlight can't tell who is around.
withheld-why = The broker does not pass it on. The message above says what to do.
may-be-withheld = Some brokers do not pass on stored messages. With those, you see teammates only once their status changes.
no-news = Nobody can be shown yet.
no-news-until = Your team appears here once Porchlight is connected.
invite-somebody = Invite someone

## The connection
connection = Connection
link-unset = Not set up to connect yet.
link-connecting = Connecting…
link-down = Not connected.
link-up = Connected.
link-closed = Signed off.
trying-again = Trying again…
# $seconds (Number)
trying-again-in = Trying again in { $seconds } s
# $at (String) a moment
trying-again-at = Trying again at { $at }
reconnect-now = Reconnect now
problems = Problems

## My status
my-status = My status
my-status-is = my status:
status = Status
hint-automatic = away when you are inactive
hint-invisible = others see that you left
my-own-statuses = Saved statuses
# $status (String) the chosen status
forget-status = Remove { $status }
keep = Save for later
set = Set status
add-note-or-end = Add a note or an end time…
note = Note
note-example = 🍜 Lunch
for-how-long = How long
no-end = No end
until-lunch = Until lunch
today = Today
until-open = Until…
until-label = Until
end-lunch = until lunch
end-today = today

## Settings
settings = Settings
settings-apply = Changes apply at once
general = General
saved = Saved
name = Name
away-after = Set me to away after (minutes)
start-at-login = Start Porchlight when I log in
start-at-login-hint = Otherwise your team sees you as offline until you start it.
language = Language
language-of-system = System language
my-links = Ways to reach me
my-links-hint = Your whole team sees these: a mail address, a phone number with country code (+49 …), or a chat or web address.
# $number (Number) the position of the field
my-link = Way to reach me { $number }
# $number (Number)
remove-link = Remove way to reach me { $number }
add-link = Add a way to reach me
link-wrong = Porchlight can't open this. Enter a mail address, a phone number such as +49 30 1234, or an address such as https://…
notifications = Notifications
about = Notify me about
about-hint = You can change this for one person on their page.
about-everyone = Everyone
about-favourites = Favourites
about-chosen = Only people set to Always
about-nobody = Nobody
they-come = When someone comes online
they-go = When someone goes offline
they-away = When someone goes away
they-back = When someone is back
notifications-always = You are always notified of knocks and waves, and when someone you wait for is back.
quiet-hours = Quiet hours
quiet-hours-hint = No notifications during this time. Knocks wait until it is over.
quiet-from = from
quiet-to = to
not-paused = Notifications are on
# $at (String) a moment
paused-until = Paused until { $at }
pause = Pause for an hour
resume = Resume
notifications-wait = While you are away, in a call or on do not disturb, notifications are held and shown together later.
privacy = Privacy
be-invisible = Appear offline
be-invisible-hint = Others see that you left. You still see them.
calls = During calls
calls-hint = Porchlight sees that a microphone is in use, but not by which program.
calls-hidden = Show nothing
calls-shown = Show “in a call”
calls-dnd = Set do not disturb
desktop-dnd = Follow this computer's do not disturb
desktop-dnd-hint = While it is on, your team sees you as do not disturb.
user-topic = Publish a simple status topic too, for clients without device support
user-topic-hint = Only useful with a broker of your own. In a team, the host does this.
this-computer = This computer
troubleshooting = Troubleshooting
copy-diagnostics = Copy diagnostics
diagnostics = Diagnostics
diagnostics-hint = Technical details for a bug report, without names, addresses or secrets.
diagnostics-copied = Copied to the clipboard.
copy-by-hand = Press Ctrl+C to copy the text.

## Starting or joining a team
greeting = See who on your team is around.
way-start = Start a team
way-start-hint = Your computer hosts it: people see each other while it is on. You invite them.
way-link = I have an invitation
way-link-hint = Paste the link that someone sent you.
way-nearby = Find a team nearby
way-nearby-hint = Ask a team on your network to let you in.
way-broker = Use a broker
try-demo = Try a demo team
join-with-invitation = Join with an invitation
broker-means = Porchlight also works with any MQTT broker that your team can reach. Nobody has to host a team then.
# $file (String) its path
broker-write = Write this into { $file }, with your own id, name and address:
broker-then = Then quit Porchlight and start it again. Your teammates need the same address, each with an id of their own.
start-a-team = Start a team
back-to-demo = Back to the demo team
demo = Demo team — nothing here is real
start-or-join = Start or join a team
held-by-broker = Porchlight uses a broker of your own. To join a team, remove the [broker] section from the configuration, start Porchlight again and open the link again.
# $team (String) its name
held-by-team = You belong to { $team }. Leave it first, on the Team page, then open the link again.
# $name (String) who starts it
team-of = { $name }'s team
team-name = Team name
team-nameless = The people you invite see this name, so it can't be empty.
start-means = This computer hosts the team: people see each other while it is on and Porchlight runs. Only people you invite can join, and all connections are encrypted.
start = Start the team
link-from-member = Invitation link
link-missing = Paste the link that someone sent you.
open-link = Continue
teams-nearby = Teams nearby
# $count (Number)
count-nearby = { $count ->
    [one] { $count } team nearby
   *[other] { $count } teams nearby
}
none-nearby = No team found on this network yet. The computer that hosts it must be on.
ask-to-join = Ask to join
# $team (String)
ask-to-join-team = Ask to join { $team }
# $team (String)
asking-team = Asking { $team } to let you in
asking = Asking…
waiting-for-answer = Waiting for their answer…
read-digits = Read these four digits to someone in the team:
# $page (String) the name of the team's page
read-digits-hint = They see your request on their { $page } page. If they have the same digits, they let you in.
ask-again = Ask again
stop-asking = Cancel request
an-invitation = Invitation
# $team (String)
join-team-question = Join { $team }?
# $at (String) a host
invitation-at = The computer that hosts this team is at { $at }. Join only if you know who sent you this link.
# $at (String) a host
invitation-nearby = The computer that hosts this team is at { $at }, on your network. Join only if you know who sent you this link.
join = Join
# $team (String)
welcome = You are now in { $team }
welcome-hint = Two questions, then you are ready. You can change both in Settings.
continue = Continue
not-now = Not now
keep-in-file-means = Or keep the secret that lets you in in a file. Only your account can open that file, but anybody who reads this disk can join as you.
keep-in-file = Keep it in a file

## The team
team = Team
# $asking (Number) how many people ask to join
team-button = { $asking ->
    [0] Team
    [one] Team, { $asking } person asks to join
   *[other] Team, { $asking } people ask to join
}
# $asking (Number)
people-asking = { $asking ->
    [one] { $asking } person asks to join
   *[other] { $asking } people ask to join
}
back-to-people = Back to the people
hosted-here = Hosted on this computer
hosted-on-mine = Hosted on another computer of yours
# $name (String) whose computer it is
hosted-by = Hosted on { $name }'s computer
# $name (String) the computer's name
hosted-on = Hosted on { $name }
members = Members
computer-and-team = This computer and the team
move-here = Move the team to this computer
move-here-question = Move the team to this computer?
move-here-means = This computer hosts the team from then on: people see each other while it is on. Members and invitations move here, and everybody follows automatically.
move-here-yes = Move here
leave-team = Leave team
# $team (String)
leave-team-question = Leave { $team }?
leave-team-yes = Leave
leaving-means = You will be signed out on all devices and removed from everyone's list. To come back, you need a new invitation.
leaving-host-means = This computer hosts the team. Without it, nobody sees anybody, so move the team to another computer first. You will be signed out on all devices and removed from everyone's list. To come back, you need a new invitation.
leaving-last-means = This computer hosts the team, and nobody else is in it. The team ends.

## Members and their devices
member-me = you
member-keeper = owner
# $at (String) a day
member-since = joined { $at }
# $name (String)
invited-by = invited by { $name }
# $name (String)
invited-by-left = invited by { $name }, who has left
# $name (String)
remove-member = Remove { $name }
# $name (String)
remove-member-question = Remove { $name }?
remove-member-means = They will be signed out on all devices at once and removed from everyone's list. To come back, they need a new invitation.
# $name (String) the member who invited them, directly or through others
# $invited (Number)
remove-with-invited = { $invited ->
    [one] Also remove the person who joined through { $name }
   *[other] Also remove the { $invited } people who joined through { $name }
}
# $name (String)
devices-of = Devices of { $name }
# $at (String) a day
device-this = added { $at }, this computer
# $at (String) a day
device-never = added { $at }, not used yet
# $at (String) a day
# $here (String) a day
device-since = added { $at }, last online { $here }
# $kind (String) the kind of device
# $name (String) its user
forget-device = Sign out device: { $kind } of { $name }
forget-device-question = Sign out this device?
forget-device-yes = Sign out
forget-this-means = You are using this computer. It will be signed out at once, and needs a new invitation to come back.
forget-mine-means = It will be signed out at once, and needs a new invitation to come back. Do this if you lost it. Your other devices stay.
forget-theirs-means = It will be signed out at once, and needs a new invitation to come back. Do this if it was lost. Their other devices stay.

## Programs that read the team
programs = Programs with access
programs-mean = These programs can see who is here, through the team's hub.
programs-none = No program can see who is here.
programs-change = Add or remove programs with the command porchlight token.
programs-ask = Only the owner can add or remove programs.
programs-unknown = This team's hub is an older version and doesn't show which programs have access. Ask the owner.
# $at (String) a day
program-by-me = added by you { $at }
# $by (String) who allowed it to read
# $at (String) a day
program-by = added by { $by } { $at }
# $at (String) a day
program-since = added { $at }
# $at (String) a day
program-used = last read { $at }
program-unused = not used yet

## Invitations
invite-for = Who is it for?
invite-new = Someone new
invite-mine = Another device of mine
invite-uses = How many times it works
# $uses (Number)
uses = { $uses ->
    [1] Once
   *[other] { $uses } times
}
invite-lasts = How long it works
# $days (Number)
days = { $days ->
    [one] { $days } day
   *[other] { $days } days
}
make-link = Create link
open-on-other = Open this link on your other device
send-link = Send this link in a way that only they can read
copy = Copy
copied = Copied.
copy-marked = Porchlight could not copy it. The link is selected: press Ctrl+C.
link-as-code = The link as a QR code
# $uses (Number)
# $at (String) a moment
invite-holds = { $uses ->
    [1] Works once, until { $at }. Copy it now: it is not shown again.
   *[other] Works { $uses } times, until { $at }. Copy it now: it is not shown again.
}
done = Done
open-invitations = Open invitations
# $invitation (String) its text
take-back-invitation = Take back the invitation: { $invitation }
# $uses (Number)
# $at (String) a moment
invite-new-holds = { $uses ->
    [1] For someone new; works once, until { $at }
   *[other] For someone new; works { $uses } times, until { $at }
}
# $by (String) who made it
# $uses (Number)
# $at (String)
invite-new-by-holds = { $uses ->
    [1] For someone new, by { $by }; works once, until { $at }
   *[other] For someone new, by { $by }; works { $uses } times, until { $at }
}
# $uses (Number)
# $at (String)
invite-mine-holds = { $uses ->
    [1] For a device of yours; works once, until { $at }
   *[other] For a device of yours; works { $uses } times, until { $at }
}
# $by (String)
# $uses (Number)
# $at (String)
invite-mine-by-holds = { $uses ->
    [1] For a device of yours, by { $by }; works once, until { $at }
   *[other] For a device of yours, by { $by }; works { $uses } times, until { $at }
}
# $name (String) the device's user
# $uses (Number)
# $at (String)
invite-device-holds = { $uses ->
    [1] For a device of { $name }; works once, until { $at }
   *[other] For a device of { $name }; works { $uses } times, until { $at }
}
# $name (String)
# $by (String)
# $uses (Number)
# $at (String)
invite-device-by-holds = { $uses ->
    [1] For a device of { $name }, by { $by }; works once, until { $at }
   *[other] For a device of { $name }, by { $by }; works { $uses } times, until { $at }
}

## Requests to join
asking-to-be-let-in = Waiting to join
# $at (String) a moment
asked-at = asked { $at }
# $digits (String) one by one
code-digits = Code { $digits }
did-they-read = Did they read you these four digits?
no = Decline
# $name (String)
keep-out = Decline { $name }
let-in = Let in
# $name (String)
let-name-in = Let { $name } in

## What the app needs on this computer
checks = Checks of this computer
lacking = What this computer lacks
check-tray = Tray icon
check-notices = Notifications
check-idle = Keyboard and mouse
check-lock = Screen lock
check-keyring = Keyring
check-there = works
check-missing = missing

## Newer versions
version = Version
# $version (String)
this-version = Porchlight { $version }
updates-by-system = Updates come with your system's packages, or from where you got this version.
check-for-updates = Check for updates
newer-version = An update
# $version (String)
newer-there = Porchlight { $version } is available.
newer-take = Update
newer-later = Later
# $percent (Number)
newer-fetching = Downloading the update: { $percent } %
newer-starting = Restarting with the new version. Your team does not see you leave.

## More settings
grace = Ignore disconnections shorter than (seconds)
grace-hint = Others do not see them.
symbolic-icon = One-colour tray icon
symbolic-icon-hint = It matches the other icons in your panel.
how-much = What others see while you are away
how-much-full = Why, and since when
how-much-coarse = Only that you are away
preview = Your team sees:
# $name (String)
# $status (String) my own status
others-see = Right now others see: { $name }, { $status }. They also see what kind of computer you use, your time zone and your ways to reach you.
# $status (String) my own status while there is no connection
unsent = { $status } after reconnecting
