/** LANG: the language of what is said to people. RFC 6856 §3. */
import { anyState, command } from '../command.ts'
import { listing, ok, Pop3Fault } from '../reply.ts'
import { languageFor, languages } from '../words.ts'

export const lang = command({
  name: 'LANG',
  states: anyState,
  capability: () => ['LANG'],
  // undefined: the client asks which there are.
  grammar(tags) {
    if (tags.length === 0) return undefined
    const words = tags.length === 1 ? languageFor(tags[0]!) : undefined
    if (!words) throw new Pop3Fault((current) => `${current.tag} ${current.noSuchLanguage}`)
    return words
  },
  run(state, words) {
    if (!words) {
      return listing(
        state.words.languages,
        languages.map(({ tag, name }) => `${tag} ${name}`),
      )
    }
    state.words = words
    return ok(`${words.tag} ${words.languageChanged}`)
  },
})
