/** What suites of upserts have in common: who contends, and about how fast. */
import { type Amount, type Contender } from "../suite.ts"

const sdk = (version: string): Contender => ({
  name: `SDK ${version} pool`,
  program: "upsertSdk.ts",
  settings: { version }
})

export const sdk6 = sdk("6")
export const sdk7 = sdk("7")
export const sdk8 = sdk("8")
/** What all others are compared with. */
export const sdkPool: Contender = { ...sdk("9"), baseline: true }
export const sdkLayer: Contender = { name: "SDK layer", program: "upsertLayer.ts", settings: { transport: "sdk" } }
export const grpcLayer: Contender = { name: "gRPC layer", program: "upsertLayer.ts", settings: { transport: "grpc" } }
export const langchain: Contender = { name: "LangChain", program: "upsertLangchain.ts" }

export const dimensions = [1536, 384, 100] as const
export type Dimension = (typeof dimensions)[number]

/** Settings of a point of upserts. */
export interface Load {
  readonly dimension: Dimension
  /** `auto`: the most that fits into a call. */
  readonly batch: number | "auto"
  readonly concurrency: number
  readonly latencyMillis: number
}

/** Where contenders are compared first. */
export const headline = { batch: 100, concurrency: 8, latencyMillis: 0 } as const

/** The server that only drains. */
export const drain = { program: "drain.ts", settings: { latencies: "0,20" } }

/** About what a contender writes in a second, so that its point takes about the time it should. */
const roughly = ({ settings }: Contender, dimension: Dimension): number => {
  switch (settings?.["transport"]) {
    case "grpc":
      return { 100: 70_000, 384: 48_000, 1536: 28_000 }[dimension]
    case "sdk":
      return { 100: 40_000, 384: 20_000, 1536: 6500 }[dimension]
    default:
      return { 100: 25_000, 384: 9500, 1536: 2900 }[dimension]
  }
}

/** About what fits into a call of 2 MB. */
const autoBatch: Record<Dimension, number> = { 100: 900, 384: 240, 1536: 61 }

const whole = (count: number, batch: number): number => Math.max(1, Math.ceil(count / batch)) * batch

/** Turns of all calls in flight that tell how fast a point is: with few, most of it is how it starts and ends. */
const turns = { near: 3, far: 10 }

/** Records for a time, and for some turns where those do not take much longer. */
export const amountFor =
  ({ batch, concurrency, dimension, latencyMillis }: Load, seconds: number, warmUpSeconds: number) =>
  (contender: Contender): Amount => {
    const size = batch === "auto" ? autoBatch[dimension] : batch
    const bound = latencyMillis === 0 ? Infinity : (1000 / latencyMillis) * concurrency * size
    const perSecond = Math.min(roughly(contender, dimension), bound)
    const turn = concurrency * size
    const least = Math.min(turn * (latencyMillis === 0 ? turns.near : turns.far), whole(perSecond * 3 * seconds, size))
    return {
      warmUp: Math.max(Math.min(turn, least), whole(perSecond * warmUpSeconds, size)),
      timed: Math.max(least, whole(perSecond * seconds, size))
    }
  }
