/** Remembers the last write of a layer to each namespace. */
import * as Effect from "effect/Effect"
import type { LastWrite, WriteReply } from "../PineconeApi.ts"
import type { PineconeError } from "../PineconeError.ts"
import { namespaceName } from "./namespace.ts"

/** Namespaces whose last write is remembered. */
const maxNamespaces = 10_000

interface InNamespace {
  readonly namespace?: string | undefined
}

/** The writes of a service, whichever plane it is of. */
export interface Writes<U, C, D> {
  /** The namespace of calls that name none. */
  readonly namespace: string
  readonly upsert: (request: U) => Effect.Effect<WriteReply, PineconeError>
  readonly update: (request: C) => Effect.Effect<WriteReply, PineconeError>
  readonly delete: (request: D) => Effect.Effect<WriteReply, PineconeError>
  readonly deleteNamespace: (name: string) => Effect.Effect<void, PineconeError>
}

/** The same writes, and what they remember. */
export const trackWrites = <U extends InNamespace, C extends InNamespace, D extends InNamespace>(
  service: Writes<U, C, D>
) => {
  // In the order of the last write.
  const last = new Map<string, number | undefined>()
  let forgot = false

  const nameOf = (namespace: string | undefined): string => namespaceName(namespace ?? service.namespace)

  const note = (namespace: string, { lsn }: WriteReply): void => {
    const before = last.get(namespace)
    last.delete(namespace)
    // Numbers rise, so the last one stands for a write before it that had none.
    last.set(namespace, lsn === undefined || before === undefined ? lsn : Math.max(before, lsn))
    if (last.size <= maxNamespaces) return
    for (const oldest of last.keys()) {
      last.delete(oldest)
      forgot = true
      return
    }
  }

  const noted =
    <Request extends InNamespace>(write: (request: Request) => Effect.Effect<WriteReply, PineconeError>) =>
    (request: Request): Effect.Effect<WriteReply, PineconeError> =>
      Effect.tap(write(request), (reply) => Effect.sync(() => note(nameOf(request.namespace), reply)))

  return {
    upsert: noted(service.upsert),
    update: noted(service.update),
    delete: noted(service.delete),
    // A namespace that is made anew may count anew.
    deleteNamespace: (name: string): Effect.Effect<void, PineconeError> =>
      Effect.tap(service.deleteNamespace(name), () => Effect.sync(() => last.delete(nameOf(name)))),
    written: (namespace: string): LastWrite | undefined => {
      const name = nameOf(namespace)
      return last.has(name) || forgot ? { lsn: last.get(name) } : undefined
    }
  }
}
