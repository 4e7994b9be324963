### Was das Fenster sagt, außer dem, was überall über Leute gesagt wird.

## Worte, die auf vielen Seiten stehen
back = Zurück
back-to-list = Zurück zur Liste
cancel = Abbrechen
close = Schließen
try-again = Noch mal versuchen
one-moment = Einen Moment …
dismiss = Ausblenden
forget = Vergessen
remove = Entfernen
joining = Du trittst bei …
starting = Es geht los …
your-name = Dein Name
nameless = Diesen Namen sieht dein Team; er darf nicht leer sein.
unexpected = Das hat Porchlight nicht geschafft. Versuch es noch mal; hilft das nicht, beende Porchlight und starte es neu.

## Zeitpunkte
# $time (String) eine Uhrzeit
moment-yesterday = gestern { $time }
# $time (String) eine Uhrzeit
moment-tomorrow = morgen { $time }
day-today = heute
day-yesterday = gestern
day-tomorrow = morgen
# $at (String) ein Zeitpunkt
since = seit { $at }
# $at (String) ein Zeitpunkt
until = bis { $at }

## Zeitspannen, kurz
# $minutes (Number)
span-minutes = { $minutes } Min.
# $hours (Number)
span-hours = { $hours } Std.
# $hours (Number)
# $minutes (Number)
span-hours-minutes = { $hours } Std. { $minutes } Min.

## Warum jemand so da ist, und seit wann. Wo kein Zeitpunkt bekannt ist, ist $at „unknown“.
# $status (String) ein Status mitten im Satz
# $at (String) ein Zeitpunkt
is-since = { $status } seit { $at }
# $status (String)
# $at (String)
is-until = { $status } bis { $at }
# $status (String)
# $reason (String) ein Grund mitten im Satz
is-because = { $status } – { $reason }
# $status (String)
# $at (String)
# $reason (String)
is-since-because = { $status } seit { $at } – { $reason }
# $at (String)
evidence-idle = { $at ->
    [unknown] keine Eingabe
   *[known] keine Eingabe seit { $at }
}
# $at (String)
evidence-locked = { $at ->
    [unknown] gesperrt
   *[known] gesperrt seit { $at }
}
# $at (String)
evidence-switched = { $at ->
    [unknown] in anderer Sitzung
   *[known] in anderer Sitzung seit { $at }
}
# $at (String)
evidence-left = { $at ->
    [unknown] gegangen
   *[known] weg seit { $at }
}
# $at (String)
evidence-asleep = { $at ->
    [unknown] im Ruhezustand
   *[known] im Ruhezustand seit { $at }
}
# $at (String)
evidence-lost = { $at ->
    [unknown] Verbindung verloren
   *[known] ohne Verbindung seit { $at }
}
reconnecting = verbindet sich neu
not-current = nicht aktuell
# $at (String) ein Zeitpunkt
last-message = letzte Nachricht { $at }
# $seconds (Number)
loss-shows-within = ein Abbruch würde sich binnen { $seconds }{ "\u00A0" }s zeigen
doubt-reconnecting = die Verbindung dorthin ist abgebrochen und hat noch ein paar Sekunden, um wiederzukommen
doubt-settling = wir sind selbst eben erst wieder verbunden; das hier ist der Stand davor
doubt-link-down = wir sind nicht verbunden; das hier ist der letzte Stand
unknown-explained = Der Computer ist an und verbunden, aber nichts darauf verrät, ob jemand davorsitzt. Vielleicht ist die Person also da, vielleicht nicht.
# $at (String) ein Zeitpunkt
last-heard = Zuletzt gehört: { $at }.

## Was jemand gerade tut
is-typing = tippt
typing = tippt …
typing-to-you = tippt an dich …
in-a-call = im Gespräch

## Geräte
device = Gerät
kind-laptop = Laptop
kind-desktop = PC
kind-phone = Handy
kind-tablet = Tablet

## Wie spät es bei jemandem ist
# $time (String) eine Uhrzeit, mit dem Tag, wo dieser ein anderer ist
there-now = dort { $time }
# $time (String)
# $span (String)
there-ahead = dort { $time }, { $span } voraus
# $time (String)
# $span (String)
there-behind = dort { $time }, { $span } zurück

## Anklopfen und Winken. Zu dem, was ich tat, gibt es keinen Namen.
# $count (Number)
# $emoji (String)
i-waved = { $count ->
    [1] Du hast gewinkt { $emoji }
   *[other] Du hast gewinkt { $emoji } × { $count }
}
# $name (String)
# $count (Number)
# $emoji (String)
waved = { $count ->
    [1] { $name } hat gewinkt { $emoji }
   *[other] { $name } hat gewinkt { $emoji } × { $count }
}
i-knocked = Du hast angeklopft
# $text (String) was ich schrieb
i-knocked-saying = Du hast angeklopft: { $text }
i-want-to-knock = Du willst anklopfen
# $text (String)
i-want-to-knock-saying = Du willst anklopfen: { $text }
# $name (String)
knocked = { $name } hat angeklopft
# $name (String)
# $text (String) was geschrieben wurde
knocked-saying = { $name } hat angeklopft: { $text }
# $name (String)
wants-to-knock = { $name } will anklopfen
# $name (String)
# $text (String)
wants-to-knock-saying = { $name } will anklopfen: { $text }
# $answer (String)
i-answered = Du: { $answer }
waits-for-back = wartet, bis die Person da ist
waits-for-both = wartet, bis ihr beide Zeit habt
sending = wird gesendet …
sent = gesendet
sent-unheard = gesendet, aber noch auf keinem Gerät angekommen
delivered = angekommen
seen = gesehen
taken-back = zurückgenommen
knocks = Wer anklopft

## Jemanden erreichen
# $name (String)
reach = { $name } erreichen
passed = Was bisher war
a-few-words = Ein paar Worte
knock-example = Hast du kurz Zeit?
# $limit (Number)
too-long = Höchstens { $limit } Zeichen.
when = Wann
when-now = Jetzt
when-back = Bei der Rückkehr
when-both-free = Wenn wir beide Zeit haben
knock-when-back = Bei der Rückkehr anklopfen
take-back = Zurücknehmen
do-not-wait = Nicht warten
answer = Antworten
# $emoji (String)
wave-with = Winken { $emoji }
favourite = Favorit: steht in der Liste und im Tray ganz oben
nickname = Bei mir heißt die Person
nickname-none = wie sie sich nennt
notices-of = Hinweise, wenn die Person kommt und geht
notices-usual = Wie bei allen
notices-always = Immer
notices-never = Nie
tell-once-when-back = Sag mir einmal, wenn die Person zurück ist
mute = Stumm: Von dieser Person erscheint kein Hinweis
links = Wege zu dieser Person
link-mail = E-Mail
link-phone = Telefon
link-chat = Chat
link-web = Web

## Die Liste
people = Leute
filter = Filtern
filter-people = Leute filtern
hide-offline = Offline ausblenden
# $count (Number)
found = { $count ->
    [0] Niemand gefunden
    [one] { $count } Person gefunden
   *[other] { $count } Personen gefunden
}
# $at (String) ein Zeitpunkt
as-of = Stand { $at }
nobody-right-now = Gerade niemand.
group-favourites = Favoriten
group-here = Da
group-away = Abwesend
group-offline = Offline
# $group (String) die Überschrift einer Gruppe
# $count (Number)
group-with-count = { $count ->
    [one] { $group }: { $count } Person
   *[other] { $group }: { $count } Personen
}
nobody-else-yet = Hier ist sonst noch niemand.
nobody-at-broker = Dein Team erscheint hier, sobald es sich mit demselben Broker verbindet.
nobody-in-team = Schick den anderen einen Link. Sobald sie ihn öffnen, erscheinen sie hier.
withheld = Wer da ist, lässt sich nicht sagen.
withheld-why = Der Broker gibt es nicht heraus. Was du tun kannst, steht darüber.
may-be-withheld = Manche Broker geben nichts Gespeichertes heraus. Dann erscheint dein Team erst, wenn sich etwas ändert.
no-news = Noch ist von niemandem etwas bekannt.
no-news-until = Wer da ist, zeigt sich, sobald die Verbindung steht.
invite-somebody = Jemanden einladen

## Die Verbindung
connection = Verbindung
link-unset = Noch keine Verbindung eingerichtet.
link-connecting = Verbindung wird aufgebaut …
link-down = Nicht verbunden.
link-up = Verbunden.
link-closed = Abgemeldet.
trying-again = Neuer Versuch …
# $seconds (Number)
trying-again-in = Neuer Versuch in { $seconds } s
# $at (String) ein Zeitpunkt
trying-again-at = Nächster Versuch: { $at }
reconnect-now = Jetzt verbinden
# $name (String) wessen Computer es ist
# $at (String) seit wann, oder „unknown“
host-asleep = { $at ->
    [unknown] Der Computer von { $name }, auf dem dieses Team läuft, ist im Ruhezustand
   *[known] Der Computer von { $name }, auf dem dieses Team läuft, ist im Ruhezustand seit { $at }
}
# $name (String)
# $at (String)
host-left = { $at ->
    [unknown] Der Computer von { $name }, auf dem dieses Team läuft, ist aus, oder Porchlight wurde dort beendet
   *[known] Der Computer von { $name }, auf dem dieses Team läuft, ist aus, oder Porchlight wurde dort beendet: seit { $at }
}
# $name (String)
# $at (String)
host-lost = { $at ->
    [unknown] Der Computer von { $name }, auf dem dieses Team läuft, hat keine Verbindung mehr
   *[known] Der Computer von { $name }, auf dem dieses Team läuft, hat keine Verbindung mehr seit { $at }
}
problems = Probleme

## Mein Status
my-status = Mein Status
my-status-is = mein Status:
status = Status
hint-automatic = folgt Tastatur und Sperre
hint-invisible = für andere bist du gegangen
my-own-statuses = Meine eigenen Status
# $status (String) was er sagt
forget-status = { $status } vergessen
keep = Merken
set = Übernehmen
add-note-or-end = Notiz oder Ende hinzufügen …
note = Notiz
note-example = 🍜 Mittagspause
for-how-long = Wie lange
no-end = Ohne Ende
until-lunch = Bis Mittag
today = Heute
until-open = Bis …
until-label = Bis
end-lunch = bis Mittag
end-today = heute

## Einstellungen
settings = Einstellungen
saved = Gespeichert.
you = Du
name = Name
away-after = Abwesend nach so vielen Minuten ohne Eingabe
start-at-login = Bei der Anmeldung starten
language = Sprache
language-of-system = Wie das System
my-links = Wege zu mir, die das ganze Team sieht
my-links-hint = Eine Mailadresse, eine Telefonnummer mit + oder eine Adresse wie https://… oder xmpp:…
# $number (Number) welcher davon
my-link = Weg { $number }
# $number (Number)
remove-link = Weg { $number } entfernen
add-link = Weg hinzufügen
link-wrong = Das lässt sich nicht öffnen. Nimm eine Mailadresse, +49 30 1234 oder https://…
notices = Hinweise
about = Über
about-everyone = Alle
about-favourites = Favoriten
about-chosen = Nur wer auf „Immer“ steht
about-nobody = Niemanden
when-they = Wenn sie
they-come = kommen
they-go = gehen
they-away = die Tastatur verlassen
they-back = zurück sind
quiet-hours = Ruhezeiten
quiet-from = von
quiet-to = bis
notices-wait = Solange du abwesend bist, gesperrt hast, im Gespräch bist oder nicht gestört werden willst, warten sie und kommen dann gesammelt.
off-for-an-hour = Eine Stunde aus
# $at (String) ein Zeitpunkt
off-until = Aus bis { $at }: wieder einschalten
privacy = Privatsphäre
be-invisible = Unsichtbar: für andere bist du gegangen
user-topic = Auch einfache Clients dürfen dich lesen, wo kein Hub das übernimmt
copy-diagnostics = Diagnose kopieren
diagnostics = Diagnose
diagnostics-copied = Kopiert. Namen, Adressen und Geheimnisse stehen nicht darin.
copy-by-hand = Bitte von Hand kopieren.
save = Speichern

## Der Weg hinein
greeting = Sieh auf einen Blick, wer aus deinem Team da ist, und wie sicher das ist.
start-a-team = Team gründen
start-hint = Es läuft auf diesem Computer. Du lädst die anderen ein.
join-a-team = Team beitreten
join-hint = Mit einem Link, oder du fragst ein Team in deinem Netz.
look-around = Umsehen
look-hint = Acht simulierte Leute; nichts wird gespeichert.
back-to-demo = Zurück zum Demo-Team
demo = Demo-Team – nichts davon ist echt
start-or-join = Team gründen oder beitreten
held-by-broker = Porchlight ist für deinen eigenen Broker eingerichtet. Nimm den Abschnitt [broker] aus der Konfiguration, starte es neu und öffne den Link noch mal.
# $team (String) wie es heißt
held-by-team = Du gehörst zu { $team }. Verlass es zuerst, unter „Team“, und öffne den Link noch mal.
# $name (String) wer es gründet
team-of = Team von { $name }
team-name = Name des Teams
team-nameless = Alle, die du einlädst, sehen diesen Namen; er darf nicht leer sein.
start-means = Das Team trifft sich auf diesem Computer, solange er an ist und Porchlight läuft. Herein kommt nur, wen du einlädst, und alles zwischen euch ist verschlüsselt.
start = Gründen
link-from-member = Link von jemandem aus dem Team
link-missing = Füge den Link ein, den du bekommen hast, oder frag ein Team in der Nähe.
open-link = Link öffnen
teams-nearby = Teams in der Nähe
# $count (Number)
count-nearby = { $count ->
    [one] { $count } Team in der Nähe
   *[other] { $count } Teams in der Nähe
}
none-nearby = In diesem Netz ist noch keins zu sehen.
ask-to-join = Anfragen
# $team (String)
ask-to-join-team = Bei { $team } anfragen
# $team (String)
asking-team = Anfrage bei { $team }
asking = Wird angefragt …
waiting-for-answer = Warten auf die Antwort …
read-digits = Lies jemandem aus dem Team diese vier Ziffern vor:
# $page (String) die Seite des Teams mit ihrem Namen
read-digits-hint = Dort stehst du in Porchlight unter { $page } mit denselben Ziffern und wirst hereingelassen.
ask-again = Noch mal anfragen
stop-asking = Anfrage zurückziehen
an-invitation = Eine Einladung
# $team (String)
join-team-question = { $team } beitreten?
# $at (String) ein Host
invitation-at = Es läuft auf { $at }. Tritt nur bei, wenn du weißt, wer dir diesen Link geschickt hat.
# $at (String) ein Host
invitation-nearby = Es läuft auf { $at }, in deinem Netz. Tritt nur bei, wenn du weißt, wer dir diesen Link geschickt hat.
join = Beitreten
not-now = Jetzt nicht
keep-in-file-means = Oder behalte es in einer Datei. Nur du kannst sie lesen; wer aber an diese Festplatte kommt, kann als du beitreten.
keep-in-file = In einer Datei behalten

## Das Team
team = Team
# $asking (Number) wie viele herein wollen
team-button = { $asking ->
    [0] Team
    [one] Team, { $asking } Person möchte herein
   *[other] Team, { $asking } Personen möchten herein
}
# $asking (Number)
people-asking = { $asking ->
    [one] { $asking } Person möchte herein
   *[other] { $asking } Personen möchten herein
}
back-to-people = Zurück zu den Leuten
hosted-here = Läuft auf diesem Computer
hosted-on-mine = Läuft auf einem anderen Computer von dir
# $name (String) wessen Computer es ist
hosted-by = Läuft auf dem Computer von { $name }
# $name (String) wie er sich nennt
hosted-on = Läuft auf { $name }
members = Mitglieder
computer-and-team = Dieser Computer und das Team
move-here = Auf diesen Computer umziehen
move-here-question = Team auf diesen Computer umziehen?
move-here-means = Mitglieder, Einladungen und der letzte Stand kommen hierher, und alle folgen von selbst. Ab dann trifft sich das Team, solange dieser Computer an ist.
move-here-yes = Hierher umziehen
leave-team = Team verlassen
# $team (String)
leave-team-question = { $team } verlassen?
leave-team-yes = Verlassen
leaving-means = Du wirst auf all deinen Geräten abgemeldet, verschwindest aus allen Listen und brauchst eine Einladung, um zurückzukommen.
leaving-host-means = Das Team läuft auf diesem Computer. Ohne ihn sieht niemand mehr jemanden: Lass zuerst jemand anderen übernehmen. Du wirst auf all deinen Geräten abgemeldet, verschwindest aus allen Listen und brauchst eine Einladung, um zurückzukommen.
leaving-last-means = Das Team läuft auf diesem Computer, und sonst gehört niemand dazu: Es endet damit.

## Mitglieder und ihre Geräte
member-me = du
member-keeper = führt das Team
# $at (String) ein Tag
member-since = Mitglied seit { $at }
# $name (String)
invited-by = eingeladen von { $name }
# $name (String)
invited-by-left = eingeladen von { $name } (nicht mehr im Team)
# $name (String)
remove-member = { $name } entfernen
# $name (String)
remove-member-question = { $name } entfernen?
remove-member-means = Die Person wird auf all ihren Geräten sofort getrennt und verschwindet aus allen Listen. Um zurückzukommen, braucht sie eine neue Einladung.
# $name (String) über wen sie hereinkamen
# $invited (Number)
remove-with-invited = { $invited ->
    [one] Auch die Person entfernen, die über { $name } ins Team kam
   *[other] Auch die { $invited } Personen entfernen, die über { $name } ins Team kamen
}
# $name (String)
devices-of = Geräte von { $name }
# $at (String) ein Tag
device-this = seit { $at }, dieses hier
# $at (String) ein Tag
device-never = seit { $at }, noch nie hier
# $at (String) ein Tag
# $here (String) ein Tag
device-since = seit { $at }, zuletzt hier { $here }
# $kind (String) was für ein Gerät
# $name (String) wem es gehört
forget-device = Dieses Gerät vergessen: { $kind } von { $name }
forget-device-question = Dieses Gerät vergessen?
forget-device-yes = Vergessen
forget-this-means = An diesem Computer sitzt du gerade: Er wird sofort getrennt und braucht eine neue Einladung.
forget-mine-means = Es wird sofort getrennt und kommt nur mit einer neuen Einladung wieder herein: richtig, wenn es verloren ging. Deine anderen Geräte bleiben.
forget-theirs-means = Es wird sofort getrennt und kommt nur mit einer neuen Einladung wieder herein: richtig, wenn es verloren ging. Die anderen Geräte der Person bleiben.

## Programme, die das Team lesen
programs = Programme mit Zugriff
programs-mean = Diese Programme sehen über den Hub des Teams, wer da ist.
programs-none = Kein Programm sieht, wer da ist.
programs-change = Mit dem Befehl porchlight token fügst du Programme hinzu oder entfernst sie.
programs-ask = Programme hinzufügen oder entfernen kann nur, wer das Team gegründet hat.
programs-unknown = Der Hub dieses Teams ist älter und zeigt nicht, welche Programme Zugriff haben. Frag, wer das Team gegründet hat.
# $at (String) a day
program-by-me = von dir hinzugefügt, { $at }
# $by (String) who let it read
# $at (String) a day
program-by = von { $by } hinzugefügt, { $at }
# $at (String) a day
program-since = hinzugefügt { $at }
# $at (String) a day
program-used = zuletzt gelesen { $at }
program-unused = noch nicht benutzt

## Einladen
invite-for = Für
invite-new = Jemand Neues
invite-mine = Ein weiteres Gerät von mir
invite-uses = Wie oft sie gilt
# $uses (Number)
uses = { $uses ->
    [1] Einmal
   *[other] { $uses }-mal
}
invite-lasts = Wie lange
# $days (Number)
days = { $days ->
    [one] { $days } Tag
   *[other] { $days } Tage
}
make-link = Link erstellen
open-on-other = Öffne diesen Link auf deinem anderen Gerät
send-link = Schick diesen Link so, dass nur die Person ihn liest
copy = Kopieren
copied = Kopiert.
copy-marked = Kopieren ging nicht; der Link ist markiert, drück also Strg+C.
link-as-code = Der Link als QR-Code
# $uses (Number)
# $at (String) ein Zeitpunkt
invite-holds = { $uses ->
    [1] Gilt einmal, bis { $at }. Der Link steht nur jetzt hier.
   *[other] Gilt { $uses }-mal, bis { $at }. Der Link steht nur jetzt hier.
}
done = Fertig
open-invitations = Offene Einladungen
# $invitation (String) was sie sagt
take-back-invitation = Einladung zurücknehmen: { $invitation }
# $uses (Number)
# $at (String) ein Zeitpunkt
invite-new-holds = { $uses ->
    [1] Für jemand Neues; gilt einmal, bis { $at }
   *[other] Für jemand Neues; gilt { $uses }-mal, bis { $at }
}
# $by (String) wer sie erstellt hat
# $uses (Number)
# $at (String)
invite-new-by-holds = { $uses ->
    [1] Für jemand Neues, von { $by }; gilt einmal, bis { $at }
   *[other] Für jemand Neues, von { $by }; gilt { $uses }-mal, bis { $at }
}
# $uses (Number)
# $at (String)
invite-mine-holds = { $uses ->
    [1] Für ein Gerät von dir; gilt einmal, bis { $at }
   *[other] Für ein Gerät von dir; gilt { $uses }-mal, bis { $at }
}
# $by (String)
# $uses (Number)
# $at (String)
invite-mine-by-holds = { $uses ->
    [1] Für ein Gerät von dir, erstellt von { $by }; gilt einmal, bis { $at }
   *[other] Für ein Gerät von dir, erstellt von { $by }; gilt { $uses }-mal, bis { $at }
}
# $name (String) für wessen Gerät
# $uses (Number)
# $at (String)
invite-device-holds = { $uses ->
    [1] Für ein Gerät von { $name }; gilt einmal, bis { $at }
   *[other] Für ein Gerät von { $name }; gilt { $uses }-mal, bis { $at }
}
# $name (String)
# $by (String)
# $uses (Number)
# $at (String)
invite-device-by-holds = { $uses ->
    [1] Für ein Gerät von { $name }, erstellt von { $by }; gilt einmal, bis { $at }
   *[other] Für ein Gerät von { $name }, erstellt von { $by }; gilt { $uses }-mal, bis { $at }
}

## Hereinlassen
asking-to-be-let-in = Anfragen zum Beitritt
# $at (String) ein Zeitpunkt
asked-at = Anfrage { $at }
# $digits (String) eine nach der anderen
code-digits = Ziffern { $digits }
did-they-read = Hat die Person dir diese vier Ziffern vorgelesen?
no = Nein
# $name (String)
keep-out = Nein, { $name } nicht hereinlassen
let-in = Hereinlassen
# $name (String)
let-name-in = { $name } hereinlassen

## Wovon die App auf diesem Computer lebt
checks = Dieser Computer
check-tray = Symbol in der Leiste
check-notices = Hinweise
check-idle = Tastatur und Maus
check-lock = Bildschirmsperre
check-keyring = Schlüsselbund
check-there = da
check-missing = fehlt

## Neuere Versionen
version = Version
# $version (String)
this-version = Porchlight { $version }
newer-by-system = Neuere kommen mit den Paketen deines Systems, oder von dem, der diese gebaut hat.
look-for-newer = Nach neueren Versionen sehen
newer-version = Eine neuere Version
# $version (String)
newer-there = Porchlight { $version } ist da.
newer-take = Aktualisieren
newer-later = Später
# $percent (Number)
newer-fetching = Die neue Version wird geholt: { $percent } %
newer-starting = Die neue Version startet. Niemand sieht dich gehen.

## Mehr von den Einstellungen
grace = Ein Aussetzer, kürzer als so viele Sekunden, fällt niemandem auf
symbolic-icon = Tray-Symbol in der Farbe der Leiste
be-coarse = Grob: andere sehen, dass ich abwesend bin, nicht warum oder seit wann
# $name (String)
# $status (String) der eigene Status
others-see = Was andere jetzt sehen: { $name }, { $status }. Außerdem die Art deiner Geräte, deine Zeitzone und deine Links.
# $status (String) der eigene Status, solange keine Verbindung besteht
unsent = { $status }, sobald verbunden
