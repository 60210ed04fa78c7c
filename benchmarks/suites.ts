/** Every suite, in the order they run. */
import type { Suite } from "./suite.ts"
import { overhead } from "./suites/overhead.ts"

export const suites: ReadonlyArray<Suite> = [overhead]
