/** The rows of the embedded engine: its schema as forward-only migrations. docs/architecture.md §4–§10 says what the columns mean. */
import type { Database } from './driver.ts'

/** Each entry is run once, in order, in a transaction of its own; the store's version is how many have run. Never edit one that was released. */
const migrations: readonly string[] = [
  `
  CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- How far the rows have followed the redo log, and the epoch of the newest start.
  CREATE TABLE log (id INTEGER PRIMARY KEY CHECK (id = 1), segment INTEGER NOT NULL, position INTEGER NOT NULL,
    sequence INTEGER NOT NULL, epoch INTEGER NOT NULL,
    -- Ids are given by the writer, never twice; here rather than AUTOINCREMENT, which writes a row of its own per insert.
    nextContent INTEGER NOT NULL, nextEmail INTEGER NOT NULL, nextEntry INTEGER NOT NULL, nextRecipient INTEGER NOT NULL);
  INSERT INTO log VALUES (1, 1, 0, 0, 0, 1, 1, 1, 1);

  CREATE TABLE domain (name TEXT PRIMARY KEY) WITHOUT ROWID;

  CREATE TABLE account (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, disabled INTEGER NOT NULL DEFAULT 0,
    quotaBytes INTEGER NOT NULL DEFAULT 0, usedBytes INTEGER NOT NULL DEFAULT 0, usedMessages INTEGER NOT NULL DEFAULT 0,
    modSeq INTEGER NOT NULL DEFAULT 1, uidValidity INTEGER NOT NULL);

  CREATE TABLE credential (id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account(id), type TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '', value TEXT NOT NULL, UNIQUE (account, type, name));

  CREATE TABLE alias (address TEXT PRIMARY KEY, targets TEXT NOT NULL) WITHOUT ROWID;

  -- Names of an account's flag bits beyond the well-known ones.
  CREATE TABLE keyword (account INTEGER NOT NULL, bit INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, bit)) WITHOUT ROWID;

  CREATE TABLE mailbox (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL REFERENCES account(id), name TEXT NOT NULL,
    role TEXT, uidValidity INTEGER NOT NULL, uidNext INTEGER NOT NULL DEFAULT 1, highestModSeq INTEGER NOT NULL DEFAULT 1,
    recentUid INTEGER NOT NULL DEFAULT 1, messages INTEGER NOT NULL DEFAULT 0, unseen INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0, sizeBytes INTEGER NOT NULL DEFAULT 0, UNIQUE (account, name));

  CREATE TABLE subscription (account INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, name)) WITHOUT ROWID;

  -- The bytes that arrived, and what FETCH says of them. segment 0: the file large/<file>.
  CREATE TABLE content (id INTEGER PRIMARY KEY, digest BLOB NOT NULL, size INTEGER NOT NULL, segment INTEGER NOT NULL,
    position INTEGER NOT NULL, file TEXT, refs INTEGER NOT NULL, sentDay INTEGER,
    envelope TEXT NOT NULL, body TEXT NOT NULL, bodyStructure TEXT NOT NULL);
  CREATE INDEX contentFree ON content (id) WHERE refs = 0;
  CREATE INDEX contentSegment ON content (segment);
  CREATE INDEX contentFile ON content (file) WHERE file IS NOT NULL;

  -- Live bytes in each segment, for the sweep.
  CREATE TABLE segmentUse (segment INTEGER PRIMARY KEY, liveBytes INTEGER NOT NULL);

  CREATE TABLE email (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, content INTEGER NOT NULL, refs INTEGER NOT NULL,
    dateMs INTEGER NOT NULL, dateOffset INTEGER NOT NULL, size INTEGER NOT NULL, thread INTEGER NOT NULL, prefix TEXT NOT NULL);
  CREATE INDEX emailFree ON email (id) WHERE refs = 0;

  CREATE TABLE message (mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, modSeq INTEGER NOT NULL, email INTEGER NOT NULL,
    low INTEGER NOT NULL, high INTEGER NOT NULL, savedMs INTEGER NOT NULL, uidl TEXT, PRIMARY KEY (mailbox, uid)) WITHOUT ROWID;

  -- Which thread a (subject, message id) of an account belongs to.
  CREATE TABLE threadKey (account INTEGER NOT NULL, key INTEGER NOT NULL, thread INTEGER NOT NULL, PRIMARY KEY (account, key)) WITHOUT ROWID;

  CREATE TABLE expunged (mailbox INTEGER NOT NULL, modSeq INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    atMs INTEGER NOT NULL, PRIMARY KEY (mailbox, modSeq, first)) WITHOUT ROWID;

  -- A user's own \\Seen in a shared mailbox.
  CREATE TABLE seen (account INTEGER NOT NULL, mailbox INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (account, mailbox, first)) WITHOUT ROWID;

  CREATE TABLE ledger (arrivalId TEXT NOT NULL, n INTEGER NOT NULL, recipient TEXT NOT NULL, acceptedMs INTEGER NOT NULL,
    outcome TEXT NOT NULL, endedMs INTEGER, detail TEXT, PRIMARY KEY (arrivalId, n)) WITHOUT ROWID;

  CREATE TABLE queueEntry (id INTEGER PRIMARY KEY, arrivalId TEXT NOT NULL, content INTEGER NOT NULL,
    reversePath TEXT NOT NULL, prefix TEXT NOT NULL, size INTEGER NOT NULL, acceptedMs INTEGER NOT NULL, expiresMs INTEGER NOT NULL,
    submitter INTEGER, recipients INTEGER NOT NULL);

  CREATE TABLE recipient (id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, n INTEGER NOT NULL, address TEXT NOT NULL,
    destination TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, dueMs INTEGER NOT NULL,
    fence INTEGER NOT NULL DEFAULT 0, leasedUntilMs INTEGER NOT NULL DEFAULT 0, reply TEXT, parameters TEXT NOT NULL);
  CREATE INDEX recipientDue ON recipient (state, dueMs);
  -- The first row of each destination tells when something of it is due.
  CREATE INDEX recipientDestination ON recipient (state, destination, dueMs);

  -- The newest attempts of recipients that still wait; gone with them (the trace has them longer).
  CREATE TABLE attempt (recipient INTEGER NOT NULL, n INTEGER NOT NULL, atMs INTEGER NOT NULL, reply TEXT NOT NULL,
    PRIMARY KEY (recipient, n)) WITHOUT ROWID;
  `,
  `
  -- What waits for its time and what only waits for its turn are apart, so that neither hides the other however much there is.
  ALTER TABLE recipient ADD COLUMN turnMs INTEGER NOT NULL DEFAULT 0;
  UPDATE recipient SET turnMs = dueMs;
  UPDATE recipient SET state = 'deferred' WHERE state = 'ready';
  DROP INDEX recipientDue;
  DROP INDEX recipientDestination;
  CREATE INDEX recipientDue ON recipient (dueMs) WHERE state IN ('deferred', 'leased');
  CREATE INDEX recipientTurn ON recipient (turnMs, id) WHERE state = 'ready';
  CREATE INDEX recipientDestination ON recipient (destination, turnMs, id) WHERE state = 'ready';
  `,
  `
  -- Records before the log's position whose rows are not written yet: segment and position, u32 each.
  ALTER TABLE log ADD COLUMN late BLOB NOT NULL DEFAULT x'';
  `,
  `
  -- The store was closed in order: nothing was being written behind the log's position.
  ALTER TABLE log ADD COLUMN clean INTEGER NOT NULL DEFAULT 0;

  -- Records that could not be applied or read. A copy is quarantine/SEGMENT-POSITION.rec; arrivals, recipients and large files as JSON lists.
  CREATE TABLE quarantine (segment INTEGER NOT NULL, position INTEGER NOT NULL, size INTEGER NOT NULL, reason TEXT NOT NULL,
    arrivals TEXT NOT NULL, recipients TEXT NOT NULL, files TEXT NOT NULL, PRIMARY KEY (segment, position)) WITHOUT ROWID;

  -- Each time that this database was opened: large files bear the tag, and the log's last record then. What bears a tag that is not here,
  -- or came after the record with which that time ended, is no file of this database.
  CREATE TABLE opening (id INTEGER PRIMARY KEY AUTOINCREMENT, tag TEXT NOT NULL UNIQUE, sequence INTEGER NOT NULL);
  `,
  `
  -- How much there is: kept, so that it needs not be counted. The row is written with each group anyway.
  ALTER TABLE log ADD COLUMN accounts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE log ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE log ADD COLUMN contents INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE log ADD COLUMN recipients INTEGER NOT NULL DEFAULT 0;
  UPDATE log SET accounts = (SELECT count(*) FROM account), messages = (SELECT count(*) FROM message),
    contents = (SELECT count(*) FROM content), recipients = (SELECT count(*) FROM recipient);
  `,
  `
  -- 'none'; 'held': what it sends waits for the operator; 'locked': it cannot sign in, and sends nothing. Mail comes in all the same.
  ALTER TABLE account ADD COLUMN restriction TEXT NOT NULL DEFAULT 'none';
  `,
  `
  -- No row changes. But an earlier version would misread what this one writes: filings out of the queue (queueFile) in records, evidence and
  -- LMTP destinations of recipients.
  SELECT 1;
  `,
  `
  -- What changed since when, for readers that were away: JMAP's /changes, and nodes that missed news. What changed before
  -- forgottenModSeq is not all known: removals were not recorded until now, and old ones are swept.
  ALTER TABLE account ADD COLUMN forgottenModSeq INTEGER NOT NULL DEFAULT 0;
  UPDATE account SET forgottenModSeq = modSeq;
  ALTER TABLE mailbox ADD COLUMN createdModSeq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE mailbox ADD COLUMN propertyModSeq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE email ADD COLUMN createdModSeq INTEGER NOT NULL DEFAULT 0;
  -- The first email of a thread has its id: found without the index, and it costs most deliveries nothing.
  CREATE INDEX emailThread ON email (thread) WHERE thread <> id;
  CREATE INDEX messageEmail ON message (email);

  -- Emails that lost a message: destroyed, if it was the last.
  CREATE TABLE removal (account INTEGER NOT NULL, modSeq INTEGER NOT NULL, email INTEGER NOT NULL, thread INTEGER NOT NULL,
    createdModSeq INTEGER NOT NULL, atMs INTEGER NOT NULL, PRIMARY KEY (account, modSeq, email)) WITHOUT ROWID;
  CREATE INDEX removalAt ON removal (atMs);
  CREATE TABLE mailboxGone (account INTEGER NOT NULL, modSeq INTEGER NOT NULL, mailbox INTEGER NOT NULL, createdModSeq INTEGER NOT NULL,
    atMs INTEGER NOT NULL, PRIMARY KEY (account, modSeq, mailbox)) WITHOUT ROWID;

  -- The message table of a mailbox as a node had it in memory: quicker to read than its rows. It has them as they were up to highestModSeq, and
  -- holds while nothing was edited behind that: editModSeq is of the mailbox's last change of flags or expunge.
  ALTER TABLE mailbox ADD COLUMN editModSeq INTEGER NOT NULL DEFAULT 0;
  UPDATE mailbox SET editModSeq = highestModSeq;
  CREATE TABLE snapshot (mailbox INTEGER PRIMARY KEY, highestModSeq INTEGER NOT NULL, messages BLOB NOT NULL);

  -- How often accounts, aliases, credentials or domains have changed.
  ALTER TABLE log ADD COLUMN directory INTEGER NOT NULL DEFAULT 1;
  `,
]

export const schemaVersion = migrations.length

/** Brings a database to the present version. A newer one is refused: this program would not understand its rows. */
export function migrate(db: Database, until = schemaVersion): void {
  const version = Number(db.prepare('PRAGMA user_version').get()!['user_version'])
  if (version > schemaVersion) {
    throw new Error(
      `The data folder was written by a newer Pennypost (schema ${version}, this program knows ${schemaVersion}): run that version, or restore an older backup.`,
    )
  }
  for (let next = version; next < until; next++) {
    db.exec('BEGIN IMMEDIATE')
    try {
      db.exec(migrations[next]!)
      db.exec(`PRAGMA user_version = ${next + 1}`)
      db.exec('COMMIT')
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
}
