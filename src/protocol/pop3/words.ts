/** What a POP3 server says to people, in the languages that LANG offers. RFC 6856 §3. Programs read the codes, not these. */

/** One language: every sentence that follows +OK or -ERR. */
export interface Words {
  /** RFC 5646. */
  readonly tag: string
  /** The language's own name. */
  readonly name: string
  readonly languageChanged: string
  readonly languages: string
  readonly noSuchLanguage: string
  readonly signedIn: (messages: number) => string
  readonly nowPassword: string
  readonly wrong: string
  readonly signInFirst: string
  readonly signedInAlready: string
  readonly userFirst: string
  readonly needsTls: string
  readonly beginTls: string
  readonly tlsInUse: string
  readonly tlsMissing: string
  readonly cancelled: string
  readonly notBase64: string
  readonly mechanisms: string
  readonly mechanismUnknown: string
  readonly usage: (syntax: string) => string
  readonly unknownCommand: string
  readonly lineTooLong: string
  readonly notUtf8: string
  readonly tooMuchAhead: string
  readonly tooManyErrors: string
  readonly capabilities: string
  readonly listed: (messages: number, bytes: number) => string
  readonly uniqueIds: string
  readonly octets: (bytes: number) => string
  readonly noSuchMessage: string
  readonly removedElsewhere: string
  readonly unreadable: string
  readonly marked: (message: number) => string
  readonly unmarked: string
  readonly here: string
  readonly utf8On: string
  readonly utf8Already: string
  readonly goodbye: (removed: number) => string
  readonly notRemoved: string
  readonly inUse: string
  readonly tooSoon: string
  readonly tryLater: string
  readonly notPermitted: string
  readonly stopping: string
}

const english: Words = {
  tag: 'en',
  name: 'English',
  languageChanged: 'English it is',
  languages: 'Languages',
  noSuchLanguage: 'That language is not spoken here',
  signedIn: (messages) => `${messages} messages`,
  nowPassword: 'Now the password',
  wrong: 'Name or password is wrong',
  signInFirst: 'Sign in first',
  signedInAlready: 'You have signed in already',
  userFirst: 'Say USER first',
  needsTls: 'Give STLS first',
  beginTls: 'Begin TLS',
  tlsInUse: 'TLS is in use already',
  tlsMissing: 'TLS is not available',
  cancelled: 'Authentication cancelled',
  notBase64: 'Not base64',
  mechanisms: 'Mechanisms',
  mechanismUnknown: 'Mechanism not offered',
  usage: (syntax) => `Say ${syntax}`,
  unknownCommand: 'Unknown command',
  lineTooLong: 'Line too long',
  notUtf8: 'Not UTF-8',
  tooMuchAhead: 'Too much data sent ahead',
  tooManyErrors: 'Too many errors',
  capabilities: 'Capabilities',
  listed: (messages, bytes) => `${messages} messages (${bytes} octets)`,
  uniqueIds: 'Unique ids',
  octets: (bytes) => `${bytes} octets`,
  noSuchMessage: 'No such message',
  removedElsewhere: 'The message was removed by another client',
  unreadable: 'The message cannot be read from the disk',
  marked: (message) => `Message ${message} is marked`,
  unmarked: 'Nothing is marked',
  here: 'Still here',
  utf8On: 'UTF-8 from now on',
  utf8Already: 'UTF-8 is on already',
  goodbye: (removed) => (removed === 0 ? 'Goodbye' : `Goodbye, ${removed} removed`),
  notRemoved: 'Some messages were not removed, try again later',
  inUse: 'Another session has this maildrop',
  tooSoon: 'You were here a moment ago, try again later',
  tryLater: 'Something went wrong here, try again later',
  notPermitted: 'That is not permitted',
  stopping: 'The server stops, try again later',
}

const german: Words = {
  tag: 'de',
  name: 'Deutsch',
  languageChanged: 'Deutsch also',
  languages: 'Sprachen',
  noSuchLanguage: 'Diese Sprache wird hier nicht gesprochen',
  signedIn: (messages) => `${messages} Nachrichten`,
  nowPassword: 'Jetzt das Passwort',
  wrong: 'Name oder Passwort ist falsch',
  signInFirst: 'Bitte zuerst anmelden',
  signedInAlready: 'Sie sind schon angemeldet',
  userFirst: 'Zuerst USER',
  needsTls: 'Zuerst STLS',
  beginTls: 'TLS beginnt',
  tlsInUse: 'TLS ist schon an',
  tlsMissing: 'TLS gibt es hier nicht',
  cancelled: 'Anmeldung abgebrochen',
  notBase64: 'Kein base64',
  mechanisms: 'Verfahren',
  mechanismUnknown: 'Dieses Verfahren wird nicht angeboten',
  usage: (syntax) => `Erwartet: ${syntax}`,
  unknownCommand: 'Unbekannter Befehl',
  lineTooLong: 'Zeile zu lang',
  notUtf8: 'Kein UTF-8',
  tooMuchAhead: 'Zu viel im Voraus gesendet',
  tooManyErrors: 'Zu viele Fehler',
  capabilities: 'Fähigkeiten',
  listed: (messages, bytes) => `${messages} Nachrichten (${bytes} Bytes)`,
  uniqueIds: 'Eindeutige Kennungen',
  octets: (bytes) => `${bytes} Bytes`,
  noSuchMessage: 'Diese Nachricht gibt es nicht',
  removedElsewhere: 'Ein anderes Programm hat die Nachricht entfernt',
  unreadable: 'Die Nachricht kann nicht von der Platte gelesen werden',
  marked: (message) => `Nachricht ${message} ist vorgemerkt`,
  unmarked: 'Nichts ist vorgemerkt',
  here: 'Noch da',
  utf8On: 'Ab jetzt UTF-8',
  utf8Already: 'UTF-8 ist schon an',
  goodbye: (removed) => (removed === 0 ? 'Auf Wiedersehen' : `Auf Wiedersehen, ${removed} entfernt`),
  notRemoved: 'Einige Nachrichten wurden nicht entfernt, bitte später noch einmal',
  inUse: 'Eine andere Sitzung hat dieses Postfach',
  tooSoon: 'Sie waren eben erst hier, bitte später noch einmal',
  tryLater: 'Hier ging etwas schief, bitte später noch einmal',
  notPermitted: 'Das ist nicht erlaubt',
  stopping: 'Der Server hält an, bitte später noch einmal',
}

const spanish: Words = {
  tag: 'es',
  name: 'Español',
  languageChanged: 'Ahora en español',
  languages: 'Idiomas',
  noSuchLanguage: 'Ese idioma no se habla aquí',
  signedIn: (messages) => `${messages} mensajes`,
  nowPassword: 'Ahora la contraseña',
  wrong: 'El nombre o la contraseña no es correcto',
  signInFirst: 'Primero hay que iniciar sesión',
  signedInAlready: 'La sesión ya está iniciada',
  userFirst: 'Primero USER',
  needsTls: 'Primero STLS',
  beginTls: 'Empieza TLS',
  tlsInUse: 'TLS ya está en uso',
  tlsMissing: 'TLS no está disponible',
  cancelled: 'Autenticación cancelada',
  notBase64: 'No es base64',
  mechanisms: 'Mecanismos',
  mechanismUnknown: 'Ese mecanismo no se ofrece',
  usage: (syntax) => `Se espera: ${syntax}`,
  unknownCommand: 'Orden desconocida',
  lineTooLong: 'Línea demasiado larga',
  notUtf8: 'No es UTF-8',
  tooMuchAhead: 'Demasiado enviado por adelantado',
  tooManyErrors: 'Demasiados errores',
  capabilities: 'Capacidades',
  listed: (messages, bytes) => `${messages} mensajes (${bytes} octetos)`,
  uniqueIds: 'Identificadores únicos',
  octets: (bytes) => `${bytes} octetos`,
  noSuchMessage: 'No existe ese mensaje',
  removedElsewhere: 'Otro programa eliminó el mensaje',
  unreadable: 'No se puede leer el mensaje del disco',
  marked: (message) => `El mensaje ${message} está marcado`,
  unmarked: 'No hay nada marcado',
  here: 'Sigo aquí',
  utf8On: 'UTF-8 desde ahora',
  utf8Already: 'UTF-8 ya está activo',
  goodbye: (removed) => (removed === 0 ? 'Adiós' : `Adiós, ${removed} eliminados`),
  notRemoved: 'Algunos mensajes no se eliminaron, inténtelo más tarde',
  inUse: 'Otra sesión tiene este buzón',
  tooSoon: 'Acaba de estar aquí, inténtelo más tarde',
  tryLater: 'Algo falló aquí, inténtelo más tarde',
  notPermitted: 'Eso no está permitido',
  stopping: 'El servidor se detiene, inténtelo más tarde',
}

const french: Words = {
  tag: 'fr',
  name: 'Français',
  languageChanged: 'En français maintenant',
  languages: 'Langues',
  noSuchLanguage: "Cette langue n'est pas parlée ici",
  signedIn: (messages) => `${messages} messages`,
  nowPassword: 'Le mot de passe maintenant',
  wrong: 'Nom ou mot de passe incorrect',
  signInFirst: "Identifiez-vous d'abord",
  signedInAlready: 'Vous êtes déjà identifié',
  userFirst: "USER d'abord",
  needsTls: "STLS d'abord",
  beginTls: 'TLS commence',
  tlsInUse: 'TLS est déjà actif',
  tlsMissing: "TLS n'est pas disponible",
  cancelled: 'Authentification annulée',
  notBase64: "Ce n'est pas du base64",
  mechanisms: 'Mécanismes',
  mechanismUnknown: "Ce mécanisme n'est pas proposé",
  usage: (syntax) => `Attendu : ${syntax}`,
  unknownCommand: 'Commande inconnue',
  lineTooLong: 'Ligne trop longue',
  notUtf8: "Ce n'est pas de l'UTF-8",
  tooMuchAhead: "Trop de données envoyées d'avance",
  tooManyErrors: "Trop d'erreurs",
  capabilities: 'Capacités',
  listed: (messages, bytes) => `${messages} messages (${bytes} octets)`,
  uniqueIds: 'Identifiants uniques',
  octets: (bytes) => `${bytes} octets`,
  noSuchMessage: "Ce message n'existe pas",
  removedElsewhere: 'Un autre programme a supprimé le message',
  unreadable: 'Le message ne peut pas être lu sur le disque',
  marked: (message) => `Le message ${message} est marqué`,
  unmarked: "Rien n'est marqué",
  here: 'Toujours là',
  utf8On: 'UTF-8 à partir de maintenant',
  utf8Already: 'UTF-8 est déjà actif',
  goodbye: (removed) => (removed === 0 ? 'Au revoir' : `Au revoir, ${removed} supprimés`),
  notRemoved: "Certains messages n'ont pas été supprimés, réessayez plus tard",
  inUse: 'Une autre session utilise cette boîte',
  tooSoon: 'Vous étiez là il y a un instant, réessayez plus tard',
  tryLater: "Une erreur s'est produite ici, réessayez plus tard",
  notPermitted: "Ce n'est pas permis",
  stopping: "Le serveur s'arrête, réessayez plus tard",
}

/** The first is the one that a session begins with: ASCII only, since no client has asked for more. RFC 6856 §3.2. */
export const languages: readonly [Words, ...Words[]] = [english, german, spanish, french]

/** The language of a basic language range: exact, or its primary tag (`de-CH` finds `de`). RFC 4647 §3.4, lookup. */
export function languageFor(range: string): Words | undefined {
  if (range === '*') return languages[0]
  const primary = range.toLowerCase().split('-')[0]
  return languages.find(({ tag }) => tag === primary)
}
