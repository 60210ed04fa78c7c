/** A loader that keeps something of each record it wrote. */
import { run } from "../../programs/program.ts"
import { Argument, load } from "../../support/memoryLoad.ts"

const kept: Array<ReadonlyArray<number>> = []

run(Argument, (argument) =>
  load(argument, (outcomes) => {
    for (const _ of outcomes) kept.push(Array.from({ length: 500 }, (_, at) => at + kept.length / 2))
  })
)
