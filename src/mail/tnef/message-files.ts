/** The files of a message with those of its winmail.dat in the place of that. */
import { partBytes, typeOf } from '../view/part-content.ts'
import type { MessageFile, ReadMessage } from '../view/read-message.ts'
import { readTnef } from './tnef.ts'

/**
 * `message.files`, with each TNEF part (application/ms-tnef, or named winmail.dat) replaced by the files in it; their `part` is that
 * part. A TNEF part that cannot be read, or has no files, is left as it is. Only TNEF parts are decoded for this.
 */
export function filesWithTnef(message: ReadMessage): MessageFile[] {
  return message.files.flatMap((file) => {
    const type = typeOf(file.part)
    if (
      type !== 'application/ms-tnef' &&
      type !== 'application/vnd.ms-tnef' &&
      file.name?.toLowerCase() !== 'winmail.dat'
    )
      return [file]
    const tnef = readTnef(partBytes(message.bytes, file.part))
    if (tnef === undefined || tnef.files.length === 0) return [file]
    return tnef.files.map((one) => ({
      part: file.part,
      type: one.type ?? 'application/octet-stream',
      name: one.name,
      contentId: one.contentId,
      inline: false,
      sizeBytes: one.content.length,
      content: () => one.content,
    }))
  })
}
