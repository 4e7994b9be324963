### What the window says, besides what is said of people everywhere.

## Words that stand on many a page
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
nameless = Teammates will see this name, so it cannot be empty.
unexpected = Porchlight could not do that. Try again; if it goes on, quit Porchlight and start it again.

## Moments
# $time (String) a clock time
moment-yesterday = yesterday { $time }
# $time (String) a clock time
moment-tomorrow = tomorrow { $time }
day-today = today
day-yesterday = yesterday
day-tomorrow = tomorrow
# $at (String) a moment
since = since { $at }
# $at (String) a moment
until = until { $at }

## Spans, short
# $minutes (Number)
span-minutes = { $minutes } min
# $hours (Number)
span-hours = { $hours } h
# $hours (Number)
# $minutes (Number)
span-hours-minutes = { $hours } h { $minutes } min

## Why somebody is how they are, and since when. Where no moment is known, $at is "unknown".
# $status (String) a status within a sentence
# $at (String) a moment
is-since = { $status } since { $at }
# $status (String)
# $at (String)
is-until = { $status } until { $at }
# $status (String)
# $reason (String) a cause within a sentence
is-because = { $status } — { $reason }
# $status (String)
# $at (String)
# $reason (String)
is-since-because = { $status } since { $at } — { $reason }
# $at (String)
evidence-idle = { $at ->
    [unknown] no input
   *[known] no input since { $at }
}
# $at (String)
evidence-locked = { $at ->
    [unknown] locked
   *[known] locked since { $at }
}
# $at (String)
evidence-switched = { $at ->
    [unknown] in another session
   *[known] in another session since { $at }
}
# $at (String)
evidence-left = { $at ->
    [unknown] left
   *[known] left { $at }
}
# $at (String)
evidence-asleep = { $at ->
    [unknown] asleep
   *[known] asleep since { $at }
}
# $at (String)
evidence-lost = { $at ->
    [unknown] connection lost
   *[known] connection lost { $at }
}
reconnecting = reconnecting
not-current = not current
# $at (String) a moment
last-message = last message { $at }
# $seconds (Number)
loss-shows-within = a loss would show within { $seconds }{ "\u00A0" }s
doubt-reconnecting = its connection broke; it has a few seconds to come back
doubt-settling = we have only just reconnected; this is from before
doubt-link-down = we are not connected; this is from before
unknown-explained = Their computer is on and connected, but nothing on it tells whether somebody is at it. So they may be there or not.
# $at (String) a moment
last-heard = Last heard of { $at }.

## What somebody does at this moment
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

## The time where somebody is
# $time (String) a clock time, where that is another day with the day
there-now = { $time } there
# $time (String)
# $span (String)
there-ahead = { $time } there, { $span } ahead
# $time (String)
# $span (String)
there-behind = { $time } there, { $span } behind

## Knocks and waves. Of what I did there is no name.
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
i-want-to-knock = You want to knock
# $text (String)
i-want-to-knock-saying = You want to knock: { $text }
# $name (String)
knocked = { $name } knocked
# $name (String)
# $text (String) what they wrote
knocked-saying = { $name } knocked: { $text }
# $name (String)
wants-to-knock = { $name } wants to knock
# $name (String)
# $text (String)
wants-to-knock-saying = { $name } wants to knock: { $text }
# $answer (String)
i-answered = You: { $answer }
waits-for-back = waits until they are here
waits-for-both = waits until you are both free
sending = sending…
sent = sent
sent-unheard = sent, but no device of theirs has it
delivered = delivered
seen = seen
taken-back = taken back
knocks = Knocks

## Reaching somebody
# $name (String)
reach = Reach { $name }
passed = What passed
a-few-words = A few words
knock-example = Got a minute?
# $limit (Number)
too-long = At most { $limit } characters.
when = When
when-now = Now
when-back = When they are back
when-both-free = When we are both free
knock-when-back = Knock when they are back
take-back = Take back
do-not-wait = Don't wait
answer = Answer
# $emoji (String)
wave-with = Wave { $emoji }
favourite = Favourite: first in the list and in the tray
nickname = Call them
nickname-none = their own name
notices-of = Notices when they come and go
notices-usual = As for everybody
notices-always = Always
notices-never = Never
tell-once-when-back = Tell me once when they are back
mute = Mute: nothing of theirs pops up
links = Links
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
as-of = As of { $at }
nobody-right-now = Nobody right now.
group-favourites = Favourites
group-here = Here
group-away = Away
group-offline = Offline
# $group (String) the head of a group
# $count (Number)
group-with-count = { $count ->
    [one] { $group }, { $count } person
   *[other] { $group }, { $count } people
}
nobody-else-yet = Nobody else is here yet.
nobody-at-broker = Teammates appear here as soon as they connect to the same broker.
nobody-in-team = Send the others a link, and they appear here as soon as they open it.
withheld = No one can tell who is here.
withheld-why = The broker keeps that back. The message above says what to do.
may-be-withheld = Some brokers hand out nothing that they have stored. Then your teammates show only when something changes.
no-news = No news of anybody yet.
no-news-until = Who is around shows as soon as the connection stands.
invite-somebody = Invite somebody

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
# $name (String) whose computer it is
# $at (String) since when, or "unknown"
host-asleep = { $at ->
    [unknown] { $name }'s computer, which hosts this team, is asleep
   *[known] { $name }'s computer, which hosts this team, is asleep since { $at }
}
# $name (String)
# $at (String)
host-left = { $at ->
    [unknown] { $name }'s computer, which hosts this team, was switched off or quit Porchlight
   *[known] { $name }'s computer, which hosts this team, was switched off or quit Porchlight at { $at }
}
# $name (String)
# $at (String)
host-lost = { $at ->
    [unknown] { $name }'s computer, which hosts this team, lost its connection
   *[known] { $name }'s computer, which hosts this team, lost its connection at { $at }
}
problems = Problems

## My status
my-status = My status
my-status-is = my status:
status = Status
hint-automatic = follows keyboard and lock
hint-invisible = others see that you left
my-own-statuses = My own statuses
# $status (String) what it says
forget-status = Forget { $status }
keep = Keep
set = Set
add-note-or-end = Add a note or an end time…
note = Note
note-example = 🍜 Lunch
for-how-long = For how long
no-end = No end
until-lunch = Until lunch
today = Today
until-open = Until…
until-label = Until
end-lunch = until lunch
end-today = today

## Settings
settings = Settings
saved = Saved.
you = You
name = Name
away-after = Away after so many minutes without input
start-at-login = Start when I log in
language = Language
language-of-system = As the system
my-links = Ways to reach me, for all of the team to see
my-links-hint = A mail address, a phone number with its +, or an address such as https://… or xmpp:…
# $number (Number) which of them
my-link = Link { $number }
# $number (Number)
remove-link = Remove link { $number }
add-link = Add a link
link-wrong = That is no address that can be opened. A mail address, +49 30 1234 or https://… can.
notices = Notices
about = About
about-everyone = Everyone
about-favourites = Favourites
about-chosen = Only those set to Always
about-nobody = Nobody
when-they = When they
they-come = come
they-go = go
they-away = leave the keyboard
they-back = are back at it
quiet-hours = Quiet hours
quiet-from = from
quiet-to = to
notices-wait = While you are away, locked, in a call or not to be disturbed they wait, and come as one.
off-for-an-hour = Off for an hour
# $at (String) a moment
off-until = Off until { $at }: switch on
privacy = Privacy
be-invisible = Invisible: others see that you left
user-topic = Also let simple clients read you, where no hub does that
copy-diagnostics = Copy diagnostics
diagnostics = Diagnostics
diagnostics-copied = Copied: no names, addresses or secrets are in it.
copy-by-hand = Copy it by hand.
save = Save

## The way in
greeting = See at a glance who of your team is around, and how sure that is.
start-a-team = Start a team
start-hint = This computer hosts it. You invite the others.
join-a-team = Join a team
join-hint = With a link, or by asking a team on your network.
look-around = Look around
look-hint = Eight simulated teammates; nothing is kept.
back-to-demo = Back to the demo team
demo = Demo team — nothing here is real
start-or-join = Start or join a team
held-by-broker = Porchlight is set up for a broker of your own. Take the [broker] part out of its configuration, start it again and open the link once more.
# $team (String) its name
held-by-team = You belong to { $team }. Leave it first, under Team, and open the link once more.
# $name (String) who starts it
team-of = { $name }'s team
team-name = The team's name
team-nameless = Those whom you invite see this name, so it cannot be empty.
start-means = The team meets on this computer, while it is on and Porchlight runs. Only those whom you invite get in, and everything between you is encrypted.
start = Start
link-from-member = Link from a member of the team
link-missing = Paste the link that you were sent, or ask a team nearby.
open-link = Open the link
teams-nearby = Teams nearby
# $count (Number)
count-nearby = { $count ->
    [one] { $count } team nearby
   *[other] { $count } teams nearby
}
none-nearby = None seen on this network yet.
ask-to-join = Ask to join
# $team (String)
ask-to-join-team = Ask to join { $team }
# $team (String)
asking-team = Asking { $team }
asking = Asking…
waiting-for-answer = Waiting for their answer…
read-digits = Read these four digits to somebody of the team:
# $page (String) the team's page by its name
read-digits-hint = They find you in their Porchlight under { $page }, see the same digits, and let you in.
ask-again = Ask again
stop-asking = Stop asking
an-invitation = An invitation
# $team (String)
join-team-question = Join { $team }?
# $at (String) a host
invitation-at = It is hosted at { $at }. Join if you know who sent you this link.
# $at (String) a host
invitation-nearby = It is hosted at { $at }, on your network. Join if you know who sent you this link.
join = Join
not-now = Not now
keep-in-file-means = Or keep it in a file. Only you can read that file; anybody who reads this disk can join as you.
keep-in-file = Keep it in a file

## The team
team = Team
# $asking (Number) how many ask to be let in
team-button = { $asking ->
    [0] Team
    [one] Team, { $asking } person asks to be let in
   *[other] Team, { $asking } people ask to be let in
}
# $asking (Number)
people-asking = { $asking ->
    [one] { $asking } person asks to be let in
   *[other] { $asking } people ask to be let in
}
back-to-people = Back to the people
hosted-here = Hosted on this computer
hosted-on-mine = Hosted on another computer of yours
# $name (String) whose computer it is
hosted-by = Hosted on { $name }'s computer
# $name (String) what it calls itself
hosted-on = Hosted on { $name }
members = Members
computer-and-team = This computer and the team
move-here = Host it on this computer instead
move-here-question = Host it on this computer?
move-here-means = Members, invitations and what was said last come here, and everybody follows by themselves. From then on the team meets while this computer is on.
move-here-yes = Host it here
leave-team = Leave team
# $team (String)
leave-team-question = Leave { $team }?
leave-team-yes = Leave
leaving-means = You are signed off on all your devices, vanish from everybody's list, and need an invitation to come back.
leaving-host-means = This computer hosts the team. Without it nobody sees anybody any more: let somebody host it first. You are signed off on all your devices, vanish from everybody's list, and need an invitation to come back.
leaving-last-means = This computer hosts the team, and nobody else is in it: it ends.

## Members and their devices
member-me = you
member-keeper = keeps the team
# $at (String) a day
member-since = member since { $at }
# $name (String)
invited-by = invited by { $name }
# $name (String)
invited-by-left = invited by { $name }, who has left
# $name (String)
remove-member = Remove { $name }
# $name (String)
remove-member-question = Remove { $name }?
remove-member-means = They are disconnected at once, on all their devices, and vanish from everybody's list. To come back they need a new invitation.
# $name (String) who invited them, or invited somebody who did
# $invited (Number)
remove-with-invited = { $invited ->
    [one] Also remove the person who joined through { $name }
   *[other] Also remove the { $invited } people who joined through { $name }
}
# $name (String)
devices-of = Devices of { $name }
# $at (String) a day
device-this = since { $at }, this one
# $at (String) a day
device-never = since { $at }, not here yet
# $at (String) a day
# $here (String) a day
device-since = since { $at }, last here { $here }
# $kind (String) what the device is
# $name (String) whose it is
forget-device = Forget this device: { $kind } of { $name }
forget-device-question = Forget this device?
forget-device-yes = Forget it
forget-this-means = This is the computer you sit at: it is disconnected at once and needs a new invitation.
forget-mine-means = It is disconnected at once and gets in only with a new invitation: right for one that is lost. Your other devices stay.
forget-theirs-means = It is disconnected at once and gets in only with a new invitation: right for one that is lost. Their other devices stay.

## Programs that read the team
programs = Programs with access
programs-mean = These programs can see who is here, through the team's hub.
programs-none = No program can see who is here.
programs-change = Add or remove programs with the command porchlight token.
programs-ask = Only the person who started the team can add or remove programs.
programs-unknown = This team's hub is an older version and doesn't show which programs have access. Ask the person who started the team.
# $at (String) a day
program-by-me = added by you { $at }
# $by (String) who let it read
# $at (String) a day
program-by = added by { $by } { $at }
# $at (String) a day
program-since = added { $at }
# $at (String) a day
program-used = last read { $at }
program-unused = not used yet

## Inviting
invite-for = For
invite-new = Somebody new
invite-mine = A further device of mine
invite-uses = How often it works
# $uses (Number)
uses = { $uses ->
    [1] Once
   *[other] { $uses } times
}
invite-lasts = How long
# $days (Number)
days = { $days ->
    [one] { $days } day
   *[other] { $days } days
}
make-link = Make a link
open-on-other = Open this link on your other device
send-link = Send this link, by a way that only they read
copy = Copy
copied = Copied.
copy-marked = It could not be copied; the link is marked, so press Ctrl+C.
link-as-code = The link as a QR code
# $uses (Number)
# $at (String) a moment
invite-holds = { $uses ->
    [1] Works once, until { $at }. It is shown only now.
   *[other] Works { $uses } times, until { $at }. It is shown only now.
}
done = Done
open-invitations = Open invitations
# $invitation (String) what it says
take-back-invitation = Take back the invitation: { $invitation }
# $uses (Number)
# $at (String) a moment
invite-new-holds = { $uses ->
    [1] For somebody new; works once, until { $at }
   *[other] For somebody new; works { $uses } times, until { $at }
}
# $by (String) who made it
# $uses (Number)
# $at (String)
invite-new-by-holds = { $uses ->
    [1] For somebody new, by { $by }; works once, until { $at }
   *[other] For somebody new, by { $by }; works { $uses } times, until { $at }
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
# $name (String) for whose device
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

## Letting in
asking-to-be-let-in = Asking to be let in
# $at (String) a moment
asked-at = asked { $at }
# $digits (String) one by one
code-digits = Code { $digits }
did-they-read = Did they read you these four digits?
no = No
# $name (String)
keep-out = No, keep { $name } out
let-in = Let in
# $name (String)
let-name-in = Let { $name } in

## What the app lives by on this computer
checks = This computer
check-tray = Tray
check-notices = Notices
check-idle = Keyboard and mouse
check-lock = Screen lock
check-keyring = Keyring
check-there = there
check-missing = missing

## Newer versions
version = Version
# $version (String)
this-version = Porchlight { $version }
newer-by-system = Newer ones come with your system's packages, or from whoever built this one.
look-for-newer = Look for newer versions
newer-version = A newer version
# $version (String)
newer-there = Porchlight { $version } is there.
newer-take = Update
newer-later = Later
# $percent (Number)
newer-fetching = Fetching the new version: { $percent } %
newer-starting = The new version starts. Nobody sees you go.

## More of the settings
grace = A drop shorter than so many seconds is seen by nobody
symbolic-icon = Tray icon in the panel's own colour
be-coarse = Coarse: others see that I am away, not why or since when
# $name (String)
# $status (String) one's own status
others-see = What others see now: { $name }, { $status }. Besides that your devices by their kind, your time zone and your links.
# $status (String) one's own status, while there is no connection
unsent = { $status }, once connected
