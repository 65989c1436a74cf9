/** `[[listener]]`: where each service listens, and how its clients may speak. */
import { isLoopbackHost } from '../base/loopback.ts'
import type { ListenerConfig, Service } from './config.ts'
import { endpointText } from '../mail/option-kinds.ts'
import type { KeyPath } from './lines.ts'
import { listenerOptions } from './options.ts'
import type { SectionReader, Table } from './section-reader.ts'
import { defaultServices, services } from './services.ts'

/** `[[listener]]`; without one, each service at its default. */
export function readListeners(reader: SectionReader, root: Table): readonly ListenerConfig[] {
  const tables = reader.tables(root, 'listener')
  if (root['listener'] === undefined) return defaultServices.map((service) => listenerOf(service))
  const taken = new Map<string, KeyPath>()
  return tables.flatMap((table, at) => {
    const path = `listener[${at}]`
    const listener = readListener(reader, table, path)
    if (!listener) return []
    const place = endpointText({ host: listener.address, port: listener.port })
    const other = listener.port === 0 ? undefined : taken.get(place)
    if (other !== undefined)
      reader.fault(`${path}.address`, `Two listeners use ${place}`, `The other one is in line ${reader.lineOf(other)}.`)
    taken.set(place, path)
    return [listener]
  })
}

function readListener(reader: SectionReader, table: Table, path: KeyPath): ListenerConfig | undefined {
  const said = reader.section(table, path, listenerOptions)
  const name = said.service
  if (name === undefined) {
    if (table['service'] === undefined)
      reader.fault(path, 'A listener needs a service', `It is one of ${defaultServices.join(', ')}.`)
    return undefined
  }
  const service = services[name]
  if (!service.served) {
    reader.fault(
      `${path}.service`,
      `The service "${name}" is not available yet`,
      `Remove this listener; available services: ${defaultServices.join(', ')}.`,
    )
  }
  const address = said.address?.host ?? '127.0.0.1'
  const tls = said.tls ?? service.tls
  if ((tls === 'implicit') !== (service.tls === 'implicit')) {
    const other = Object.keys(services).find(
      (other) => other === (tls === 'implicit' ? `${name}s` : name.replace(/s$/, '')),
    )
    reader.fault(
      `${path}.tls`,
      `The service "${name}" cannot have tls = "${tls}"`,
      other === undefined ? undefined : `Use service = "${other}" for that.`,
    )
  }
  if (said.plaintextAuth && !isLoopbackHost(address)) {
    reader.fault(
      `${path}.plaintextAuth`,
      `plaintextAuth is for loopback addresses only, and this one is ${address}`,
      'Passwords would be sent in clear: let clients use STARTTLS or the service with TLS.',
    )
  }
  if (service.signsIn && tls === 'none' && !said.plaintextAuth) {
    reader.fault(
      `${path}.tls`,
      `No client could sign in at this ${name} listener, since passwords need TLS`,
      'Leave tls at its default, or set plaintextAuth = true on a loopback address.',
    )
  }
  return {
    service: name,
    address,
    port: said.address?.port ?? service.port,
    tls,
    plaintextAuth: said.plaintextAuth,
    bareNewline: said.bareNewline ?? bareNewlineOf(name),
    publicPort: said.publicPort ?? said.address?.port ?? service.port,
    ...(said.proxyFrom.length === 0
      ? {}
      : { proxyFrom: reader.narrow(`${path}.proxyFrom`, said.proxyFrom, 'claim any client address') }),
  }
}

/** What programs of our own users write is mended; what other servers send must be as RFC 5321 §2.3.8 has it. */
function bareNewlineOf(service: Service): ListenerConfig['bareNewline'] {
  return service === 'submission' || service === 'submissions' ? 'normalize' : 'refuse'
}

function listenerOf(service: (typeof defaultServices)[number]): ListenerConfig {
  const { port, tls } = services[service]
  const bareNewline = bareNewlineOf(service)
  return { service, address: '127.0.0.1', port, tls, plaintextAuth: false, bareNewline, publicPort: port }
}
