/** One call of an embedding model. */
import { InvalidResponse } from "@effect-connectors/core/ConnectorError"
import type * as Telemetry from "@effect-connectors/core/Telemetry"
import * as Effect from "effect/Effect"
import type { PineconeError } from "../PineconeError.ts"
import type { Values } from "../VectorRecord.ts"
import type { EmbeddingModel } from "./ai.ts"
import { reasonOf } from "./aiReason.ts"
import { failure } from "./common.ts"

/** What embedding is called in telemetry. */
export const targetOf = (collection: string): Telemetry.Target => ({
  system: "embedding",
  operation: "embed",
  collection
})

/** {@link embedAll} that is counted and measured as a lookup is, for calls that no engine makes. */
export const embedCounted = (
  model: EmbeddingModel,
  telemetry: Telemetry.Telemetry,
  texts: ReadonlyArray<string>,
  namespace: string
): Effect.Effect<ReadonlyArray<Values>, PineconeError> =>
  Effect.andThen(
    Effect.andThen(telemetry.lookups({ store: texts.length, cache: 0, flight: 0 }), telemetry.attempt(undefined)),
    telemetry.measured(embedAll(model, texts, namespace))
  )

/** A vector for each text, in order. */
export const embedAll = (
  model: EmbeddingModel,
  texts: ReadonlyArray<string>,
  namespace?: string
): Effect.Effect<ReadonlyArray<Values>, PineconeError> =>
  model.embedMany(texts).pipe(
    Effect.mapError((error) => failure("embed", namespace, reasonOf(error))),
    Effect.flatMap(({ embeddings }) => {
      if (embeddings.length === texts.length) return Effect.succeed(embeddings.map(({ vector }) => vector))
      const detail = `the model gave ${embeddings.length} vectors for ${texts.length} texts`
      return Effect.fail(failure("embed", namespace, new InvalidResponse({ detail })))
    })
  )
