/** What is written under a quota, and what is sent for nothing. */
import type { Row } from "../result.ts"
import { atLeast, atMost, type Contender, isAt, type Suite } from "../suite.ts"

/** As Pinecone documents them, for a namespace. */
const upsertsPerSecond = 100
const batch = 10

const byHand: Contender = { name: "SDK 9 pool, tries again", program: "quotaSdk.ts", baseline: true }
const off: Contender = { name: "pacing off", program: "quotaLayer.ts", settings: { transport: "sdk", pacing: "off" } }
const on: Contender = { name: "pacing on", program: "quotaLayer.ts", settings: { transport: "sdk", pacing: "on" } }

const seconds = { warmUp: 1, timed: 2 }
const recordsPerSecond = upsertsPerSecond * batch

const bars = (rows: ReadonlyArray<Row>) => {
  const paced = rows.find(isAt(on.name, {}))
  const refused = paced?.extra?.["refusedCalls"]?.median ?? NaN
  return [
    atLeast("pacing on: the part of the quota that is used", 0.9, (paced?.perSecond?.median ?? 0) / recordsPerSecond),
    atMost("pacing on: calls refused, of 100", 1, (100 * refused) / (seconds.timed * upsertsPerSecond))
  ]
}

export const goodput: Suite = {
  name: "goodput",
  title: "Under a quota: what is written, and what is sent for nothing",
  method:
    "An emulator in another process takes 100 upserts a second, as Pinecone documents for a namespace, and refuses the others with " +
    "429. Batches of 10 with 32 in flight want more than that. The baseline is the official SDK 9 in a hand-written pool, which waits " +
    "after a refusal, from 200 ms on and twice as long each time. The others are the sink with its own retries, with pacing off and on. " +
    "What a second left unused may be used in the next, in the emulator as in the client, so a run can be a little over the quota.",
  plan: ({ smoke }) => {
    const at = { upsertsPerSecond, dimension: 8, batch, concurrency: 32 }
    const amount = smoke
      ? { warmUp: 0, timed: recordsPerSecond * 1.2 }
      : { warmUp: seconds.warmUp * recordsPerSecond, timed: seconds.timed * recordsPerSecond }
    return {
      groups: [
        {
          label: `${upsertsPerSecond} upserts a second`,
          server: { program: "emulatedIndex.ts", settings: { dimension: at.dimension, upsertsPerSecond }, fresh: true },
          contenders: [byHand, off, on],
          points: [{ at, amount }]
        }
      ],
      bars
    }
  }
}
