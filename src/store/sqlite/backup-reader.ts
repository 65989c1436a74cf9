/** Reads a backup where it lies: one account's mailboxes and messages, without bringing the rest back. Pages by key, as the store's own reads. */
import type { AccountId, Uid } from '../../mail/ids.ts'
import type { MailboxRole } from '../../mail/special-use.ts'
import { join, resolve } from 'node:path'
import { derivedUidl } from '../uidl.ts'
import type { MessageBytes } from '../../mail/content.ts'
import { flagWordBits, systemFlags, wellKnownKeywords } from '../../mail/flags.ts'
import { StoredBytes, type ContentFiles } from '../contents/reader.ts'
import type { ZonedInstant } from '../content.ts'
import type { Restriction } from '../entities.ts'
import { backedContents, needManifest, type Manifest } from './backup-manifest.ts'
import { openDatabase, Statements, type Database, type Row } from './driver.ts'
import { identityOf, sourceOf } from './reads.ts'

export interface BackedAccount {
  readonly id: AccountId
  readonly name: string
  readonly disabled: boolean
  readonly restriction: Restriction
  readonly quotaBytes: number
  /** What its password left; passwords of single programs are not among them. */
  readonly credentials: readonly { readonly type: string; readonly value: string }[]
}

export interface BackedMailbox {
  readonly id: number
  readonly name: string
  readonly role: MailboxRole | null
  readonly messages: number
  readonly subscribed: boolean
}

export interface BackedMessage {
  readonly uid: Uid
  readonly email: number
  /** The same as in `StoreReads.identities`. */
  readonly identity: number
  readonly internalDate: ZonedInstant
  readonly flags: readonly string[]
  readonly prefix: string
  /** What POP3 clients know it by. */
  readonly uidl: string
  readonly envelope: string
  /** What arrived, without the prefix. */
  readonly content: MessageBytes
}

export class BackupReader {
  readonly manifest: Manifest
  readonly #db: Database
  readonly #statements: Statements
  readonly #files: ContentFiles

  constructor(folder: string, manifest: Manifest) {
    this.manifest = manifest
    this.#db = openDatabase(join(folder, manifest.rows), { readOnly: true })
    this.#statements = new Statements(this.#db)
    this.#files = backedContents(folder, manifest)
  }

  account(name: string): BackedAccount | undefined {
    const row = this.#statements.sql('SELECT * FROM account WHERE name = ?').get(name)
    if (!row) return undefined
    const credentials = this.#statements
      .sql(
        "SELECT type, value FROM credential WHERE account = ? AND name = '' AND type IN ('argon2id', 'scram-sha-256')",
      )
      .all(row['id']!) as { type: string; value: string }[]
    const { id, quotaBytes } = row as { id: AccountId; quotaBytes: number }
    // Backups of before schema 6 know no restriction.
    const restriction = (row['restriction'] ?? 'none') as Restriction
    return { id, name, disabled: row['disabled'] === 1, restriction, quotaBytes, credentials }
  }

  mailboxes(account: AccountId): readonly BackedMailbox[] {
    const rows = this.#statements
      .sql(
        `SELECT b.id, b.name, b.role, b.messages, s.name IS NOT NULL AS subscribed FROM mailbox b
         LEFT JOIN subscription s ON s.account = b.account AND s.name = b.name WHERE b.account = ? ORDER BY b.name`,
      )
      .all(account)
    return rows.map((row) => ({ ...(row as unknown as BackedMailbox), subscribed: row['subscribed'] === 1 }))
  }

  messages(account: AccountId, mailbox: number, after: number, limit: number): readonly BackedMessage[] {
    const names = this.#flagNames(account)
    return this.#statements
      .sql(
        `SELECT m.uid, coalesce(m.uidl, '') AS uidl, b.uidValidity, m.email, m.low, m.high, e.dateMs, e.dateOffset, e.prefix, c.envelope, c.digest,
         c.segment, c.position, c.file, c.size AS contentSize
         FROM message m JOIN mailbox b ON b.id = m.mailbox JOIN email e ON e.id = m.email JOIN content c ON c.id = e.content
         WHERE m.mailbox = ? AND m.uid > ? ORDER BY m.uid LIMIT ?`,
      )
      .all(mailbox, after, limit)
      .map((row) => this.#message(row, names))
  }

  #message(row: Row, names: readonly (string | undefined)[]): BackedMessage {
    const prefix = row['prefix'] as string
    return {
      uid: row['uid'] as Uid,
      email: row['email'] as number,
      identity: identityOf(row),
      internalDate: { epochMs: row['dateMs'] as number, offsetMinutes: row['dateOffset'] as number },
      flags: names.filter((name, bit): name is string => {
        const word = (bit < flagWordBits ? row['low'] : row['high']) as number
        return name !== undefined && (word & (1 << (bit % flagWordBits))) !== 0
      }),
      prefix,
      uidl: (row['uidl'] as string) || derivedUidl(row['uidValidity'] as number, row['uid'] as Uid),
      envelope: row['envelope'] as string,
      content: new StoredBytes(this.#files, sourceOf(row), ''),
    }
  }

  #flagNames(account: AccountId): readonly (string | undefined)[] {
    const names: (string | undefined)[] = [...systemFlags, ...wellKnownKeywords]
    for (const row of this.#statements.sql('SELECT bit, name FROM keyword WHERE account = ?').all(account)) {
      names[row['bit'] as number] = row['name'] as string
    }
    return names
  }

  /** Aliases that led to an account. */
  aliasesTo(name: string): readonly string[] {
    return this.#statements
      .sql('SELECT address FROM alias WHERE instr(targets, ?) > 0 ORDER BY address LIMIT 100')
      .all(JSON.stringify(name))
      .map((row) => row['address'] as string)
  }

  close(): void {
    this.#files.close()
    this.#db.close()
  }
}

/** Throws BackupFault where no backup is. */
export async function openBackup(folder: string): Promise<BackupReader> {
  const path = resolve(folder)
  return new BackupReader(path, await needManifest(path))
}
