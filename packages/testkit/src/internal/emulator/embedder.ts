/** Makes vectors of texts, by a function that can be replaced. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { denseOf, type Embed, type EmbedRequest } from "../embedding.ts"

export interface Embedder {
  /** Vectors of the dimension asked for, one for each text. Rejects when the function fails or makes others. */
  readonly dense: (request: EmbedRequest) => Promise<ReadonlyArray<ReadonlyArray<number> | Float32Array>>
}

const byHash: Embed = ({ dimension, texts }) => Effect.sync(() => texts.map((text) => denseOf(text, dimension)))

export const make = (embed: Embed = byHash): Embedder => ({
  dense: async (request) => {
    const { dimension, texts } = request
    if (texts.length === 0) return []
    const exit = await Effect.runPromiseExit(embed(request))
    if (Exit.isFailure(exit)) throw new Error(`embed failed: ${Cause.pretty(exit.cause)}`)
    const vectors = exit.value
    const other = vectors.find((vector) => vector.length !== dimension)
    if (vectors.length !== texts.length || other !== undefined) {
      throw new RangeError(
        `embed must make ${texts.length} vectors of dimension ${dimension}, made ${vectors.length}` +
          (other === undefined ? "" : ` with one of ${other.length}`)
      )
    }
    return vectors
  }
})
