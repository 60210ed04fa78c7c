/**
 * Rates that all runners share: a namespace's quota is one, however many processes write to it.
 */
import type { InvalidOption } from "@effect-connectors/core/ConnectorError"
import * as Pacing from "@effect-connectors/core/Pacing"
import * as Effect from "effect/Effect"
import * as RateStore from "./internal/rateStore.ts"
import { JobEngine } from "./JobEngine.ts"

/**
 * A pacing whose rates are counted in the storage of the runners. Each call takes a transaction there for each rate that it
 * counts against (an upsert to Pinecone two: requests and bytes), so it is for calls that carry many records. When the storage
 * fails, calls go without waiting for a rate.
 *
 * @example
 * ```ts
 * import { JobPacing, JobRunner } from "@effect-connectors/cluster"
 * import { PineconeIndex, PineconePacing } from "@effect-connectors/pinecone"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const index = Layer.unwrap(
 *   Effect.map(JobPacing.shared({ ...PineconePacing.documented, prefix: "articles" }), (pacing) =>
 *     PineconeIndex.layer({ apiKey: Redacted.make("pcsk_..."), index: "articles", pacing })
 *   )
 * ).pipe(Layer.provide(JobRunner.layerEmbedded({ file: "jobs.db" })))
 * ```
 */
export const shared = (options: Pacing.SharedOptions = {}): Effect.Effect<Pacing.Pacing, InvalidOption, JobEngine> =>
  Effect.flatMap(JobEngine, ({ rates }) => RateStore.provide(Pacing.makeShared(options), rates))
