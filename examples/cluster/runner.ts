/** One of the runners that `npm run example:cluster` starts. It says on stdout how many records each of its calls carries. */
import { Job, JobRunner } from "@effect-connectors/cluster"
import { PineconeGrpc, PineconeIndex } from "@effect-connectors/pinecone"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { writeSync } from "node:fs"
import { load, Texts } from "./load.ts"

/** What the starting process gives as its argument. */
export const Settings = Schema.Struct({ storage: Schema.String, host: Schema.String, limit: Schema.Int })

/** A line is written before its call leaves, at once: also of a process that is killed during the call. */
const counted = Layer.effect(
  PineconeIndex,
  Effect.map(PineconeIndex, (index) =>
    PineconeIndex.of({
      ...index,
      upsert: (request) =>
        Effect.suspend(() => {
          writeSync(1, `${request.records.length}\n`)
          return index.upsert(request)
        })
    })
  )
)

if (import.meta.main) {
  const { host, limit, storage } = Schema.decodeUnknownSync(Schema.fromJsonString(Settings))(process.argv[2])
  const index = counted.pipe(Layer.provide(PineconeGrpc.layer({ apiKey: Redacted.make("any"), host })))
  Job.layer(load).pipe(
    Layer.provide([index, Texts.layer(limit)]),
    Layer.provide(JobRunner.layerEmbedded({ file: storage, concurrency: 2 })),
    Layer.provide(NodeServices.layer),
    Layer.launch,
    NodeRuntime.runMain
  )
}
