/** Layers with something wrong, and the test of the suite that finds it. */
import { RateLimited, RequestRefused, Unavailable } from "@effect-connectors/core/ConnectorError"
import type { EncodedRecord, FeaturesReply, IngestRequest, Row, Service } from "@effect-connectors/tecton/TectonApi"
import { TectonError } from "@effect-connectors/tecton/TectonError"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"

export interface Mutant {
  /** "The suite catches a layer that ..." */
  readonly what: string
  /** The title of the test that fails. */
  readonly caughtBy: string
  readonly change: (client: Service) => Partial<Service>
}

const rows =
  (f: (rows: ReadonlyArray<Row>) => ReadonlyArray<Row>) =>
  (client: Service): Partial<Service> => {
    const changed = (reply: FeaturesReply): FeaturesReply => ({ ...reply, rows: f(reply.rows) })
    return {
      getFeatures: (request) => Effect.map(client.getFeatures(request), changed),
      getFeaturesBatch: (request) => Effect.map(client.getFeaturesBatch(request), changed),
      queryFeatures: (request) => Effect.map(client.queryFeatures(request), changed)
    }
  }

const values = (f: (value: unknown) => unknown) =>
  rows((all) => all.map((row) => ({ ...row, values: row.values.map(f) })))

const ingests =
  (ingest: (client: Service, request: IngestRequest) => ReturnType<Service["ingest"]>) =>
  (client: Service): Partial<Service> => ({ ingest: (request) => ingest(client, request) })

const failing = (reason: TectonError["reason"]) => Effect.fail(new TectonError({ operation: "mutant", reason }))

const withRecords = (
  request: IngestRequest,
  f: (records: Arr.NonEmptyReadonlyArray<EncodedRecord>) => Arr.NonEmptyReadonlyArray<EncodedRecord>
): IngestRequest => ({
  ...request,
  records: new Map(Array.from(request.records, ([source, records]) => [source, f(records)]))
})

const refused = new RequestRefused({ detail: "no" })

export const mutants: ReadonlyArray<Mutant> = [
  {
    what: "cuts timestamps to milliseconds",
    caughtBy: "gives every type as it was written",
    change: values((value) => (typeof value === "string" ? value.replace(/(\.\d{3})\d+Z$/, "$1Z") : value))
  },
  {
    what: "gives an object for a struct",
    caughtBy: "gives every type as it was written",
    change: values((value) => (Array.isArray(value) && typeof value[0] === "number" ? { ...value } : value))
  },
  {
    what: "takes an empty list for null",
    caughtBy: "keeps null, an empty list and a struct of nulls apart",
    change: values((value) => (Array.isArray(value) && value.length === 0 ? null : value))
  },
  {
    what: "takes a struct of nulls for null",
    caughtBy: "keeps null, an empty list and a struct of nulls apart",
    change: values((value) =>
      Array.isArray(value) && value.length > 0 && value.every((field) => field === null) ? null : value
    )
  },
  {
    what: "gives a default for what is missing",
    caughtBy: "shows what is missing, also for a key that is null (a guess)",
    change: values((value) => value ?? "0")
  },
  {
    what: "gives no status",
    caughtBy: "shows what is missing, also for a key that is null (a guess)",
    change: rows((all) => all.map((row) => ({ ...row, statuses: undefined })))
  },
  {
    what: "says that everything is present",
    caughtBy: "shows what is missing, also for a key that is null (a guess)",
    change: rows((all) => all.map((row) => ({ ...row, statuses: row.values.map(() => "PRESENT") })))
  },
  {
    what: "gives the rows of a batch in another order",
    caughtBy: "6 rows by 5: each has its own answer, in order",
    change: rows((all) => all.toReversed())
  },
  {
    what: "gives one row less",
    caughtBy: "18 rows by 5: each has its own answer, in order",
    change: rows((all) => (all.length > 1 ? all.slice(1) : all))
  },
  {
    what: "takes a refusal for trouble of the store",
    caughtBy: "a row that is refused, here for want of a context field, fails alone (a guess)",
    change: (client) => ({
      getFeaturesBatch: (request) =>
        Effect.catch(client.getFeaturesBatch(request), () => failing(new Unavailable({ detail: "down" })))
    })
  },
  {
    what: "takes a service that is not there for a bad request",
    caughtBy: "a service that is not there fails the stream",
    change: (client) => ({
      getFeaturesBatch: (request) => Effect.catch(client.getFeaturesBatch(request), () => failing(refused))
    })
  },
  {
    what: "acknowledges what it did not write",
    caughtBy: "what is written can be read at once",
    change: ingests(() => Effect.succeed({ featureViews: [] }))
  },
  {
    what: "writes after it has acknowledged",
    caughtBy: "what is written can be read at once",
    change: ingests((client, request) =>
      Effect.as(Effect.forkDetach(Effect.delay(client.ingest(request), "20 millis")), { featureViews: [] })
    )
  },
  {
    what: "forgets the last record of a call",
    caughtBy: "aggregates count every event once, and a resend changes nothing",
    change: ingests((client, request) =>
      client.ingest(withRecords(request, ([first, ...others]) => [first, ...others.slice(0, -1)]))
    )
  },
  {
    what: "lists events from the newest to the oldest",
    caughtBy: "the last events are listed from the oldest to the newest (a guess)",
    change: values((value) => (Array.isArray(value) ? value.toReversed() : value))
  },
  {
    what: "writes the records of a call from the last to the first",
    caughtBy: "records of one key and one time: the last one stays (a guess)",
    change: ingests((client, request) => client.ingest(withRecords(request, Arr.reverse)))
  },
  {
    what: "writes in a dry run",
    caughtBy: "a dry run writes nothing, and refuses what would be refused",
    change: ingests((client, request) => client.ingest({ ...request, dryRun: false }))
  },
  {
    what: "takes a refused call for written",
    caughtBy: "bad records are found in few calls, and the others are written once",
    change: ingests((client, request) =>
      Effect.catch(client.ingest(request), () => Effect.succeed({ featureViews: [] }))
    )
  },
  {
    what: "takes a source that is not there for a bad record",
    caughtBy: "a source that is not there fails the stream, and no record is taken for written",
    change: ingests((client, request) => Effect.catch(client.ingest(request), () => failing(refused)))
  },
  {
    what: "names features in another order",
    caughtBy: "metadata name keys, context and features, in the order of vectors",
    change: (client) => ({
      metadata: (request) =>
        Effect.map(client.metadata(request), (metadata) => ({ ...metadata, features: metadata.features.toReversed() }))
    })
  },
  {
    what: "leaves out a feature that was added",
    caughtBy: "every difference is reported at once",
    change: (client) => ({
      metadata: (request) =>
        Effect.map(client.metadata(request), (metadata) => ({
          ...metadata,
          features: metadata.features.filter(({ name }) => name !== "conformance_sums.count_1h")
        }))
    })
  },
  {
    what: "gives one row of a wildcard service only",
    caughtBy: "a wildcard service gives a row for each key that agrees",
    change: (client) => ({
      queryFeatures: (request) =>
        Effect.map(client.queryFeatures(request), (reply) => ({ ...reply, rows: reply.rows.slice(0, 1) }))
    })
  },
  {
    what: "takes a lost answer for a throttled call",
    caughtBy: "answerLost: when attempts run out an event is Unknown",
    change: ingests((client, request) =>
      Effect.catch(client.ingest(request), () => failing(new RateLimited({ detail: "slow down" })))
    )
  },
  {
    what: "can not be interrupted",
    caughtBy: "interrupting an ingest cancels its call",
    change: ingests((client, request) => Effect.uninterruptible(client.ingest(request)))
  }
]
