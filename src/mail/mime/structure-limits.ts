/** What the structure pass keeps of a message at most. */

export interface StructureLimits {
  /** Of one header; the rest of it is passed over. Real ones reach 100 KiB in loops and with many recipients. */
  readonly headerBytesMax: number
  /** Of all headers of a message together: this and the tree are all that the pass keeps. */
  readonly headersBytesMax: number
  /** Later delimiters are text of the last part. Dovecot draws its line at the same number. */
  readonly partsMax: number
  /** Multiparts and messages inside each other. Forwarding chains reach 20; readers of the tree recurse this deep. */
  readonly depthMax: number
  /** RFC 2046 §5.1.1 allows 70. A line is compared with the open boundaries, so this bounds what is held of a line. */
  readonly boundaryBytesMax: number
}

export const structureLimits: StructureLimits = {
  headerBytesMax: 1_048_576,
  headersBytesMax: 4_194_304,
  partsMax: 10_000,
  depthMax: 100,
  boundaryBytesMax: 1_000,
}
