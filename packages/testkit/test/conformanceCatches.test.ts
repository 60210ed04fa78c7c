/** The suite finds what is wrong with a layer: each mutant of the memory layer fails the test that is named with it. */
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { onBench, type Settings, type Test } from "../src/internal/conformance/bench.ts"
import { faults } from "../src/internal/conformance/faults.ts"
import { filters } from "../src/internal/conformance/filters.ts"
import { freshness } from "../src/internal/conformance/freshness.ts"
import { lookup } from "../src/internal/conformance/lookup.ts"
import { scan } from "../src/internal/conformance/scan.ts"
import { schema } from "../src/internal/conformance/schema.ts"
import { write } from "../src/internal/conformance/write.ts"
import { breakable, MemoryFaults } from "./conformanceBreakable.ts"
import { mutants } from "./conformanceMutants.ts"

const settings: Settings = { dimension: 8, metric: "euclidean", eventually: Duration.zero, live: false }

const tests = new Map<string, Effect.Effect<unknown, unknown, PineconeIndex | MemoryFaults | Scope.Scope>>()
const test: Test = (title, body) => tests.set(title, onBench(settings, body))

write(test)
freshness(test)
lookup(test, settings)
filters(test)
scan(test, settings)
schema(test)
faults((title, body) =>
  tests.set(
    title,
    Effect.flatMap(MemoryFaults, (control) => onBench(settings, (bench) => body(bench, control)))
  )
)

const memory = Layer.effectContext(Effect.map(PineconeIndex, breakable)).pipe(
  Layer.provide(PineconeMemory.layerWith({ dimension: settings.dimension, metric: settings.metric }))
)

describe("the suite catches a layer that", () => {
  it.live.each(mutants)("$what", ({ caughtBy, change }) =>
    Effect.gen(function* () {
      const body = tests.get(caughtBy)
      assert(body !== undefined, `no test is called "${caughtBy}"`)
      yield* Effect.provide(body, memory)

      const context = yield* Layer.build(memory)
      const index = Context.get(context, PineconeIndex)
      const broken = Context.add(context, PineconeIndex, { ...index, ...change(index) })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.provide(body, broken))), "the test passed")
    })
  )
})
