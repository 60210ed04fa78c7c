/**
 * What the demo's main thread asks of the threads that run the Universal Sentence Encoder.
 */
import * as Schema from "effect/Schema"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Transferable from "effect/workers/Transferable"

/** A vector whose memory is handed over to the other thread, not copied. */
const Vector = Schema.instanceOf(Float32Array<ArrayBuffer>).pipe(Transferable.schema((vector) => [vector.buffer]))

/** The model could not be loaded, or failed. */
export class ModelFailed extends Schema.TaggedError<ModelFailed>()("ModelFailed", {
  message: Schema.String
}) {}

/** Embeds texts, giving one vector for each in order. */
export const UseLite = RpcGroup.make(
  Rpc.make("embed", {
    payload: { texts: Schema.Array(Schema.NonEmptyString) },
    success: Schema.Array(Vector),
    error: ModelFailed
  })
)
