/**
 * What a layer has written, so that a program can wait until it can be read: Pinecone answers a write before reads see
 * it. For whoever writes a layer of `PineconeIndex`; programs use `PineconeSink.awaitReadable`.
 */
import * as Effect from "effect/Effect"
import { namespaceName } from "./internal/namespace.ts"
import type { Service, WriteReply } from "./PineconeApi.ts"
import type { PineconeError } from "./PineconeError.ts"

/** Namespaces whose last write is remembered. */
const maxNamespaces = 10_000

/**
 * Makes a service remember the sequence number of its last write to each namespace: its `written`. Of the 10,000
 * namespaces written to last the number is kept; of those before it is forgotten.
 *
 * @example
 * ```ts
 * import { Freshness, PineconeIndex, type PineconeApi } from "@effect-connectors/pinecone"
 * import * as Layer from "effect/Layer"
 *
 * declare const calls: Omit<PineconeApi.Service, "written">
 *
 * const layer = Layer.sync(PineconeIndex, () => Freshness.tracked(calls))
 * ```
 */
export const tracked = (service: Omit<Service, "written">): Service => {
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
    <Request extends { readonly namespace?: string | undefined }>(
      write: (request: Request) => Effect.Effect<WriteReply, PineconeError>
    ) =>
    (request: Request): Effect.Effect<WriteReply, PineconeError> =>
      Effect.tap(write(request), (reply) => Effect.sync(() => note(nameOf(request.namespace), reply)))

  return {
    ...service,
    upsert: noted(service.upsert),
    update: noted(service.update),
    delete: noted(service.delete),
    // A namespace that is made anew may count anew.
    deleteNamespace: (name) =>
      Effect.tap(service.deleteNamespace(name), () => Effect.sync(() => last.delete(nameOf(name)))),
    written: (namespace) => {
      const name = nameOf(namespace)
      return last.has(name) || forgot ? { lsn: last.get(name) } : undefined
    }
  }
}
