/** Where a configuration comes from: a file, or the defaults. */
import { dirname, resolve } from 'node:path'
import { realFiles } from '../platform/real/files.ts'
import type { Config } from './config.ts'
import { ConfigError, type ConfigFault } from './fault.ts'
import { keyLines } from './lines.ts'
import { readConfig } from './read.ts'

/** A configuration that people write; a larger file is another one by mistake. */
const fileBytesMax = 4 * 1024 * 1024

/** @param dataFolder instead of `./data` below the working folder. */
export function defaultConfig(dataFolder?: string): Config {
  return configOf(dataFolder === undefined ? {} : { data: dataFolder })
}

/** @param root tables and keys as a file has them; relative paths begin at the working folder. Throws a ConfigError. */
export function configOf(root: Readonly<Record<string, unknown>>): Config {
  const faults: ConfigFault[] = []
  const config = readConfig(root, { file: undefined, lines: undefined, folder: process.cwd() }, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  return config
}

/** Throws a ConfigError that tells everything that is wrong with it. Paths in it are relative to its folder. */
export async function loadConfig(path: string): Promise<Config> {
  const bytes = await readFile(path)
  return parseConfig(Buffer.from(bytes).toString('utf8'), path)
}

/**
 * @param path names the file in faults, and its folder is where relative paths begin.
 * @param complete adds keys to those of the file.
 */
export async function parseConfig(
  source: string,
  path: string,
  complete: (root: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>> = (root) => root,
): Promise<Config> {
  // Loaded here alone: a start without a file does not pay for a parser.
  const { parse, TomlError } = await import('smol-toml')
  const faults: ConfigFault[] = []
  let root: Record<string, unknown>
  try {
    root = parse(source)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const reason = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '')
    throw new ConfigError([
      {
        file: path,
        line: error.line,
        key: undefined,
        text: `This is not valid TOML: ${reason}`,
        hint: `At column ${error.column}. Strings need quotes, and tables [brackets].`,
      },
    ])
  }
  const place = { file: path, lines: keyLines(source), folder: dirname(resolve(path)) }
  const config = readConfig(complete(root), place, faults)
  if (faults.length > 0) throw new ConfigError(faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
  return config
}

async function readFile(path: string): Promise<Uint8Array> {
  const fault = (text: string, hint: string): ConfigError =>
    new ConfigError([{ file: path, line: undefined, key: undefined, text, hint }])
  let bytes: Uint8Array | undefined
  try {
    const sizeBytes = await realFiles.sizeBytes(path)
    if (sizeBytes !== undefined && sizeBytes > fileBytesMax)
      throw fault(
        `The file has ${sizeBytes} bytes, which is too large for a configuration`,
        'Name another file with --config.',
      )
    bytes = await realFiles.read(path)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw fault(
      `The file cannot be read (${(error as { code?: string }).code ?? String(error)})`,
      'Check its path and permissions.',
    )
  }
  if (!bytes)
    throw fault('File not found', 'Check the path after --config, or create one with "pennypost config sample".')
  return bytes
}
