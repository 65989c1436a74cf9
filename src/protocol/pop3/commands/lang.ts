/** LANG: the language of what is said to people. RFC 6856 §3. */
import type { Pop3Command } from '../command.ts'
import { listing, ok, Pop3Fault } from '../reply.ts'
import { languageFor, languages } from '../words.ts'

export const lang: Pop3Command = {
  name: 'LANG',
  state: 'any',
  capa: () => ['LANG'],
  run(state, args) {
    if (args.length === 0) {
      return listing(
        state.words.languages,
        languages.map(({ tag, name }) => `${tag} ${name}`),
      )
    }
    const words = args.length === 1 ? languageFor(args[0]!) : undefined
    if (!words) throw new Pop3Fault((current) => `${current.tag} ${current.noSuchLanguage}`)
    state.words = words
    return ok(`${words.tag} ${words.languageChanged}`)
  },
}
