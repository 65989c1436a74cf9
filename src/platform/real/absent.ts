/** Whether a fault of the file system only says that there is nothing at a path. */
export function isAbsent(error: unknown): boolean {
  const { code } = error as { code?: string }
  // ENOTDIR: a file stands where the path names a folder. `throwIfNoEntry: false` of Node throws it.
  return code === 'ENOENT' || code === 'ENOTDIR'
}
