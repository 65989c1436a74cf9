/** Limits of what the structure pass keeps of a message. */

export interface StructureLimits {
  /** Bytes kept of one header; the rest is ignored. Real ones reach 100 KiB in mail loops and with many recipients. */
  readonly headerBytesMax: number
  /** Bytes kept of all headers of a message: these and the tree are all that the pass keeps. */
  readonly headersBytesMax: number
  /** Number of parts; further delimiters count as text of the last part. Dovecot has the same limit. */
  readonly partsMax: number
  /** Depth of nested multiparts and messages. Forwarding chains reach 20; code that walks the tree recurses this deep. */
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
