/**
 * One suite for every layer of `PineconeRecordIndex`, whoever embeds: what sinks and sources of records with text promise,
 * checked on the store behind the layer, by the `PineconeIndex` beside it.
 *
 * It registers tests with `@effect/vitest`, an optional peer dependency. Each test works in a namespace of its own and
 * removes it, so the index may be one that others use. Time is real. Whatever embeds has to put texts that share words
 * nearer to each other than texts that share none.
 */
import type { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import type { PineconeRecordIndex } from "@effect-connectors/pinecone/PineconeRecordIndex"
import { layer as layerTests } from "@effect/vitest"
import * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import { onBench, reranks, type Settings, type Test, tests } from "./internal/recordConformance.ts"

export interface Options {
  /** The field that is embedded. @default "text" */
  readonly textField?: string | undefined
  /** A model of the index that ranks again. Default: none, and the tests that need it are left out. */
  readonly reranks?: string | undefined
  /**
   * How long a write may take to be readable. Checks of what was written are repeated that long.
   *
   * @default 0
   */
  readonly eventually?: Duration.Input | undefined
}

/**
 * Registers the suite as a `describe` block. The layer is built once for all its tests.
 *
 * @example
 * ```ts
 * import { PineconeRecordMemory } from "@effect-connectors/testkit"
 * import * as RecordConformance from "@effect-connectors/testkit/RecordConformance"
 *
 * RecordConformance.suite("in memory", PineconeRecordMemory.layer, { reranks: "bge-reranker-v2-m3" })
 * ```
 */
export const suite = <E>(
  name: string,
  layer: Layer.Layer<PineconeRecordIndex | PineconeIndex, E>,
  options: Options = {}
): void => {
  const settings: Settings = {
    textField: options.textField ?? "text",
    eventually: Duration.fromInputUnsafe(options.eventually ?? 0)
  }
  // Enough for a dozen checks that wait as long as they may.
  const timeout = 20_000 + 12 * Duration.toMillis(settings.eventually)
  layerTests(layer, { excludeTestServices: true })(name, (it) => {
    const test: Test = (title, body) => it.effect(title, () => onBench(settings, body), timeout)
    tests(test)
    if (options.reranks !== undefined) reranks(test, options.reranks)
  })
}
