/** The certificates that a configuration names, read from files; or the self-signed one, made on the first start and kept. */
import { join } from 'node:path'
import type { Files } from '../../base/files.ts'
import { utf8 } from '../../base/bytes.ts'
import type { CertificatePair } from './tls.ts'

export type CertificateSource =
  | { readonly source: 'self-signed' }
  | { readonly source: 'files'; readonly certificates: readonly { readonly cert: string; readonly key: string }[] }

/** Its library is loaded only here. */
async function newSelfSigned(names: readonly string[], nowMs: number): Promise<CertificatePair> {
  const { makeSelfSigned } = await import('./self-signed.ts')
  return makeSelfSigned(names, nowMs)
}

/** A file that must be there. */
export async function loadText(files: Files, path: string): Promise<string> {
  const bytes = await files.read(path)
  if (!bytes) throw new Error(`there is no file ${path}`)
  return utf8(bytes)
}

function selfSignedPath(dataFolder: string): string {
  return join(dataFolder, 'tls', 'self-signed.crt')
}

/** The certificates alone (PEM), as they stand in their files now; makes none, and leaves out what cannot be read. */
export async function readCertificates(
  files: Files,
  source: CertificateSource,
  dataFolder: string,
): Promise<readonly string[]> {
  const paths = source.source === 'files' ? source.certificates.map(({ cert }) => cert) : [selfSignedPath(dataFolder)]
  const found = await Promise.all(paths.map((path) => files.read(path).catch(() => undefined)))
  return found.flatMap((bytes) => (bytes ? [utf8(bytes)] : []))
}

/** @param dataFolder where a certificate of our own is kept; undefined: nowhere. */
export async function loadCertificates(
  files: Files,
  source: CertificateSource,
  dataFolder: string | undefined,
  names: readonly string[],
  nowMs: number,
): Promise<CertificatePair[]> {
  if (source.source === 'files') {
    return Promise.all(
      source.certificates.map(async ({ cert, key }) => ({
        certificate: await loadText(files, cert),
        key: await loadText(files, key),
        from: `${cert} with the key ${key}`,
      })),
    )
  }
  if (dataFolder === undefined) return [await newSelfSigned(names, nowMs)]
  const certPath = selfSignedPath(dataFolder)
  const keyPath = join(dataFolder, 'tls', 'self-signed.key')
  const kept = await files.read(certPath)
  if (kept)
    return [
      { certificate: utf8(kept), key: await loadText(files, keyPath), from: `${certPath} with the key ${keyPath}` },
    ]
  const made = await newSelfSigned(names, nowMs)
  await files.write(keyPath, Buffer.from(made.key), { secret: true })
  await files.write(certPath, Buffer.from(made.certificate))
  return [made]
}
