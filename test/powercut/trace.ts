/** Reads what strace recorded (one file per thread) as one list of events in time. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type DiskEvent =
  | { readonly kind: 'open'; readonly path: string; readonly truncate: boolean }
  | { readonly kind: 'write'; readonly path: string; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'sync'; readonly path: string; readonly startedAt: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'mkdir'; readonly path: string }
  | { readonly kind: 'say'; readonly line: string }

export interface Timed {
  /** Seconds: writes count from their start, syncs from their end. */
  readonly at: number
  readonly event: DiskEvent
}

export const tracedCalls =
  'openat,open,creat,write,pwrite64,pwritev,pwritev2,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat'

function unhex(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex')
}

/** A path inside `<…>` or quotes, whose characters strace may have spelled in hex. */
function pathOf(text: string): string {
  return text.includes('\\x') ? unhex(text).toString() : text
}

const line = /^(\d+\.\d+) (\w+)\((.*)\) += (-?\d+)[^<]*(?:<[^>]*>)? <(\d+\.\d+)>$/s

export function readTrace(folder: string): Timed[] {
  const events: Timed[] = []
  for (const name of readdirSync(folder)) {
    for (const row of readFileSync(join(folder, name), 'latin1').split('\n')) {
      const match = line.exec(row)
      if (!match) continue
      const [, at, call, rest, result, took] = match as unknown as [string, string, string, string, string, string]
      if (Number(result) < 0) continue
      events.push(...eventsOf(Number(at), call, rest, Number(result), Number(took)))
    }
  }
  return events.sort((a, b) => a.at - b.at)
}

function eventsOf(at: number, call: string, rest: string, result: number, took: number): Timed[] {
  const fd = /^(\d+)<([^>]*)>/.exec(rest)
  const path = fd ? pathOf(fd[2]!) : ''
  switch (call) {
    case 'openat':
    case 'open':
    case 'creat': {
      const quoted = /"([^"]*)"/.exec(rest)
      if (!quoted || !/O_CREAT|O_TRUNC/.test(rest)) return []
      return [{ at, event: { kind: 'open', path: pathOf(quoted[1]!), truncate: rest.includes('O_TRUNC') } }]
    }
    case 'pwrite64': {
      const [, text, position] = /"((?:\\x[0-9a-f]{2})*)", \d+, (\d+)$/.exec(rest)!
      return [{ at, event: { kind: 'write', path, at: Number(position), bytes: unhex(text!).subarray(0, result) } }]
    }
    case 'pwritev':
    case 'pwritev2': {
      const parts = [...rest.matchAll(/iov_base="((?:\\x[0-9a-f]{2})*)"/g)].map((match) => unhex(match[1]!))
      const position = Number(/\], \d+, (\d+)/.exec(rest)![1])
      return [{ at, event: { kind: 'write', path, at: position, bytes: Buffer.concat(parts).subarray(0, result) } }]
    }
    case 'write': {
      if (fd?.[1] !== '1') return []
      const text = unhex(/"((?:\\x[0-9a-f]{2})*)"/.exec(rest)![1]!).toString()
      return text
        .split('\n')
        .filter((said) => said !== '')
        .map((said): Timed => ({ at, event: { kind: 'say', line: said } }))
    }
    case 'ftruncate':
      return [{ at, event: { kind: 'truncate', path, size: Number(/, (\d+)$/.exec(rest)![1]) } }]
    case 'fsync':
    case 'fdatasync':
      return [{ at: at + took, event: { kind: 'sync', path, startedAt: at } }]
    case 'rename':
    case 'renameat':
    case 'renameat2': {
      const [from, to] = [...rest.matchAll(/"([^"]*)"/g)].map((match) => pathOf(match[1]!)) as [string, string]
      return [{ at: at + took, event: { kind: 'rename', from, to } }]
    }
    case 'unlink':
    case 'unlinkat':
      return [{ at, event: { kind: 'unlink', path: pathOf(/"([^"]*)"/.exec(rest)![1]!) } }]
    case 'mkdir':
    case 'mkdirat':
      return [{ at, event: { kind: 'mkdir', path: pathOf(/"([^"]*)"/.exec(rest)![1]!) } }]
    default:
      return []
  }
}
