/** Code that takes hostile input badly; the seed says how. */
import * as Effect from "effect/Effect"
import { Argument, give } from "../../hostile/give.ts"
import type { Group, Try } from "../../hostile/group.ts"
import { run } from "../../programs/program.ts"

const ways: ReadonlyArray<Try> = [
  Effect.sync(() => {
    throw new TypeError("x is not a function")
  }),
  Effect.fail("just a text"),
  Effect.sync(() => {
    for (;;);
  }),
  Effect.sync(() => process.exit(7)),
  Effect.sync(() => Object.defineProperty(Object.prototype, "polluted", { value: 1 }))
]

const group = (way: Try): Group => ({
  name: "a bad decoder",
  errors: ["PineconeError"],
  size: 1,
  share: 100,
  make: () => Effect.succeed((n: number) => (n === 3 ? way : Effect.void))
})

run(Argument, (argument) => give([group(ways[argument.seed]!)], argument))
