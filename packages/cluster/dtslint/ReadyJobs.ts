/** What the types of ready jobs promise; checked by the compiler, never run. */
import type { Job, JobFiles } from "@effect-connectors/cluster"
import * as PineconeJobs from "@effect-connectors/cluster/PineconeJobs"
import * as TectonJobs from "@effect-connectors/cluster/TectonJobs"
import type { DeadLetter } from "@effect-connectors/core"
import { type PineconeIndex, PineconeSink } from "@effect-connectors/pinecone"
import { FeatureService, type TectonClient } from "@effect-connectors/tecton"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { expectTypeOf } from "vitest"

const Article = Schema.Struct({ url: Schema.String, embedding: Schema.Array(Schema.Number) })

class Letters extends Context.Service<Letters, DeadLetter.Store<unknown>>()("Letters") {}

// A job needs what its program needs; the partition and its ledger are there.
expectTypeOf(PineconeJobs.load({ name: "load" })).toEqualTypeOf<Job.Job<JobFiles.Part, PineconeIndex | FileSystem>>()
expectTypeOf(
  PineconeJobs.load({
    name: "load",
    schema: Article,
    record: ({ embedding, url }) => ({ id: url, values: embedding }),
    deadLetters: () => Effect.map(Letters, (letters) => letters)
  })
).toEqualTypeOf<Job.Job<JobFiles.Part, PineconeIndex | FileSystem | Letters>>()
expectTypeOf(PineconeJobs.migrate({ name: "copy" })).toEqualTypeOf<
  Job.Job<PineconeJobs.Split, PineconeJobs.Source | PineconeIndex>
>()
// @ts-expect-error: where all namespaces are known, in `splits`, a name that two would get is found
PineconeJobs.migrate({ name: "copy", rename: (namespace: string) => namespace })
expectTypeOf(PineconeJobs.splits({ rename: (namespace) => `${namespace}-v2` })).toEqualTypeOf<
  ReturnType<typeof PineconeJobs.splits>
>()

// @ts-expect-error: rows of another form say what record they are
PineconeJobs.load({ name: "load", schema: Article })

const users = FeatureService.make("users", {
  joinKeys: { user_id: Schema.String },
  requestContext: { amount: Schema.Number },
  features: { "profile.country": Schema.String }
})
const base = { name: "enrich", schema: Article, service: users }

// Where rows are written to is the job's need too.
expectTypeOf(
  TectonJobs.enrich({
    ...base,
    lookup: { keys: ({ url }) => ({ user_id: url }), requestContext: () => ({ amount: 1 }) },
    write: PineconeSink.upsertOutcomes({
      record: ({ features, row }: TectonJobs.Enriched<typeof Article.Type, { "profile.country": string }>) => ({
        id: row.url,
        values: row.embedding,
        metadata: { country: features["profile.country"].value ?? "" }
      })
    })
  })
).toEqualTypeOf<Job.Job<JobFiles.Part, TectonClient | PineconeIndex | FileSystem>>()

TectonJobs.enrichFiles({
  ...base,
  // @ts-expect-error: the service needs a context
  lookup: { keys: ({ url }) => ({ user_id: url }) },
  line: (row) => row,
  directory: "out"
})

TectonJobs.enrichFiles({
  ...base,
  lookup: { keys: ({ url }) => ({ user_id: url }), requestContext: () => ({ amount: 1 }) },
  // @ts-expect-error: there is no such feature
  line: (_, features) => features["profile.city"],
  directory: "out"
})
