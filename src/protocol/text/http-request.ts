/**
 * A web page makes a browser talk to a mail port: its request's lines are refused one by one, and then its body would be obeyed. RFC 9110 §9.
 * No verb of ours is among theirs, so the first of them ends the connection.
 */
const verbs: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  // The first line of HTTP/2. RFC 9113 §3.4.
  'PRI',
])

/** @param verb in capitals. */
export function isHttpVerb(verb: string): boolean {
  return verbs.has(verb)
}

/** For a protocol in which a line begins with anything: the whole request line, with its version. RFC 9112 §3. */
export function isHttpRequest(line: string): boolean {
  const space = line.indexOf(' ')
  return space > 0 && isHttpVerb(line.slice(0, space).toUpperCase()) && /^ +\S+ +HTTP\/\d/i.test(line.slice(space))
}
