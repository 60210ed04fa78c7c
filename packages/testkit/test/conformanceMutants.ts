/** Layers with something wrong, and the test of the suite that finds it. */
import { ConnectionFailed, RateLimited } from "@effect-connectors/core/ConnectorError"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import type { Match, QueryRequest, Service } from "@effect-connectors/pinecone/PineconeIndex"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"

interface Mutant {
  readonly what: string
  readonly caughtBy: string
  readonly change: (index: Service) => Partial<Service>
}

/** Answers before it has written, and what was sent later is written earlier. */
const late = (index: Service): Partial<Service> => {
  let calls = 0
  return {
    upsert: (request) =>
      Effect.as(Effect.forkDetach(Effect.andThen(Effect.sleep(200 - 5 * calls++), index.upsert(request))), {
        count: request.records.length
      })
  }
}

const matches = (change: (found: ReadonlyArray<Match>, request: QueryRequest) => ReadonlyArray<Match>) => {
  return ({ query }: Service): Partial<Service> => ({
    query: (request) => Effect.map(query(request), (reply) => ({ ...reply, matches: change(reply.matches, request) }))
  })
}

const fetched = (change: (record: VectorRecord) => VectorRecord | undefined) => {
  return ({ fetch }: Service): Partial<Service> => ({
    fetch: (request) =>
      Effect.map(fetch(request), ({ records }) => ({
        records: new Map(
          Array.from(records).flatMap(([id, record]) => {
            const changed = change(record)
            return changed === undefined ? [] : [[id, changed]]
          })
        )
      }))
  })
}

/** Gives failures of upserts another reason. */
const upsertFails = (change: (reason: PineconeError["reason"]) => PineconeError["reason"]) => {
  return ({ upsert }: Service): Partial<Service> => ({
    upsert: (request) =>
      Effect.mapError(
        upsert(request),
        ({ operation, reason }) => new PineconeError({ operation, reason: change(reason) })
      )
  })
}

export const mutants: ReadonlyArray<Mutant> = [
  {
    what: "drops the last of several records",
    caughtBy: "gives one outcome for each element, with the element itself in it",
    change: ({ upsert }) => ({
      upsert: (request) => {
        const [first, ...rest] = request.records
        return upsert({ ...request, records: [first, ...rest.slice(0, -1)] })
      }
    })
  },
  {
    what: "stores vectors of any length, cut to that of the index",
    caughtBy: "a record only the store refuses is found among 100, in few calls",
    change: ({ upsert }) => ({
      upsert: (request) =>
        upsert({
          ...request,
          records: Arr.map(request.records, (record) => ({ ...record, values: record.values?.slice(0, 8) }))
        })
    })
  },
  {
    what: "answers before it has written",
    caughtBy: "the records of one id are written in order over many batches in flight",
    change: late
  },
  {
    what: "keeps the metadata of a record that is replaced",
    caughtBy: "an upsert replaces the whole record",
    change: ({ fetch, upsert }) => ({
      upsert: (request) =>
        Effect.flatMap(fetch({ namespace: request.namespace, ids: [request.records[0].id] }), ({ records }) =>
          upsert({
            ...request,
            records: Arr.map(request.records, (record) => ({
              ...record,
              metadata: { ...records.get(record.id)?.metadata, ...record.metadata }
            }))
          })
        )
    })
  },
  {
    what: "knows one namespace only",
    caughtBy: "each record goes to the namespace that was asked for it",
    change: ({ fetch, upsert }) => ({
      upsert: (request) => upsert({ ...request, namespace: "one" }),
      fetch: (request) => fetch({ ...request, namespace: "one" })
    })
  },
  {
    what: "replaces metadata where it should merge",
    caughtBy: "an update merges metadata and replaces the vector it is given",
    change: ({ fetch, update, upsert }) => ({
      update: (request) =>
        request.metadata === undefined
          ? update(request)
          : Effect.flatMap(fetch({ namespace: request.namespace, ids: [request.id] }), ({ records }) =>
              upsert({
                namespace: request.namespace,
                records: [{ id: request.id, values: records.get(request.id)?.values, metadata: request.metadata }]
              })
            )
    })
  },
  {
    what: "inserts what it should update",
    caughtBy: "an update of what is not stored is no error and stores nothing",
    change: ({ upsert }) => ({
      update: ({ id, metadata, namespace }) =>
        upsert({ namespace, records: [{ id, values: Array.from({ length: 8 }, () => 1), metadata }] })
    })
  },
  {
    what: "deletes the first id only",
    caughtBy: "a delete by id removes what is there, and what is not there is no error",
    change: (index) => ({
      delete: (request) => index.delete("ids" in request ? { ...request, ids: [request.ids[0]] } : request)
    })
  },
  {
    what: "takes any filter of a delete for all",
    caughtBy: "a delete by filter, and of everything in the namespace",
    change: (index) => ({
      delete: (request) => index.delete("filter" in request ? { namespace: request.namespace, all: true } : request)
    })
  },
  {
    what: "says nothing of a namespace that does not exist",
    caughtBy: "a delete in a namespace that does not exist is refused for its records alone",
    change: (index) => ({ delete: (request) => Effect.catch(index.delete(request), () => Effect.succeed({})) })
  },
  {
    what: "says that reads see what they do not see yet",
    caughtBy: "what was written and awaited is read at once",
    change: (index) => ({
      ...late(index),
      written: () => ({ lsn: 1 }),
      query: (request) => Effect.map(index.query(request), (reply) => ({ ...reply, indexedLsn: 1 }))
    })
  },
  {
    what: "tells an older write than its last",
    caughtBy: "what was deleted and awaited is read no more",
    change: (index) => ({
      delete: (request) =>
        Effect.as(Effect.forkDetach(Effect.andThen(Effect.sleep("50 millis"), index.delete(request))), {}),
      written: () => ({ lsn: 0 })
    })
  },
  {
    what: "waits for a write that never was",
    caughtBy: "where nothing was written, nothing is waited for",
    change: () => ({ written: () => ({ lsn: 2 ** 40 }) })
  },
  {
    what: "ranks the farthest first",
    caughtBy: "a query pairs each element with its neighbours, nearest first, in the order of the elements",
    change: matches((found) => found.toReversed())
  },
  {
    what: "gives the root of a squared distance",
    caughtBy: "scores are those of euclidean",
    change: matches((found) => found.map((match) => ({ ...match, score: Math.sqrt(match.score) })))
  },
  {
    what: "gives metadata to those who do not want it",
    caughtBy: "a query gives values and metadata when asked, and neither when not",
    change: ({ query }) => ({ query: (request) => query({ ...request, includeMetadata: true }) })
  },
  {
    what: "ignores filters",
    caughtBy: "each operator selects what is documented",
    change: ({ query }) => ({ query: (request) => query({ ...request, filter: undefined }) })
  },
  {
    what: "takes every malformed filter for none",
    caughtBy: "malformed ones are refused",
    change: ({ query }) => ({ query: (request) => Effect.catch(query(request), () => Effect.succeed({ matches: [] })) })
  },
  {
    what: "gives at most 99 records of a fetch",
    caughtBy: "a fetch asks for many at once, and for duplicates once",
    change: ({ fetch }) => ({
      fetch: (request) =>
        Effect.map(fetch(request), ({ records }) => ({ records: new Map(Array.from(records).slice(0, 99)) }))
    })
  },
  {
    what: "makes something up for an id that is not stored",
    caughtBy: "a fetch pairs each id with its record, and with none what is not stored",
    change: ({ fetch }) => ({
      fetch: (request) =>
        Effect.map(fetch(request), ({ records }) => ({
          records: new Map([...request.ids.map((id) => [id, { id }] as const), ...records])
        }))
    })
  },
  {
    what: "loses the last page of a list",
    caughtBy: "gives each of 1,050 records once and whole, and finds their count right",
    change: ({ list }) => ({
      list: (request) => Effect.map(list(request), (reply) => (reply.next === undefined ? { ids: [] } : reply))
    })
  },
  {
    what: "rounds numbers more than float32 does",
    caughtBy: "gives each of 1,050 records once and whole, and finds their count right",
    change: fetched((record) => ({ ...record, values: Array.from(record.values ?? [], (x) => Number(x.toFixed(6))) }))
  },
  {
    what: "ignores prefixes",
    caughtBy: "by prefixes side by side gives what starts with them, once",
    change: ({ list }) => ({ list: (request) => list({ ...request, prefix: undefined }) })
  },
  {
    what: "lists as people sort, not by bytes",
    caughtBy: "ids are listed page after page in bytewise order, all or those with a prefix",
    change: ({ list }) => ({
      list: (request) =>
        Effect.map(list(request), (reply) => ({ ...reply, ids: reply.ids.toSorted((a, b) => a.localeCompare(b)) }))
    })
  },
  {
    what: "keeps a namespace that is removed",
    caughtBy: "namespaces are listed with their counts, and a removed one is gone",
    change: (index) => ({ deleteNamespace: (namespace) => index.delete({ namespace, all: true }) })
  },
  {
    what: "loses lists in metadata",
    caughtBy: "metadata comes back as the type it was written with",
    change: fetched(({ metadata = {}, ...record }) => ({
      ...record,
      metadata: Object.fromEntries(Object.entries(metadata).filter(([, value]) => !Array.isArray(value)))
    }))
  },
  {
    what: "cuts long ids",
    caughtBy: "what is just small enough is stored",
    change: ({ upsert }) => ({
      upsert: (request) =>
        upsert({
          ...request,
          records: Arr.map(request.records, (record) => ({ ...record, id: record.id.slice(0, 500) }))
        })
    })
  },
  {
    what: "does not pass on how long to wait",
    caughtBy: "a throttled call is repeated, and not sooner than the store asked for",
    change: upsertFails((reason) => (reason._tag === "RateLimited" ? new RateLimited({ detail: "slow down" }) : reason))
  },
  {
    what: "takes a lost answer for a call that never left",
    caughtBy: "answerLost: without a repetition the outcome is unknown, and of that call alone",
    change: upsertFails((reason) =>
      reason._tag === "ConnectionFailed" ? new ConnectionFailed({ detail: "reset", sent: false }) : reason
    )
  },
  {
    what: "takes a used up quota for a moment's throttling",
    caughtBy: "a quota that is used up is not waited for: the stream fails, after an outcome for each record",
    change: upsertFails((reason) =>
      reason._tag === "QuotaExhausted" ? new RateLimited({ detail: "slow down", retryAfterMillis: 1 }) : reason
    )
  },
  {
    what: "goes on with a call that was interrupted",
    caughtBy: "interrupting a write cancels its call",
    change: ({ upsert }) => ({ upsert: (request) => Effect.uninterruptible(upsert(request)) })
  }
]
