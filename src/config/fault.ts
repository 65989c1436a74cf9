/** What is wrong with a configuration, or old in it: each fault and warning is a sentence with its file and line, and what to do about it. */

export interface ConfigFault {
  /** undefined: no file, the defaults or the command line. */
  readonly file: string | undefined
  readonly line: number | undefined
  /** The key's path, `listener[0].tls`; undefined where the text is no TOML. */
  readonly key: string | undefined
  readonly text: string
  readonly hint: string | undefined
}

export function formatFault(fault: ConfigFault): string {
  const place = fault.file === undefined ? '' : `${fault.file}${fault.line === undefined ? '' : `:${fault.line}`}: `
  return `${place}${fault.text}.${fault.hint === undefined ? '' : ` ${fault.hint}`}`
}

/** Thrown with everything that was found, so that one look at the file is enough. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[]
  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(formatFault).join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}
