/** The files of a message with those of its winmail.dat in the place of that. */
import { partBytes, typeOf } from '../view/part-content.ts'
import type { MessageFile, ReadMessage } from '../view/read-message.ts'
import { readTnef } from './tnef.ts'

/**
 * `message.files`, but a TNEF part (application/ms-tnef, or called winmail.dat) is replaced by the files in it; their `part` is that
 * part. One that cannot be read, or without files, stays what it is. The part is decoded for this, unlike the others.
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
