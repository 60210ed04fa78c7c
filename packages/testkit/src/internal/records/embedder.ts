/** Makes vectors of texts, by a function that can be replaced. */
import { clip, Unavailable } from "@effect-connectors/core/ConnectorError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { denseOf, type Embed, type EmbedRequest } from "./embedding.ts"

export type Vectors = ReadonlyArray<ReadonlyArray<number> | Float32Array>

export interface Embedder {
  /** Vectors of the dimension asked for, one for each text. */
  readonly dense: (request: EmbedRequest) => Effect.Effect<Vectors, Unavailable>
}

const byHash: Embed = ({ dimension, texts }) => Effect.sync(() => texts.map((text) => denseOf(text, dimension)))

/** A function that fails, dies or makes other vectors is a service in trouble. */
const failed = (detail: string): Unavailable => new Unavailable({ detail: clip(detail), wire: { status: 500 } })

export const make = (embed: Embed = byHash): Embedder => ({
  dense: (request) => {
    const { dimension, texts } = request
    if (texts.length === 0) return Effect.succeed([])
    return Effect.suspend(() => embed(request)).pipe(
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.fail(failed(`embed failed: ${Cause.pretty(cause)}`))
      ),
      Effect.filterOrFail(
        (vectors) => vectors.length === texts.length && vectors.every((vector) => vector.length === dimension),
        (vectors) => {
          const other = vectors.find((vector) => vector.length !== dimension)
          const made = other === undefined ? `${vectors.length}` : `one of dimension ${other.length}`
          return failed(`embed must make ${texts.length} vectors of dimension ${dimension}, made ${made}`)
        }
      )
    )
  }
})
