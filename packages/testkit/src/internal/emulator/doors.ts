/** The ports of indexes: each has one of its own, as each has a host of its own at the service. */
import type { Port } from "./twoProtocols.ts"

export interface Doors {
  /** Opens the door of an index, if it is not open. */
  readonly open: (name: string) => Promise<void>
  /** The address behind which an index is; its door has to be open. */
  readonly hostOf: (name: string) => string
  /** Closes it, with all connections through it. */
  readonly close: (name: string) => Promise<void>
  readonly closeAll: () => Promise<void>
}

export const make = (listen: (name: string) => Promise<Port>): Doors => {
  const doors = new Map<string, Promise<Port>>()
  const hosts = new Map<string, string>()

  const open = async (name: string): Promise<void> => {
    const opening = doors.get(name) ?? listen(name)
    doors.set(name, opening)
    try {
      const { url } = await opening
      // not when it was closed meanwhile
      if (doors.get(name) === opening) hosts.set(name, url)
    } catch (error) {
      if (doors.get(name) === opening) doors.delete(name)
      throw error
    }
  }

  const close = async (name: string): Promise<void> => {
    const opening = doors.get(name)
    doors.delete(name)
    hosts.delete(name)
    await opening?.then(
      (port) => port.close(),
      () => {}
    )
  }

  return {
    open,
    hostOf: (name) => {
      const host = hosts.get(name)
      if (host === undefined) throw new RangeError(`The index ${name} has no port`)
      return host
    },
    close,
    closeAll: async () => {
      await Promise.all(Array.from(doors.keys(), close))
    }
  }
}
