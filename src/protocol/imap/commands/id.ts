/** ID: who we are, for the logs of those who ask. RFC 2971. */
import { anyState, command } from '../command.ts'
import { idFieldsMax, idValueMaxBytes } from '../limits.ts'
import { encodeNstring } from '../wire/encode.ts'

export const id = command({
  name: 'ID',
  capability: 'ID',
  states: anyState,
  tellsExpunge: 'always',

  grammar(line) {
    line.space()
    const fields: [string, string | null][] = []
    if (line.triesWord('NIL')) return fields
    line.takes('(', 'id-params-list')
    while (!line.tries(')')) {
      if (fields.length > 0) line.space()
      if (fields.length >= idFieldsMax) throw line.fault('fewer fields', 'RFC 2971 3.3')
      const name = line.string()
      line.space()
      const value = line.nstring()
      if (name.length > 30 || (value ?? '').length > idValueMaxBytes) throw line.fault('shorter fields', 'RFC 2971 3.3')
      fields.push([name, value])
    }
    return fields
  },

  run({ out, options }) {
    out.text(`* ID ("name" ${encodeNstring(options.serverName)} "version" ${encodeNstring(options.serverVersion)})\r\n`)
  },
})
