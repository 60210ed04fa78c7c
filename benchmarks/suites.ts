/** Every suite, in the order they run. */
import type { Suite } from "./suite.ts"
import { cluster } from "./suites/cluster.ts"
import { core } from "./suites/core.ts"
import { emulator } from "./suites/emulator.ts"
import { features } from "./suites/features.ts"
import { goodput } from "./suites/goodput.ts"
import { batchSize, concurrency } from "./suites/knobs.ts"
import { overhead } from "./suites/overhead.ts"
import { peers } from "./suites/peers.ts"
import { scale } from "./suites/scale.ts"
import { scan } from "./suites/scan.ts"

export const suites: ReadonlyArray<Suite> = [
  overhead,
  peers,
  scan,
  features,
  batchSize,
  concurrency,
  goodput,
  scale,
  cluster,
  core,
  emulator
]
