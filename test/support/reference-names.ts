/** The names of all character references of HTML, read out of the decoder that knows them. */
import { DecodingMode, EntityDecoder, htmlDecodeTree } from 'entities/decode'

const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789']

/** Names without `&` and semicolon. */
export function referenceNames(): string[] {
  const names: string[] = []
  const decoder = new EntityDecoder(htmlDecodeTree, () => {})
  const length = (text: string): number => {
    decoder.startEntity(DecodingMode.Strict)
    return decoder.write(text, 0)
  }
  const visit = (prefix: string): void => {
    if (prefix !== '' && length(`${prefix};`) > 0) names.push(prefix)
    for (const letter of letters) if (length(prefix + letter) === -1) visit(prefix + letter)
  }
  visit('')
  return names
}
