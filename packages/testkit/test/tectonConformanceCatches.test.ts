/** The suite finds what is wrong with a layer: each mutant of the memory layer fails the test that is named with it. */
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonConformance from "@effect-connectors/testkit/TectonConformance"
import * as TectonMemory from "@effect-connectors/testkit/TectonMemory"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { onBench, type Test } from "../src/internal/tectonConformance/bench.ts"
import { faults } from "../src/internal/tectonConformance/faults.ts"
import { reads } from "../src/internal/tectonConformance/reads.ts"
import { services } from "../src/internal/tectonConformance/services.ts"
import { writes } from "../src/internal/tectonConformance/writes.ts"
import { breakable, MemoryFaults } from "./tectonBreakable.ts"
import { mutants } from "./tectonMutants.ts"

const tests = new Map<string, Effect.Effect<unknown, unknown, TectonClient | MemoryFaults | Scope.Scope>>()
const test: Test = (title, body) => tests.set(title, onBench(body))

reads(test)
writes(test)
services(test)
faults((title, body) =>
  tests.set(
    title,
    Effect.flatMap(MemoryFaults, (control) => onBench((bench) => body(bench, control)))
  )
)

const memory = Layer.effectContext(Effect.map(TectonClient, breakable)).pipe(
  Layer.provide(TectonMemory.layerWith({ definition: TectonConformance.definition }))
)

describe("the suite catches a layer that", () => {
  it.live.each(mutants)("$what", ({ caughtBy, change }) =>
    Effect.gen(function* () {
      const body = tests.get(caughtBy)
      assert(body !== undefined, `no test is called "${caughtBy}"`)
      yield* Effect.provide(body, memory)

      const context = yield* Layer.build(memory)
      const client = Context.get(context, TectonClient)
      const broken = Context.add(context, TectonClient, { ...client, ...change(client) })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.provide(body, broken))), "the test passed")
    })
  )
})
