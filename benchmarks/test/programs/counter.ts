/** A contender for tests: it says which settings and which amounts it was given, and can not run on demand. */
import { contend } from "../../contenders/contend.ts"

await contend(async ({ addresses, at, settings }) => {
  if (settings["fails"] === "at once") process.exit(3)
  if (settings["fails"] === "says so") return { unable: "it was told to" }
  const runs: Array<number> = []
  return {
    run: async (records) => {
      runs.push(records)
      return {
        callMillis: [1, 2, 3],
        extra: {
          warmUp: runs[0] ?? 0,
          runs: runs.length,
          factor: Number(at["factor"]),
          server: Number(addresses["number"] ?? 0)
        }
      }
    }
  }
})
