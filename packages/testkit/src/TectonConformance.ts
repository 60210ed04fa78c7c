/**
 * One suite for every layer of `TectonClient`: what sinks, sources and feature services promise, checked on the
 * workspace behind the layer. Whoever writes a layer, an emulator or a proxy runs it on theirs.
 *
 * It registers tests with `@effect/vitest`, an optional peer dependency that only the suites load. Each test works on
 * keys of its own, so the workspace may be one that others use. Time is real. A test whose title ends with "(a guess)"
 * asserts what Tecton does not document.
 */
import type { TectonClient } from "@effect-connectors/tecton/TectonClient"
import { describe, layer as layerTests } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { onBench, type Test } from "./internal/tectonConformance/bench.ts"
import { faults, type FaultTest } from "./internal/tectonConformance/faults.ts"
import { reads } from "./internal/tectonConformance/reads.ts"
import { services } from "./internal/tectonConformance/services.ts"
import { writes } from "./internal/tectonConformance/writes.ts"

/** What the workspace has to define: two feature services on one stream source. */
export { definition } from "./internal/tectonConformance/definition.ts"

/**
 * How a call goes wrong:
 * - `"throttled"`: refused, to be sent again later (HTTP 429);
 * - `"unavailable"`: refused by a server in trouble (HTTP 503);
 * - `"reset"`: the connection breaks before the call is applied;
 * - `"answerLost"`: the call is applied and the connection breaks before the answer;
 * - `"stalled"`: applied and answered after two seconds; not applied when the caller leaves before.
 */
export type Fault = "throttled" | "unavailable" | "reset" | "answerLost" | "stalled"

/** Makes calls fail. */
export interface Faults {
  /** Strikes the next `times` calls (default 1) of an operation, in place of what was set before. */
  readonly next: (
    operation: "getFeaturesBatch" | "ingest" | "metadata",
    fault: Fault,
    times?: number
  ) => Effect.Effect<void>
  /** How often it struck since it was last set. */
  readonly fired: Effect.Effect<number>
}

/** `R` is what the layer gives besides the client. */
export interface Options<R = never> {
  /** The way to make calls fail. Default: none, and the tests that need it are left out. */
  readonly faults?: Effect.Effect<Faults, never, R> | undefined
}

/**
 * Registers the suite as a `describe` block. The layer is built once for all its tests.
 *
 * @example
 * ```ts
 * import { TectonMemory } from "@effect-connectors/testkit"
 * import * as TectonConformance from "@effect-connectors/testkit/TectonConformance"
 *
 * TectonConformance.suite("in memory", TectonMemory.layerWith({ definition: TectonConformance.definition }))
 * ```
 */
export const suite = <E, R = never>(
  name: string,
  layer: Layer.Layer<TectonClient | R, E>,
  options: Options<R> = {}
): void => {
  layerTests(layer, { excludeTestServices: true })(name, (it) => {
    const test: Test = (title, body) => it.effect(title, () => onBench(body))
    describe("reads", () => {
      reads(test)
    })
    describe("writes", () => {
      writes(test)
    })
    describe("services", () => {
      services(test)
    })
    const control = options.faults
    if (control === undefined) return
    const faultTest: FaultTest = (title, body) =>
      it.effect(title, () => Effect.flatMap(control, (faults) => onBench((bench) => body(bench, faults))))
    describe("faults", () => {
      faults(faultTest)
    })
  })
}
