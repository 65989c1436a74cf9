/** The extension `encoded-character`. RFC 5228 §2.4.2.4. The compiler does it when it reads a string: `text.ts`. */
import type { Extension } from '../declare.ts'

export const encodedCharacter: Extension = { capabilities: ['encoded-character'], changesReading: true }
