/** Contents that the sweep moved out of a segment: their rows learn the new places. */
import type { RecordView } from '../record.ts'
import type { WriteContext } from './context.ts'

/** What a record of kind 2 says in its operations: the sizes of its contents, whose ids are the record's numbers, and where they were. */
export interface Relocation {
  readonly from: number
  readonly sizes: readonly number[]
}

export function relocate(
  context: WriteContext,
  record: Pick<RecordView, 'operations' | 'numbers'>,
  segment: number,
  base: number,
): void {
  const { from, sizes } = JSON.parse(Buffer.from(record.operations).toString()) as Relocation
  let position = base
  sizes.forEach((size, i) => {
    // Only if it still lies where it was read: it may have been freed meanwhile.
    const { changes } = context
      .sql('UPDATE content SET segment = ?, position = ? WHERE id = ? AND segment = ?')
      .run(segment, position, record.numbers[i]!, from)
    if (Number(changes) > 0) {
      context.segmentUsed(from, -size)
      context.segmentUsed(segment, size)
    }
    position += size
  })
}
