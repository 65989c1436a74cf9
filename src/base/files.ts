/** The interface to files, with the few operations that rooms need; the store's engine has its own. */

export interface Files {
  /** undefined: there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Bytes from `start` on, `lengthMax` at most; fewer at the end. undefined: there is no such file. */
  readPart(path: string, start: number, lengthMax: number): Promise<Uint8Array | undefined>
  /**
   * Replaces the file atomically: readers see the old or the new one. Missing folders are created.
   * @param options.shared every user of the machine may read it; else the process's umask decides.
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
  /** Renames a file or a folder. @returns whether there was one. */
  rename(from: string, to: string): Promise<boolean>
}
