/** The few things that rooms do with files; the store's engine has its own. */

export interface Files {
  /** undefined: there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Bytes from `start` on, `lengthMax` at most; fewer at the end. undefined: there is no such file. */
  readPart(path: string, start: number, lengthMax: number): Promise<Uint8Array | undefined>
  /**
   * Replaces the file in one step: readers see the old or the new. Folders that miss are made.
   * @param options.shared every user of the machine may read it; else those whom the process's umask lets.
   */
  write(
    path: string,
    bytes: Uint8Array,
    options?: { readonly secret?: boolean; readonly shared?: boolean },
  ): Promise<void>
  append(path: string, bytes: Uint8Array): Promise<void>
  /** Names in a folder, sorted; none when it does not exist. */
  list(folder: string): Promise<readonly string[]>
  /** undefined: there is no such file. */
  sizeBytes(path: string): Promise<number | undefined>
  remove(path: string): Promise<void>
}
