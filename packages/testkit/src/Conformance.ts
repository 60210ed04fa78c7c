/**
 * One suite for every layer of `PineconeIndex`: what sinks, sources and typed indexes promise, checked on the store
 * behind the layer. Whoever writes a layer, an emulator or a proxy runs it on theirs.
 *
 * It registers tests with `@effect/vitest`, an optional peer dependency that only this module loads. Each test works
 * in a namespace of its own and removes it, so the index may be one that others use.
 */
import type { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { layer as layerTests } from "@effect/vitest"
import * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import { onBench, type Settings, type Test } from "./internal/conformance/bench.ts"
import { filters } from "./internal/conformance/filters.ts"
import { lookup } from "./internal/conformance/lookup.ts"
import { scan } from "./internal/conformance/scan.ts"
import { schema } from "./internal/conformance/schema.ts"
import { write } from "./internal/conformance/write.ts"

export interface Options {
  /** Of the index, at least 2. */
  readonly dimension: number
  /** Of the index. */
  readonly metric: "cosine" | "dotproduct" | "euclidean"
  /**
   * How long a write may take to be readable. Checks of what was written are repeated that long.
   *
   * @default 0
   */
  readonly eventually?: Duration.Input | undefined
  /**
   * The index is one that others use and that costs money: tests that read all of it are left out.
   *
   * @default false
   */
  readonly live?: boolean | undefined
}

/**
 * Registers the suite as a `describe` block. The layer is built once. Time is real.
 *
 * @example
 * ```ts
 * import { PineconeMemory } from "@effect-connectors/testkit"
 * import * as Conformance from "@effect-connectors/testkit/Conformance"
 *
 * Conformance.suite("in memory", PineconeMemory.layerWith({ dimension: 8 }), { dimension: 8, metric: "cosine" })
 * ```
 */
export const suite = <E>(name: string, layer: Layer.Layer<PineconeIndex, E>, options: Options): void => {
  const settings: Settings = {
    dimension: options.dimension,
    metric: options.metric,
    eventually: Duration.fromInputUnsafe(options.eventually ?? 0),
    live: options.live ?? false
  }
  // Enough for a dozen checks that wait as long as they may.
  const timeout = 20_000 + 12 * Duration.toMillis(settings.eventually)
  layerTests(layer, { excludeTestServices: true })(name, (it) => {
    const test: Test = (title, body) => it.effect(title, () => onBench(settings, body), timeout)
    write(test)
    lookup(test, settings)
    filters(test)
    scan(test, settings)
    schema(test)
  })
}
