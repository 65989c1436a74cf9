/** `[tls]`: certificates from files, or a self-signed one. */
import type { TlsConfig } from './config.ts'
import type { KeyPath } from './lines.ts'
import { certificateOptions, tlsOptions } from './options.ts'
import type { SectionReader, Table } from './section-reader.ts'

/** `[tls]` and `[[tls.certificate]]`: which certificate, and who issued those of clients. */
export function readTls(reader: SectionReader, table: Table): TlsConfig {
  const said = reader.section(table, 'tls', tlsOptions)
  const entries = reader.tables(table, 'certificate', 'tls.certificate')
  const given = said.cert !== undefined || said.key !== undefined
  const authorities = said.authorities === undefined ? {} : { authorities: reader.path(said.authorities) }
  if (said.source === 'self-signed') {
    if (given || entries.length > 0)
      reader.fault(
        given ? `tls.${said.cert === undefined ? 'key' : 'cert'}` : 'tls.certificate[0]',
        'Certificates are named, but tls.source is "self-signed"',
        'Set source = "files" in [tls].',
      )
    return { source: 'self-signed', ...authorities }
  }
  if (given && entries.length > 0)
    reader.fault(
      'tls.certificate[0]',
      'Certificates are named both in [tls] and in [[tls.certificate]]',
      'Keep one of the two.',
    )
  if (!given && entries.length === 0)
    reader.fault('tls.source', 'tls.source is "files", but no certificate is named', 'Set cert and key in [tls].')
  const pairs = given
    ? [pair(reader, said, 'tls')]
    : entries.map((entry, at) =>
        pair(reader, reader.section(entry, `tls.certificate[${at}]`, certificateOptions), `tls.certificate[${at}]`),
      )
  return { source: 'files', certificates: pairs.flatMap((pair) => pair ?? []), ...authorities }
}

function pair(
  reader: SectionReader,
  said: { readonly cert?: string; readonly key?: string },
  path: KeyPath,
): { cert: string; key: string } | undefined {
  if (said.cert !== undefined && said.key !== undefined)
    return { cert: reader.path(said.cert), key: reader.path(said.key) }
  const missing = said.cert === undefined ? 'cert' : 'key'
  reader.fault(path, `A certificate needs cert and key, and ${missing} is missing`, `Add ${missing} = "…pem".`)
  return undefined
}
