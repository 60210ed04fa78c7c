/**
 * A Pinecone emulator in a process of its own, and what the audit asks it: faults to make, and what is stored. It is
 * asked with plain `fetch`, so that no code of the connectors tells whether the connectors did well.
 */
import { type Corpus, dimension as defaultDimension, items } from "./corpus.ts"
import type * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Child from "./child.ts"
import { secrets, type Witness } from "./witness.ts"

const Counters = Schema.Record(Schema.String, Schema.Number)

const State = Schema.Struct({ matched: Counters, fired: Counters, overQuota: Counters })

/** Counters of the emulator. */
export type State = typeof State.Type

const Stored = Schema.Struct({
  id: Schema.String,
  values: Schema.optional(Schema.Array(Schema.Number)),
  metadata: Schema.optional(Schema.Record(Schema.String, Schema.Unknown))
})

/** A record as the emulator gives it. */
export type Stored = typeof Stored.Type

const Page = Schema.Struct({
  vectors: Schema.optional(Schema.Array(Schema.Struct({ id: Schema.String }))),
  pagination: Schema.optional(Schema.NullOr(Schema.Struct({ next: Schema.String })))
})

const Fetched = Schema.Struct({ vectors: Schema.Record(Schema.String, Stored) })

export interface Emulator {
  readonly url: string
  /** The index's address. */
  readonly host: string
  /** Faults from now on, counters at 0. */
  readonly plan: (plan: FaultPlan.FaultPlan) => Effect.Effect<void>
  /** Nothing goes wrong any more; the counters until then. */
  readonly calm: Effect.Effect<State>
  readonly state: Effect.Effect<State>
  /** Calls `each` for every record of a namespace. */
  readonly read: (namespace: string, each: (record: Stored) => void) => Effect.Effect<void>
  /** Writes a corpus without poison. */
  readonly fill: (corpus: Corpus) => Effect.Effect<void>
  readonly child: Child.Child
}

const ask = <A>(schema: Schema.Codec<A, unknown>, url: string, init?: RequestInit): Effect.Effect<A> =>
  Effect.promise(async (signal) => {
    const headers = { "api-key": secrets.pineconeKey, "content-type": "application/json" }
    const response = await fetch(url, { headers, signal, ...init })
    if (!response.ok) throw new Error(`the emulator answers ${response.status} to ${url}`)
    return Schema.decodeUnknownPromise(schema)(await response.json())
  })

/** Starts one. */
export const start = Effect.fnUntraced(function* (
  options: { readonly quotas?: boolean; readonly dimension?: number } = {}
): Effect.fn.Return<Emulator, Child.ChildEnded, Scope.Scope | Witness> {
  const child = yield* Child.start({
    program: "emulator.ts",
    argument: {
      index: "audit",
      dimension: options.dimension ?? defaultDimension,
      apiKey: secrets.pineconeKey,
      quotas: options.quotas ?? false
    }
  })
  const { host, url } = yield* child.next(Schema.Struct({ url: Schema.String, host: Schema.String }))
  const faults = `${url}/__admin/faults`
  const state = ask(State, faults)

  const read = Effect.fnUntraced(function* (namespace: string, each: (record: Stored) => void) {
    const named = `namespace=${encodeURIComponent(namespace)}`
    let next: string | undefined
    do {
      const token: string = next === undefined ? "" : `&paginationToken=${encodeURIComponent(next)}`
      const page = yield* ask(Page, `${host}/vectors/list?limit=100&${named}${token}`)
      const ids = (page.vectors ?? []).map(({ id }) => `ids=${encodeURIComponent(id)}`)
      if (ids.length > 0) {
        const { vectors } = yield* ask(Fetched, `${host}/vectors/fetch?${named}&${ids.join("&")}`)
        Object.values(vectors).forEach(each)
      }
      next = page.pagination?.next
    } while (next !== undefined)
  })

  const fill = Effect.fnUntraced(function* (corpus: Corpus) {
    for (let from = 0; from < corpus.records; from += 1_000) {
      const some = Array.from(items(corpus, from, Math.min(from + 1_000, corpus.records)))
      for (const namespace of corpus.namespaces) {
        const vectors = some
          .filter((item) => item.namespace === namespace)
          .map(({ record }) => ({ ...record, values: Array.from(record.values ?? []) }))
        const body = JSON.stringify({ namespace, vectors })
        if (vectors.length > 0) yield* ask(Schema.Unknown, `${host}/vectors/upsert`, { method: "POST", body })
      }
    }
  })

  return {
    url,
    host,
    fill,
    plan: (plan) => Effect.asVoid(ask(State, faults, { method: "PUT", body: JSON.stringify(plan) })),
    calm: Effect.tap(state, () => ask(State, faults, { method: "DELETE" })),
    state,
    read,
    child
  }
})
