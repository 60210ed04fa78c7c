/**
 * One suite for every layer of `PineconeIndex`: what sinks, sources and typed indexes promise, checked on the store
 * behind the layer. Whoever writes a layer, an emulator or a proxy runs it on theirs.
 *
 * It registers tests with `@effect/vitest`, an optional peer dependency that only this module loads. Each test works
 * in a namespace of its own and removes it, so the index may be one that others use. Time is real.
 */
import type { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { describe, layer as layerTests } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { onBench, type Settings, type Test } from "./internal/conformance/bench.ts"
import { faults, type FaultTest } from "./internal/conformance/faults.ts"
import { filters } from "./internal/conformance/filters.ts"
import { freshness } from "./internal/conformance/freshness.ts"
import { lookup } from "./internal/conformance/lookup.ts"
import { scan } from "./internal/conformance/scan.ts"
import { schema } from "./internal/conformance/schema.ts"
import { write } from "./internal/conformance/write.ts"

/**
 * How a call goes wrong:
 * - `"throttled"`: refused, to be sent again after one second (HTTP 429 with `Retry-After: 1`);
 * - `"quotaExhausted"`: refused until next month (HTTP 429 in the service's words);
 * - `"unavailable"`: refused by a store in trouble (HTTP 503);
 * - `"reset"`: the connection breaks before the call is applied;
 * - `"answerLost"`: the call is applied and the connection breaks before the answer;
 * - `"stalled"`: applied and answered after a time that is the same for each, a second or less; not applied when the
 *   caller leaves before.
 */
export type Fault = "throttled" | "quotaExhausted" | "unavailable" | "reset" | "answerLost" | "stalled"

/** Makes calls fail, of the operations `O`. */
export interface Faults<in O extends string = "upsert" | "query" | "fetch" | "list" | "stats"> {
  /** Strikes the next `times` calls (default 1) of an operation, in place of what was set before. */
  readonly next: (operation: O, fault: Fault, times?: number) => Effect.Effect<void>
  /** How often it struck since it was last set. */
  readonly fired: Effect.Effect<number>
}

/** `R` is what the layer gives besides the index. */
export interface Options<R = never> {
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
  /** The way to make calls fail. Default: none, and the tests that need it are left out. */
  readonly faults?: Effect.Effect<Faults, never, R> | undefined
}

/**
 * Registers the suite as a `describe` block. The layer is built once for all its tests.
 *
 * @example
 * ```ts
 * import { PineconeMemory } from "@effect-connectors/testkit"
 * import * as Conformance from "@effect-connectors/testkit/Conformance"
 *
 * Conformance.suite("in memory", PineconeMemory.layerWith({ dimension: 8 }), { dimension: 8, metric: "cosine" })
 * ```
 */
export const suite = <E, R = never>(
  name: string,
  layer: Layer.Layer<PineconeIndex | R, E>,
  options: Options<R>
): void => {
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
    describe("write", () => {
      write(test)
    })
    describe("freshness", () => {
      freshness(test)
    })
    describe("lookup", () => {
      lookup(test, settings)
    })
    describe("filters", () => {
      filters(test)
    })
    describe("scan", () => {
      scan(test, settings)
    })
    describe("schema", () => {
      schema(test)
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
