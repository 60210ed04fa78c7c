/** A runner that the tests start, stop and kill. */
import { Job, JobRunner } from "@effect-connectors/cluster"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Answer, Call, make, Settings } from "./job.ts"

const { concurrency, name, storage, store } = Schema.decodeUnknownSync(Schema.fromJsonString(Settings))(process.argv[2])

const body = Schema.encodeSync(Schema.fromJsonString(Call))
const answer = Schema.decodeUnknownEffect(Answer)

const job = make((call) =>
  Effect.tryPromise({
    try: async (signal) => {
      const reply = await fetch(store, { method: "POST", body: body({ ...call, runner: name }), signal })
      return reply.json()
    },
    catch: (error) => ({ message: String(error) })
  }).pipe(Effect.flatMap(answer))
)

const engine =
  storage._tag === "Embedded"
    ? JobRunner.layerEmbedded({ file: storage.file, concurrency })
    : JobRunner.layerPostgres({
        url: Redacted.make(storage.url),
        host: "127.0.0.1",
        port: storage.port,
        concurrency,
        maxConnections: 5
      })

Job.layer(job).pipe(Layer.provide(engine), Layer.launch, NodeRuntime.runMain)
