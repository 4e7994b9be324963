### Texte des Fensters, außer denen über Personen, die auch andere Teile nutzen (people.ftl).

## Wörter, die viele Seiten benutzen
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
nameless = Dein Team sieht diesen Namen; er darf nicht leer sein.
unexpected = Das hat Porchlight nicht geschafft. Versuch es noch mal. Hilft das nicht, beende Porchlight und starte es neu.

## Zeitpunkte
# $time (String) eine Uhrzeit
moment-yesterday = gestern { $time }
# $time (String) eine Uhrzeit
moment-tomorrow = morgen { $time }
day-today = heute
day-yesterday = gestern
day-tomorrow = morgen
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

## Warum ein Status angezeigt wird
reconnecting = Verbindet sich neu …
not-current = nicht aktuell
why-this-status = Warum dieser Status?
unknown-explained = Der Computer ist an und verbunden, erkennt aber nicht, ob ihn jemand benutzt. Vielleicht ist die Person nicht am Platz.

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
# $time (String) eine Uhrzeit
there-now = Ortszeit { $time }
# $time (String)
# $span (String)
there-ahead = Ortszeit { $time }, { $span } später als bei dir
# $time (String)
# $span (String)
there-behind = Ortszeit { $time }, { $span } früher als bei dir

## Anklopfen und Winken. Texte über meine eigenen Aktionen enthalten keinen Namen.
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
i-want-to-knock = Dein Klopfen wartet
# $text (String)
i-want-to-knock-saying = Dein Klopfen wartet: { $text }
# $name (String)
knocked = { $name } hat angeklopft
# $name (String)
# $text (String) was geschrieben wurde
knocked-saying = { $name } hat angeklopft: { $text }
# $name (String)
wants-to-knock = { $name } möchte mit dir reden
# $name (String)
# $text (String)
wants-to-knock-saying = { $name } möchte mit dir reden: { $text }
# $answer (String)
i-replied = Du hast geantwortet: { $answer }
# $name (String)
# $answer (String)
replied = { $name } hat geantwortet: { $answer }
waits-for-back = Wird bei der Rückkehr gesendet
waits-for-both = Wird gesendet, wenn ihr beide Zeit habt
sending = Wird gesendet …
sent = Gesendet
sent-unheard = Gesendet, aber noch auf keinem Gerät angekommen
delivered = Angekommen
seen = Gesehen
taken-back = Abgebrochen
knocks = Wer anklopft

## Jemanden erreichen
# $name (String)
reach = { $name } kontaktieren
passed = Zuletzt
own-reply = Oder antworte mit eigenen Worten
ask-to-talk = Um ein Gespräch bitten
a-few-words = Nachricht (optional)
knock-example = Hast du kurz Zeit?
# $limit (Number)
too-long = Höchstens { $limit } Zeichen.
when = Wann es gesendet wird
when-now = Jetzt
when-back = Bis zur Rückkehr warten
when-both-free = Warten, bis wir beide Zeit haben
knock-when-back = Bei der Rückkehr anklopfen
take-back = Klopfen abbrechen
do-not-wait = Ausblenden
answer = Antworten
# $emoji (String)
wave-with = Winken { $emoji }
your-options = Deine Einstellungen zu dieser Person
favourite = Favorit (steht ganz oben)
nickname = Spitzname (siehst nur du)
notices-of = Benachrichtigungen zu dieser Person
notices-usual = Standard
notices-always = Immer
notices-signals = Nur Klopfen und Winken
notices-muted = Keine (stumm)
links = Andere Wege zu dieser Person
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
as-of = Nicht aktuell. Letzter bekannter Stand, { $at }:
nobody-right-now = Gerade niemand.
group-favourites = Favoriten
group-here = Online
group-away = Abwesend
group-offline = Offline
# $group (String) die Überschrift einer Gruppe
# $count (Number)
group-with-count = { $count ->
    [one] { $group }: { $count } Person
   *[other] { $group }: { $count } Personen
}
nobody-else-yet = Hier ist sonst noch niemand.
nobody-at-broker = Bitte die anderen, Porchlight mit derselben Broker-Adresse einzurichten wie du. Sobald sie sich verbinden, erscheinen sie hier.
nobody-in-team = Schick den anderen eine Einladung. Sobald sie sie annehmen, erscheinen sie hier.
withheld = Porchlight kann nicht sagen, wer da ist.
withheld-why = Der Broker gibt es nicht weiter. Was du tun kannst, steht oben.
may-be-withheld = Manche Broker geben gespeicherte Nachrichten nicht weiter. Dann siehst du dein Team erst, wenn sich ein Status ändert.
no-news = Noch ist niemand zu sehen.
no-news-until = Dein Team erscheint hier, sobald Porchlight verbunden ist.
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
problems = Probleme

## Mein Status
my-status = Mein Status
my-status-is = mein Status:
status = Status
hint-automatic = abwesend, wenn du inaktiv bist
hint-invisible = für andere bist du gegangen
my-own-statuses = Gespeicherte Status
# $status (String) der gewählte Status
forget-status = { $status } entfernen
keep = Speichern
set = Status setzen
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
settings-apply = Änderungen gelten sofort
general = Allgemein
saved = Gespeichert
name = Name
away-after = Auf „Abwesend“ setzen nach (Minuten)
start-at-login = Porchlight bei der Anmeldung starten
start-at-login-hint = Sonst bist du für dein Team offline, bis du es selbst startest.
language = Sprache
language-of-system = Systemsprache
my-links = So bin ich erreichbar
my-links-hint = Das ganze Team sieht es: eine Mailadresse, eine Telefonnummer mit Landesvorwahl (+49 …), eine Chat- oder Webadresse.
# $number (Number) die Nummer des Feldes
my-link = Kontakt { $number }
# $number (Number)
remove-link = Kontakt { $number } entfernen
add-link = Kontakt hinzufügen
link-wrong = Das lässt sich nicht öffnen. Gib eine Mailadresse, eine Telefonnummer wie +49 30 1234 oder eine Adresse wie https://… ein.
notifications = Benachrichtigungen
about = Benachrichtigen über
about-hint = Für einzelne Personen änderst du das auf ihrer Seite.
about-everyone = Alle
about-favourites = Favoriten
about-chosen = Nur wer auf „Immer“ steht
about-nobody = Niemanden
they-come = Wenn jemand online kommt
they-go = Wenn jemand offline geht
they-away = Wenn jemand abwesend wird
they-back = Wenn jemand zurück ist
notifications-always = Anklopfen, Winken und die Rückkehr von Leuten, auf die du wartest, meldet Porchlight immer.
quiet-hours = Ruhezeiten
quiet-hours-hint = In dieser Zeit gibt es keine Benachrichtigungen. Wer anklopft, wartet bis zum Ende.
quiet-from = von
quiet-to = bis
not-paused = Benachrichtigungen sind an
# $at (String) ein Zeitpunkt
paused-until = Pausiert bis { $at }
pause = Eine Stunde pausieren
resume = Fortsetzen
notifications-wait = Bist du abwesend, im Gespräch oder auf „Nicht stören“, sammelt Porchlight die Benachrichtigungen und zeigt sie später zusammen.
privacy = Privatsphäre
be-invisible = Offline erscheinen
be-invisible-hint = Andere sehen, dass du gegangen bist. Du siehst sie weiterhin.
calls = Bei Gesprächen
calls-hint = Porchlight merkt, dass ein Mikrofon benutzt wird, aber nicht, von welchem Programm.
calls-hidden = Nichts zeigen
calls-shown = „Im Gespräch“ zeigen
calls-dnd = „Nicht stören“ setzen
desktop-dnd = „Nicht stören“ dieses Computers übernehmen
desktop-dnd-hint = Solange es an ist, sieht auch dein Team „Nicht stören“.
user-topic = Auch ein einfaches Status-Topic veröffentlichen, für Programme ohne Geräteunterstützung
user-topic-hint = Nur bei einem eigenen Broker sinnvoll. In einem Team macht das der Computer, auf dem es läuft.
this-computer = Dieser Computer
troubleshooting = Fehlersuche
copy-diagnostics = Diagnose kopieren
diagnostics = Diagnose
diagnostics-hint = Technische Angaben für einen Fehlerbericht, ohne Namen, Adressen und Geheimnisse.
diagnostics-copied = In die Zwischenablage kopiert.
copy-by-hand = Drück Strg+C, um den Text zu kopieren.

## Ein Team gründen oder ihm beitreten
greeting = Sieh, wer aus deinem Team gerade da ist.
way-start = Team gründen
way-start-hint = Es läuft auf deinem Computer: Ihr seht euch, solange er an ist. Die anderen lädst du ein.
way-link = Ich habe eine Einladung
way-link-hint = Füge den Link ein, den du bekommen hast.
way-nearby = Team in der Nähe suchen
way-nearby-hint = Bitte ein Team in deinem Netz, dich hereinzulassen.
way-broker = Broker benutzen
try-demo = Demo-Team ausprobieren
join-with-invitation = Mit Einladung beitreten
broker-means = Porchlight läuft auch mit jedem MQTT-Broker, den dein Team erreicht. Dann muss niemand ein Team auf dem eigenen Computer betreiben.
# $file (String) der Pfad der Datei
broker-write = Schreib das in { $file }, mit deiner Kennung, deinem Namen und der Adresse des Brokers:
broker-then = Beende Porchlight dann und starte es neu. Die anderen brauchen dieselbe Adresse, aber jede Person eine eigene Kennung.
start-a-team = Team gründen
back-to-demo = Zurück zum Demo-Team
demo = Demo-Team – nichts davon ist echt
start-or-join = Team gründen oder beitreten
held-by-broker = Porchlight benutzt deinen eigenen Broker. Um einem Team beizutreten, nimm den Abschnitt [broker] aus der Konfiguration, starte Porchlight neu und öffne den Link noch mal.
# $team (String) der Name des Teams
held-by-team = Du gehörst zu { $team }. Verlass es zuerst auf der Seite „Team“ und öffne den Link dann noch mal.
# $name (String) wer es gründet
team-of = Team von { $name }
team-name = Name des Teams
team-nameless = Alle, die du einlädst, sehen diesen Namen; er darf nicht leer sein.
start-means = Das Team läuft auf diesem Computer: Ihr seht euch, solange er an ist und Porchlight läuft. Beitreten kann nur, wen du einlädst, und alle Verbindungen sind verschlüsselt.
start = Team gründen
link-from-member = Einladungslink
link-missing = Füge den Link ein, den du bekommen hast.
open-link = Weiter
teams-nearby = Teams in der Nähe
# $count (Number)
count-nearby = { $count ->
    [one] { $count } Team in der Nähe
   *[other] { $count } Teams in der Nähe
}
none-nearby = In diesem Netz ist noch kein Team zu finden. Der Computer, auf dem es läuft, muss an sein.
ask-to-join = Anfragen
# $team (String)
ask-to-join-team = Bei { $team } anfragen
# $team (String)
asking-team = Anfrage bei { $team }
asking = Wird angefragt …
waiting-for-answer = Warten auf die Antwort …
read-digits = Lies jemandem aus dem Team diese vier Ziffern vor:
# $page (String) die Seite des Teams mit ihrem Namen
read-digits-hint = Dort steht deine Anfrage auf der Seite { $page }. Stimmen die Ziffern überein, wirst du hereingelassen.
ask-again = Noch mal anfragen
stop-asking = Anfrage zurückziehen
an-invitation = Einladung
# $team (String)
join-team-question = { $team } beitreten?
# $at (String) ein Host
invitation-at = Der Computer, auf dem dieses Team läuft, hat die Adresse { $at }. Tritt nur bei, wenn du weißt, wer dir diesen Link geschickt hat.
# $at (String) ein Host
invitation-nearby = Der Computer, auf dem dieses Team läuft, hat die Adresse { $at } in deinem Netz. Tritt nur bei, wenn du weißt, wer dir diesen Link geschickt hat.
join = Beitreten
# $team (String)
welcome = Jetzt gehörst du dazu: { $team }
welcome-hint = Zwei Fragen noch. Beides kannst du später in den Einstellungen ändern.
continue = Weiter
not-now = Jetzt nicht
keep-in-file-means = Oder leg das Geheimnis, das dich hereinlässt, in einer Datei ab. Nur dein Konto kann sie öffnen; wer aber an diese Festplatte kommt, kann als du beitreten.
keep-in-file = In einer Datei ablegen

## Das Team
team = Team
# $asking (Number) wie viele beitreten möchten
team-button = { $asking ->
    [0] Team
    [one] Team, { $asking } Person möchte beitreten
   *[other] Team, { $asking } Personen möchten beitreten
}
# $asking (Number)
people-asking = { $asking ->
    [one] { $asking } Person möchte beitreten
   *[other] { $asking } Personen möchten beitreten
}
back-to-people = Zurück zu den Leuten
hosted-here = Läuft auf diesem Computer
hosted-on-mine = Läuft auf einem anderen Computer von dir
# $name (String) wessen Computer es ist
hosted-by = Läuft auf dem Computer von { $name }
# $name (String) der Name des Computers
hosted-on = Läuft auf { $name }
members = Mitglieder
computer-and-team = Dieser Computer und das Team
move-here = Team auf diesen Computer umziehen
move-here-question = Team auf diesen Computer umziehen?
move-here-means = Ab dann läuft das Team auf diesem Computer: Ihr seht euch, solange er an ist. Mitglieder und Einladungen ziehen mit um, und alle folgen von selbst.
move-here-yes = Hierher umziehen
leave-team = Team verlassen
# $team (String)
leave-team-question = { $team } verlassen?
leave-team-yes = Verlassen
leaving-means = Du wirst auf all deinen Geräten abgemeldet und aus allen Listen entfernt. Um zurückzukommen, brauchst du eine neue Einladung.
leaving-host-means = Das Team läuft auf diesem Computer. Ohne ihn sieht niemand mehr jemanden: Zieh das Team zuerst auf einen anderen Computer um. Du wirst auf all deinen Geräten abgemeldet und aus allen Listen entfernt. Um zurückzukommen, brauchst du eine neue Einladung.
leaving-last-means = Das Team läuft auf diesem Computer, und sonst gehört niemand dazu. Es endet damit.

## Mitglieder und ihre Geräte
member-me = du
member-keeper = verwaltet das Team
# $at (String) ein Tag
member-since = dabei seit { $at }
# $name (String)
invited-by = eingeladen von { $name }
# $name (String)
invited-by-left = eingeladen von { $name } (nicht mehr im Team)
# $name (String)
remove-member = { $name } entfernen
# $name (String)
remove-member-question = { $name } entfernen?
remove-member-means = Die Person wird sofort auf all ihren Geräten abgemeldet und aus allen Listen entfernt. Um zurückzukommen, braucht sie eine neue Einladung.
# $name (String) das Mitglied, das sie direkt oder über andere eingeladen hat
# $invited (Number)
remove-with-invited = { $invited ->
    [one] Auch die Person entfernen, die über { $name } ins Team kam
   *[other] Auch die { $invited } Personen entfernen, die über { $name } ins Team kamen
}
# $name (String)
devices-of = Geräte von { $name }
# $at (String) ein Tag
device-this = seit { $at }, dieser Computer
# $at (String) ein Tag
device-never = seit { $at }, noch nicht benutzt
# $at (String) ein Tag
# $here (String) ein Tag
device-since = seit { $at }, zuletzt online { $here }
# $kind (String) die Art des Geräts
# $name (String) wem es gehört
forget-device = Gerät abmelden: { $kind } von { $name }
forget-device-question = Dieses Gerät abmelden?
forget-device-yes = Abmelden
forget-this-means = Diesen Computer benutzt du gerade. Er wird sofort abgemeldet und braucht eine neue Einladung, um zurückzukommen.
forget-mine-means = Es wird sofort abgemeldet und braucht eine neue Einladung, um zurückzukommen. Tu das, wenn du es verloren hast. Deine anderen Geräte bleiben.
forget-theirs-means = Es wird sofort abgemeldet und braucht eine neue Einladung, um zurückzukommen. Tu das, wenn es verloren ging. Die anderen Geräte der Person bleiben.

## Programme, die das Team lesen
programs = Programme mit Zugriff
programs-mean = Diese Programme sehen über den Hub des Teams, wer da ist.
programs-none = Kein Programm sieht, wer da ist.
programs-change = Mit dem Befehl porchlight token fügst du Programme hinzu oder entfernst sie.
programs-ask = Programme hinzufügen oder entfernen kann nur, wer das Team verwaltet.
programs-unknown = Der Hub dieses Teams ist älter und zeigt nicht, welche Programme Zugriff haben. Frag, wer das Team verwaltet.
# $at (String) ein Tag
program-by-me = von dir hinzugefügt, { $at }
# $by (String) wer den Zugriff erlaubt hat
# $at (String) ein Tag
program-by = von { $by } hinzugefügt, { $at }
# $at (String) ein Tag
program-since = hinzugefügt { $at }
# $at (String) ein Tag
program-used = zuletzt gelesen { $at }
program-unused = noch nicht benutzt

## Einladen
invite-for = Für wen?
invite-new = Jemand Neues
invite-mine = Ein weiteres Gerät von mir
invite-uses = Wie oft sie gilt
# $uses (Number)
uses = { $uses ->
    [1] Einmal
   *[other] { $uses }-mal
}
invite-lasts = Wie lange sie gilt
# $days (Number)
days = { $days ->
    [one] { $days } Tag
   *[other] { $days } Tage
}
make-link = Link erstellen
open-on-other = Öffne diesen Link auf deinem anderen Gerät
send-link = Schick diesen Link so, dass nur die Person ihn lesen kann
copy = Kopieren
copied = Kopiert.
copy-marked = Das Kopieren hat nicht geklappt. Der Link ist markiert: Drück Strg+C.
link-as-code = Der Link als QR-Code
# $uses (Number)
# $at (String) ein Zeitpunkt
invite-holds = { $uses ->
    [1] Gilt einmal, bis { $at }. Kopier ihn jetzt: Er wird nicht noch mal gezeigt.
   *[other] Gilt { $uses }-mal, bis { $at }. Kopier ihn jetzt: Er wird nicht noch mal gezeigt.
}
done = Fertig
open-invitations = Offene Einladungen
# $invitation (String) der Text der Einladung
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
# $name (String) wem das Gerät gehört
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

## Beitrittsanfragen
asking-to-be-let-in = Möchten beitreten
# $at (String) ein Zeitpunkt
asked-at = Anfrage { $at }
# $digits (String) eine nach der anderen
code-digits = Ziffern { $digits }
did-they-read = Hat die Person dir diese vier Ziffern vorgelesen?
no = Ablehnen
# $name (String)
keep-out = { $name } ablehnen
let-in = Hereinlassen
# $name (String)
let-name-in = { $name } hereinlassen

## Was die App auf diesem Computer braucht
checks = Prüfung dieses Computers
lacking = Was auf diesem Computer fehlt
check-tray = Symbol in der Leiste
check-notices = Benachrichtigungen
check-idle = Tastatur und Maus
check-lock = Bildschirmsperre
check-keyring = Schlüsselbund
check-there = funktioniert
check-missing = fehlt

## Neuere Versionen
version = Version
# $version (String)
this-version = Porchlight { $version }
updates-by-system = Updates kommen mit den Paketen deines Systems oder von dort, woher du diese Version hast.
check-for-updates = Nach Updates suchen
newer-version = Eine neue Version
# $version (String)
newer-there = Porchlight { $version } ist verfügbar.
newer-take = Aktualisieren
newer-later = Später
# $percent (Number)
newer-fetching = Update wird geladen: { $percent } %
newer-starting = Die neue Version startet. Dein Team sieht dich nicht gehen.

## Weitere Einstellungen
grace = Verbindungsabbrüche verbergen, kürzer als (Sekunden)
grace-hint = Andere bemerken sie nicht.
symbolic-icon = Einfarbiges Symbol in der Leiste
symbolic-icon-hint = Es passt zu den anderen Symbolen dort.
how-much = Was andere sehen, wenn du abwesend bist
how-much-full = Warum und seit wann
how-much-coarse = Nur, dass du abwesend bist
preview = Dein Team sieht:
# $name (String)
# $status (String) der eigene Status
others-see = Gerade sehen andere: { $name }, { $status }. Außerdem sehen sie, was für einen Computer du benutzt, deine Zeitzone und wie du erreichbar bist.
# $status (String) der eigene Status, solange keine Verbindung besteht
unsent = Nach dem Verbinden: { $status }
