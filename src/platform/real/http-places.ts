/**
 * The connections of one http listener: so many and no more. When all are taken the one that has waited longest without a whole request makes
 * room, so that half requests of one client do not keep a watcher from its answer, which comes with its first packet.
 */
import type { Socket } from 'node:net'

interface Place {
  readonly socket: Socket
  /** Requests that are being answered. */
  busy: number
  readonly leave: () => void
}

export class HttpPlaces {
  readonly #max: number
  /** The longest without an answer first. */
  readonly #places = new Map<Socket, Place>()

  constructor(max: number) {
    this.#max = max
  }

  /** @param leave is called once, when the connection is gone. @returns false, and closes the connection, where there is no place. */
  enter(socket: Socket, leave: () => void): boolean {
    if (this.#places.size >= this.#max && !this.#makeRoom()) {
      leave()
      socket.destroy()
      return false
    }
    this.#places.set(socket, { socket, busy: 0, leave })
    socket.once('close', () => this.#gone(socket))
    return true
  }

  #makeRoom(): boolean {
    for (const place of this.#places.values()) {
      if (place.busy > 0) continue
      this.#gone(place.socket)
      place.socket.destroy()
      return true
    }
    return false
  }

  #gone(socket: Socket): void {
    const place = this.#places.get(socket)
    if (!place) return
    this.#places.delete(socket)
    place.leave()
  }

  /** While a request is answered its connection stays; afterwards it is the last to make room. */
  async whileAnswering(socket: Socket, work: () => Promise<void>): Promise<void> {
    const place = this.#places.get(socket)
    if (!place) return work()
    place.busy++
    try {
      await work()
    } finally {
      place.busy--
      if (this.#places.delete(socket)) this.#places.set(socket, place)
    }
  }

  closeAll(): void {
    for (const socket of this.#places.keys()) socket.destroy()
  }
}
