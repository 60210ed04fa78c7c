/**
 * One suite for every layer of `PineconeDocumentIndex`: what sinks and sources of documents promise, checked on the store
 * behind the layer, which has to be an index made as {@link definition} declares.
 *
 * It registers tests with `@effect/vitest`, an optional peer dependency. Each test works in a namespace of its own and
 * removes it, so the index may be one that others use. Time is real.
 */
import type { PineconeDocumentIndex } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import { describe, layer as layerTests } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Faults } from "./Conformance.ts"
import { articles, onBench, type Settings, type Test } from "./internal/documentConformance/bench.ts"
import { faults, type FaultTest } from "./internal/documentConformance/faults.ts"
import { read } from "./internal/documentConformance/read.ts"
import { search } from "./internal/documentConformance/search.ts"
import { write } from "./internal/documentConformance/write.ts"

/** The index that the suite runs on. `DocumentIndex.createSchema(definition)` is what to make it with. */
export const definition = articles

/** `R` is what the layer gives besides the index. */
export interface Options<R = never> {
  /**
   * How long a write may take to be readable. Checks of what was written are repeated that long.
   *
   * @default 0
   */
  readonly eventually?: Duration.Input | undefined
  /**
   * The index is one that others use: tests that read all of it are left out.
   *
   * @default false
   */
  readonly live?: boolean | undefined
  /** The way to make calls fail. Default: none, and the tests that need it are left out. */
  readonly faults?: Effect.Effect<Faults<"upsert" | "search">, never, R> | undefined
}

/**
 * Registers the suite as a `describe` block. The layer is built once for all its tests.
 *
 * @example
 * ```ts
 * import { PineconeDocumentMemory } from "@effect-connectors/testkit"
 * import * as DocumentConformance from "@effect-connectors/testkit/DocumentConformance"
 *
 * DocumentConformance.suite("in memory", PineconeDocumentMemory.layer(DocumentConformance.definition))
 * ```
 */
export const suite = <E, R = never>(
  name: string,
  layer: Layer.Layer<PineconeDocumentIndex | R, E>,
  options: Options<R> = {}
): void => {
  const settings: Settings = {
    eventually: Duration.fromInputUnsafe(options.eventually ?? 0),
    live: options.live ?? false
  }
  // Enough for a dozen checks that wait as long as they may.
  const timeout = 20_000 + 12 * Duration.toMillis(settings.eventually)
  layerTests(layer, { excludeTestServices: true })(name, (it) => {
    const test: Test = (title, body) => it.effect(title, () => onBench(settings, body), timeout)
    describe("write", () => {
      write(test)
    })
    describe("search", () => {
      search(test)
    })
    describe("read", () => {
      read(test, settings)
    })
    const control = options.faults
    if (control === undefined) return
    const faultTest: FaultTest = (title, body) =>
      it.effect(
        title,
        () => Effect.flatMap(control, (faults) => onBench(settings, (bench) => body(bench, faults))),
        timeout
      )
    describe("faults", () => {
      faults(faultTest)
    })
  })
}
