/** A certificate that the clients can check, since they know who vouches for it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import type { Config } from '../../src/config/config.ts'
import { makeAuthority } from '../stories/client-certificates.ts'

/** A certificate for "localhost", and the file of the authority that vouches for it. */
export async function certified(folder: string): Promise<{ readonly tls: Config['tls']; readonly ca: string }> {
  const authority = await makeAuthority('the clients trust it')
  const { cert, key } = await authority.sign({ names: ['localhost'], usage: x509.ExtendedKeyUsage.serverAuth })
  const file = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const certificate = { cert: file('cert.pem', cert), key: file('key.pem', key) }
  return { tls: { source: 'files', certificates: [certificate] }, ca: file('ca.pem', authority.cert) }
}
