/** Every suite, in the order they run. */
import type { Suite } from "./suite.ts"
import { core } from "./suites/core.ts"
import { emulator } from "./suites/emulator.ts"
import { features } from "./suites/features.ts"
import { batchSize, concurrency } from "./suites/knobs.ts"
import { overhead } from "./suites/overhead.ts"
import { peers } from "./suites/peers.ts"

export const suites: ReadonlyArray<Suite> = [overhead, peers, batchSize, concurrency, features, core, emulator]
