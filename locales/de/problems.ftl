### Probleme und was man dagegen tun kann. Auf Englisch kommt der Text aus dem Programm selbst und erscheint unter den
### Einzelheiten. Jede Kennung ist der Code des Problems, mit Bindestrichen.

## Die Verbindung zum Broker oder zum Hub
problem-unreachable = Dort antwortet niemand. Prüf die Adresse und ob du im richtigen Netz bist.
problem-timed-out = Dort kommt zu lange keine Antwort. Prüf, ob die Adresse wirklich zu einem Broker führt.
problem-tls = Es kam keine sichere Verbindung zustande. Prüf die Adresse, die Zertifikate und die Uhr dieses Computers.
problem-other-certificate = Das ist nicht der Hub, der dich eingeladen hat: Sein Zertifikat ist ein anderes. Bitte um einen neuen Link, falls das Team neu eingerichtet wurde; sonst trau der Adresse nicht.
problem-sign-in = Vielleicht will dieses Netz, dass du dich erst anmeldest. Öffne irgendeine Webseite und sieh nach; wenn nicht, prüf die Adresse.
problem-proxy-unreachable = Dort, wo der Proxy sein soll, antwortet niemand. Prüf dein Netz und die Adresse des Proxys in der Konfiguration oder in der Umgebungsvariable https_proxy.
problem-no-http-proxy = Was dort antwortet, ist kein HTTP-Proxy, der Verbindungen herstellt. Berichtige die Adresse des Proxys in der Konfiguration oder in der Umgebungsvariable https_proxy.
problem-proxy-login = Der Proxy verlangt eine andere Anmeldung. Trag Benutzername und Passwort so ein: http://NAME:PASSWORT@proxy:port
problem-proxy-refused = Der Proxy erlaubt keine Verbindungen zu dieser Adresse. Bitte den Betreiber, Adresse und Port freizugeben. Geht es auch ohne Proxy, trag den Host in die Umgebungsvariable no_proxy ein.
problem-proxy-not-connected = Der Proxy erreicht den Broker oder Hub nicht, oder er meldet sich nicht rechtzeitig. Prüf, ob der Computer am anderen Ende läuft und ob die Adresse stimmt.
problem-bad-credentials = Der Broker nimmt diesen Namen und dieses Passwort nicht an. Berichtige beides in der Konfiguration.
problem-user-name-missing = Dieser Broker spricht nur MQTT 3.1.1, und da gehört zu jedem Passwort ein Benutzername. Trag einen in der Konfiguration ein.
problem-not-authorized = Der Broker lässt dich nicht herein. Frag, wer ihn betreibt.
problem-refused = Der Broker hat die Verbindung abgelehnt. Frag, wer ihn betreibt.
problem-server-moved = Der Broker verweist auf einen anderen. Frag, wer ihn betreibt, und berichtige die Adresse in der Konfiguration.
problem-quota-exceeded = Beim Broker ist eine Grenze erreicht. Frag, wer ihn betreibt, ob sie sich anheben lässt.
problem-broker-unsuitable = Dem Broker fehlt etwas, das Porchlight braucht. Frag, wer ihn betreibt, oder nimm einen anderen.
problem-disconnected = Der Broker hat die Verbindung beendet. Porchlight versucht es von selbst wieder; bleibt es dabei, frag, wer ihn betreibt.
problem-taken-over = Eine andere Verbindung hat diese abgelöst. Porchlight versucht es gleich von selbst wieder.
problem-one-connection = Der Broker erlaubt für diese Anmeldung nur eine Verbindung, und ein anderes Gerät oder Programm benutzt sie gerade. Gib jedem Gerät eine eigene Anmeldung, oder bitte den Betreiber, mehr Verbindungen zu erlauben.
problem-no-connack = Der Broker nimmt die Verbindung nicht rechtzeitig an. Vielleicht ist er überlastet, oder die Adresse führt nicht zu einem Broker.
problem-no-suback = Der Broker nimmt die Verbindung an, antwortet dann aber nicht. Bitte den Betreiber, ins Protokoll des Brokers zu sehen oder ihn neu zu starten.
problem-no-puback = Der Broker nimmt die Verbindung an, bestätigt aber nicht, was Porchlight veröffentlicht. Bitte den Betreiber, ins Protokoll des Brokers zu sehen oder ihn neu zu starten.
problem-publish-unconfirmed = Der Broker bestätigt nicht, was dieses Gerät veröffentlicht; vielleicht sehen die anderen es nicht. Frag, wer ihn betreibt.
problem-will-connection-refused = Der Broker erlaubt für diese Anmeldung nur eine Verbindung. Einfache Programme zeigen dich nach einem Absturz vielleicht noch eine Weile als online. Bitte den Betreiber um zwei Verbindungen je Anmeldung, oder setz `user_topic = false` in der Konfiguration.
problem-broken = Die Verbindung ist abgebrochen. Porchlight versucht es von selbst wieder; prüf sonst dein Netz.
problem-protocol = Der Broker spricht ein anderes MQTT als wir. Prüf die Adresse, oder bring den Broker auf einen neueren Stand.
problem-host-asleep = Der Computer, auf dem das Team läuft, ist im Ruhezustand. Weck ihn auf, oder warte, bis er wieder da ist.
problem-host-left = Der Computer, auf dem das Team läuft, ist aus, oder Porchlight wurde dort beendet. Schalte ihn ein, oder warte, bis er wieder da ist.
problem-host-lost = Der Computer, auf dem das Team läuft, hat keine Verbindung mehr. Warte, oder prüf dort das Netz.
problem-subscription-refused = Der Broker lässt uns nicht alles lesen. Bitte den Betreiber um die Zugriffsregeln aus docs/protocol.md.
problem-retain-unavailable = Dieser Broker speichert keine Nachrichten, also sieht hier niemand, wer da ist. Bitte den Betreiber, gespeicherte Nachrichten zu erlauben, oder nimm einen anderen Broker.
problem-wildcards-unavailable = Dieser Broker nimmt keine Filter mit Platzhaltern, also sehen wir nicht, wer da ist. Bitte den Betreiber, sie zu erlauben, oder nimm einen anderen Broker.
problem-retained-withheld = Dieser Broker gibt gespeicherte Nachrichten nicht für Filter mit Platzhaltern heraus, wie zum Beispiel RabbitMQ. Deshalb sehen wir nicht, wer da ist. Nimm den Hub von Porchlight oder einen anderen Broker, etwa Mosquitto.
problem-publish-refused = Der Broker lässt uns nichts veröffentlichen. Bitte den Betreiber um die Zugriffsregeln aus docs/protocol.md.
problem-device-renewed = Ein anderer Computer war dasselbe Gerät wie dieser, wie nach dem Kopieren einer Festplatte. Dieser ist nun ein neues Gerät; du musst nichts weiter tun.

## Beitreten und einladen
problem-no-invitation = Das ist keine Einladung. Füge den ganzen Link ein; er beginnt mit porchlight://join
problem-newer-invitation = Diese Einladung stammt von einem neueren Porchlight. Aktualisiere deins und öffne sie noch mal.
problem-broken-invitation = An dieser Einladung fehlt etwas. Kopier den ganzen Link noch mal, oder bitte um einen neuen.
problem-token-unknown = Dieser Link lässt niemanden herein: Er wurde zurückgenommen oder gehört zu einem anderen Team. Bitte um einen neuen.
problem-token-expired = Dieser Link ist abgelaufen. Bitte um einen neuen.
problem-token-used-up = Dieser Link wurde schon so oft benutzt, wie er darf. Bitte um einen eigenen.
problem-bad-name = Diesen Namen können andere nicht lesen. Nimm einen, in dem Buchstaben stehen.
problem-no-name = Es fehlt ein Name. Schreib einen, den die anderen sehen sollen.
problem-full = Es ist kein Platz mehr: Das Team hat so viele Mitglieder, oder du so viele Geräte, wie es geben darf. Entfernt zuerst etwas davon.
problem-too-many-attempts = Das waren zu viele Versuche aus diesem Netz. Warte ein paar Minuten und versuch es noch mal.
problem-request-refused = Jemand aus dem Team hat deine Anfrage abgelehnt. Bitte um eine Einladung.
problem-no-search = Im Netz lässt sich nicht nach Teams suchen. Tritt mit einem Link bei.
problem-no-hub = Was dort antwortet, ist kein Hub eines Teams, den wir verstehen. Aktualisiere Porchlight, oder bitte um einen neuen Link.
problem-member-already = Du gehörst schon zu einem Team. Verlass es zuerst.

## Das Team
problem-not-signed-in = Das Team kennt dieses Gerät nicht mehr: Du wurdest entfernt, oder das Gerät wurde vergessen. Bitte um einen neuen Link.
problem-not-allowed = Das darf nur, wer das Team verwaltet. Frag dort nach.
problem-last-owner = Nur du verwaltest dieses Team. Entferne zuerst die anderen, oder gib noch jemandem dieses Recht: mit „porchlight hub --invite“ auf dem Computer, auf dem das Team läuft.
problem-not-found = Das gibt es nicht mehr. Sieh noch mal in der Liste nach.
problem-too-many-invited = Deine offenen Links dürfen zusammen höchstens 20 Leute hereinlassen. Wähl weniger Male, oder nimm erst einen zurück.
problem-not-saved = Der Hub kann es nicht behalten, weil seine Festplatte voll oder schreibgeschützt ist. Sag es der Person, auf deren Computer das Team läuft.
problem-bad-request = Der Hub hat die Anfrage nicht verstanden. Aktualisiere Porchlight, hier und auf dem Computer, auf dem das Team läuft.
problem-hosts-team = Auf diesem Computer läuft das Team für andere. Zieh es zuerst auf den Computer eines anderen Mitglieds um, dann kannst du austreten.
problem-hosts-already = Auf diesem Computer läuft schon ein Team.
problem-not-reachable = Der bisherige Computer des Teams erreicht den neuen nicht. Öffne den Port in der Firewall des neuen Computers; „porchlight doctor“ nennt den Befehl.
problem-arriving = Dieser Computer übernimmt gerade das Team. Versuch es gleich noch mal.
problem-backup-serves = Das entscheidet nur der Computer, auf dem das Team läuft, und er ist gerade nicht da. Versuch es wieder, wenn er zurück ist.
problem-standby = Der Computer, auf dem das Team läuft, geht gerade schlafen oder wird beendet. Versuch es gleich noch mal.
problem-in-use = Dieses Gerät ist schon im Team.
problem-interrupted = Porchlight wurde geschlossen, bevor das fertig war. Alles ist wie vorher; versuch es noch mal.
problem-operation-damaged = Porchlight kann nicht lesen, was es zuletzt angefangen hat. Aktualisiere Porchlight; hilft das nicht, lösche die Datei „membership-operation.json“ und tritt noch mal bei.
problem-request-expired = Niemand hat deine Anfrage rechtzeitig beantwortet. Frag noch mal, oder bitte um einen Link.
problem-internal = Porchlight hat einen Fehler. Starte es neu; passiert es wieder, melde ihn bitte.
problem-moved = Das Team ist auf einen anderen Computer umgezogen. Öffne Porchlight neu, oder bitte um einen neuen Link.
problem-unknown = Der Hub hat aus einem Grund abgelehnt, den diese Version nicht kennt. Aktualisiere Porchlight und versuch es noch mal.
problem-no-team = Du gehörst auf diesem Computer zu keinem Team. Gründe eins, oder tritt einem bei.
problem-busy = Porchlight ist noch mit deiner letzten Anfrage beschäftigt. Warte einen Moment und versuch es noch mal.
problem-move = Das Team ließ sich nicht auf diesen Computer umziehen. Es läuft weiter, wo es war; versuch es noch mal.

## Die Zugangsdaten dieses Geräts
problem-keyring-absent = Es läuft kein Schlüsselbund. Starte den GNOME-Schlüsselbund, KWallet oder KeePassXC und versuch es noch mal.
problem-keyring-locked = Der Schlüsselbund ist gesperrt. Entsperr ihn, zum Beispiel durch Anmelden am Desktop, und versuch es noch mal.
problem-keyring-refused = Der Schlüsselbund ist noch gesperrt, weil das Fenster für sein Passwort geschlossen wurde. Versuch es noch mal und gib das Passwort ein.
problem-keyring-failed = Der Schlüsselbund antwortet nicht. Melde dich ab und wieder an, und versuch es noch mal.
problem-credential-missing = Das Geheimnis, das dieses Gerät ins Team lässt, fehlt oder ist beschädigt. Tritt mit einem neuen Link für ein weiteres Gerät von dir noch mal bei.
problem-membership-damaged = Porchlight kann nicht mehr lesen, zu welchem Team du gehörst. Tritt mit einem neuen Link für ein weiteres Gerät von dir noch mal bei.
problem-membership-not-saved = Porchlight kann nicht speichern, zu welchem Team du gehörst. Prüf, ob im Ordner Platz ist und ob man dort schreiben darf.

## Der Hub auf diesem Computer
problem-hub = Der Hub auf diesem Computer ist nicht gestartet. Behebe, was unten steht, und starte Porchlight neu.
problem-hub-ended = Der Hub auf diesem Computer hat sich beendet. Starte Porchlight neu.
problem-port-taken = Ein anderes Programm benutzt den üblichen Port, darum nimmt der Hub einen anderen. Beende jenes Programm, oder trag den neuen Port bei allen ein, die sich verbinden.
problem-door-taken = Ein anderes Programm benutzt den üblichen Port des Teams, darum nimmt das Team einen anderen. Neue Links enthalten ihn. Für alle anderen beende jenes Programm und starte Porchlight neu.
problem-other-hub = Auf diesem Computer läuft noch ein Hub. Beende einen der beiden.
problem-anonymous = Wer diese Adresse erreicht, kann alles sehen und ändern. Nutze das nur in einem Netz, dem du vertraust.
problem-nobody-may-read = Noch darf kein Programm mitlesen. Erstelle mit --new-token ein Token und gib ihm einen Namen.
problem-plain-http = Tokens gehen hier unverschlüsselt durchs Netz. Nutze das nur in einem Netz, dem du vertraust, oder setz einen Webserver mit Zertifikat davor.
problem-store-not-writable = Der Hub kann nichts speichern; nach seinem Neustart wäre es vergessen. Mach Platz, oder mach den Ordner beschreibbar.
problem-team-not-saved = Änderungen am Team lassen sich nicht speichern: Wer entfernt wurde, ist draußen, käme nach einem Neustart des Hubs aber wieder herein. Mach Platz, oder mach den Ordner beschreibbar.
problem-store-in-use = Ein anderer Hub benutzt denselben Ordner; nach einem Neustart wäre hier alles vergessen. Beende den anderen, oder gib diesem einen eigenen Ordner.
problem-store-damaged = Ein Teil des Gespeicherten war nicht zu lesen und liegt nun daneben. Er zeigt sich wieder, sobald sich jedes Gerät neu verbunden hat; lösch die Datei, wenn du sie nicht mehr brauchst.
problem-certificate-kept = Das erneuerte Zertifikat der öffentlichen Adresse ist nicht zu gebrauchen, darum bleibt das alte. Behebe, was unten steht; der Hub liest die Dateien von selbst wieder.
problem-key-readable = Jeder auf diesem Computer kann den Schlüssel der öffentlichen Adresse lesen und sich damit als dieser Hub ausgeben. Nimm den anderen das Recht, ihn zu lesen.
problem-not-announced = Im Netz lässt sich nicht zeigen, dass das Team da ist. Lade mit Links ein, die gehen trotzdem.
problem-runtime-file = Programme auf diesem Computer finden den Hub nicht von selbst. Gib ihnen seine Adresse.

## Dieser Computer und seine Einrichtung
problem-activity-unknown = Dieser Desktop verrät nicht, ob jemand an der Tastatur sitzt. Darum giltst du als online. Was du tun kannst, steht unten.
problem-config = Die Konfiguration lässt sich nicht lesen oder schreiben. Berichtige sie, wie unten steht.
problem-settings = Das lässt sich so nicht einstellen. Ändere, was unten steht.
problem-preferences = Porchlight kann deine Favoriten, Spitznamen und eigenen Status nicht lesen oder speichern. Prüf die Datei, die unten steht.
problem-state-not-saved = Der Zustand dieses Geräts lässt sich nicht speichern. Mach Platz, oder mach den Ordner beschreibbar.
problem-autostart = Der Start bei der Anmeldung ließ sich nicht umstellen. Versuch es noch mal, oder stell es in den Systemeinstellungen um.
problem-already-running = Ein anderes Programm ist schon als dieses Gerät da. Beende es und versuch es noch mal.
problem-no-user = Deine Kennung fehlt. Schreib sie in die Konfiguration und starte Porchlight neu.
problem-no-broker = Die Adresse deines Brokers fehlt. Schreib sie in die Konfiguration und starte Porchlight neu.
problem-demo = Das Demo-Team ist nicht gestartet. Starte Porchlight neu und versuch es noch mal.
problem-stopping = Porchlight wird gerade beendet. Starte es neu und versuch es noch mal.

## Warum ein Anklopfen oder Winken nicht gesendet wurde
# $name (String) die Person, an die es ging
failure-offline = { $name } ist offline; klopf an, wenn die Person zurück ist
failure-invisible = Du bist unsichtbar, und das würde zeigen, dass du da bist; wähl zuerst einen anderen Status
failure-link-down = Deine eigene Verbindung war zu lange weg; versuch es noch mal, wenn sie wieder steht
failure-unconfirmed = Der Broker hat nicht bestätigt, dass er es weitergibt; versuch es noch mal, oder frag, wer ihn betreibt
failure-not-known = Unter diesem Namen ist hier niemand bekannt; sieh in der Liste nach, wer da ist
failure-myself = Das bist du selbst; such dir jemand anderen aus
failure-too-long = Das ist zu lang; kürz es und versuch es noch mal
failure-too-many = Das war erst mal oft genug; versuch es in einer Minute noch mal
failure-refused = Der Broker gibt das nicht weiter; bitte den Betreiber um die Zugriffsregeln aus docs/protocol.md

## Prüfungen: Was auf diesem Computer fehlt
check-tray-missing = Dieser Desktop zeigt keine Symbole in der Leiste. Schalte sie dort ein; unter GNOME installiere die Erweiterung AppIndicator. Bis dahin wird das Fenster beim Schließen nur verkleinert.
check-notices-missing = Es läuft kein Benachrichtigungsdienst. Starte den deines Desktops, oder installiere einen, zum Beispiel dunst oder mako.
check-idle-missing = Porchlight kann nicht erkennen, ob jemand an der Tastatur sitzt. Abwesend bist du dann nur bei gesperrtem Bildschirm, oder wenn du es selbst wählst.
check-lock-missing = Porchlight kann nicht erkennen, ob der Bildschirm gesperrt ist. Ein gesperrter Bildschirm zählt als Zeit ohne Eingabe.
check-keyring-missing = Es läuft kein Schlüsselbund. Starte den GNOME-Schlüsselbund, KWallet oder KeePassXC. Ohne einen fragt Porchlight, ob es das Geheimnis in einer Datei ablegen darf.

## Neuere Versionen
problem-newer-not-fetched = Das Update konnte nicht geladen werden. Versuch es später noch mal.
problem-newer-not-installed = Das Update konnte nicht eingespielt werden. Verschieb Porchlight in einen Ordner, in den du schreiben darfst.

## Kontaktlinks
problem-no-such-link = Die Person gibt diesen Kontakt nicht mehr an. Nimm einen anderen.
problem-link-not-opened = Kein Programm hier öffnet solche Links. Wähle eins in den Einstellungen deines Desktops.
