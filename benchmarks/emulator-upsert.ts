/**
 * Upserts of 384-d vectors per second into the Pinecone emulator over HTTP: bodies encoded beforehand, the client in
 * this process, the emulator in another.
 *
 *     node --conditions=@effect-connectors/source benchmarks/emulator-upsert.ts [--json]
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as http from "node:http"
import * as path from "node:path"
import * as readline from "node:readline"

const dimension = 384
const recordsPerBody = 100
const inFlight = 8
const bodiesPerRound = 300
const warmUp = 2
const rounds = 9
/** The bar: fewer vectors per second would make the emulator the bottleneck of a benchmark. */
const wanted = 20_000

const program = path.join(import.meta.dirname, "../packages/testkit/src/internal/bin/pineconeEmulator.ts")

/** A running emulator with one index, and its address. */
const emulator = Effect.acquireRelease(
  Effect.promise(async () => {
    const child = spawn(
      process.execPath,
      ["--conditions=@effect-connectors/source", program, "--port", "0", "--index", `bench:${dimension}`],
      { stdio: ["ignore", "pipe", "inherit"] }
    )
    const [line] = await once(readline.createInterface(child.stdout), "line")
    const { url } = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ url: Schema.String })))(line)
    return { child, url }
  }),
  ({ child }) =>
    Effect.promise(async () => {
      child.kill("SIGTERM")
      await once(child, "exit")
    })
)

/** As float32 prints: the digits an embedding model's output has. */
const number = Effect.map(Random.nextBetween(-1, 1), (value) => Number(value.toPrecision(9)))

const body = (round: number) =>
  Effect.gen(function* () {
    const vectors = []
    for (let at = 0; at < recordsPerBody; at++) {
      vectors.push({
        id: `${round}-${at}`,
        values: yield* Effect.replicateEffect(number, dimension),
        metadata: { genre: "drama", year: 1990 + (at % 30) }
      })
    }
    return Buffer.from(JSON.stringify({ namespace: "bench", vectors }))
  })

const agent = new http.Agent({ keepAlive: true, maxSockets: inFlight })

const upsert = (url: string, body: Buffer) =>
  Effect.callback<void>((resume) => {
    const headers = { "api-key": "bench", "content-type": "application/json", "content-length": body.length }
    http
      .request(`${url}/i/bench/vectors/upsert`, { method: "POST", agent, headers }, (response) => {
        response.resume().on("end", () => {
          resume(response.statusCode === 200 ? Effect.void : Effect.die(`status ${response.statusCode}`))
        })
      })
      .on("error", (error) => resume(Effect.die(error)))
      .end(body)
  })

const quantile = (values: ReadonlyArray<number>, q: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.round(q * (sorted.length - 1))]!
}

const benchmark = Effect.gen(function* () {
  const { url } = yield* emulator
  const bodies = yield* Effect.forEach(Arr.range(1, 30), body)
  const rates: Array<number> = []
  for (let round = 0; round < warmUp + rounds; round++) {
    const start = yield* Clock.currentTimeNanos
    yield* Effect.forEach(Arr.range(1, bodiesPerRound), (n) => upsert(url, bodies[n % bodies.length]!), {
      concurrency: inFlight,
      discard: true
    })
    const seconds = Number((yield* Clock.currentTimeNanos) - start) / 1e9
    if (round >= warmUp) rates.push(Math.round((bodiesPerRound * recordsPerBody) / seconds))
  }
  const vectorsPerSecond = { median: quantile(rates, 0.5), min: quantile(rates, 0), max: quantile(rates, 1) }
  return {
    benchmark: "emulator-upsert",
    dimension,
    recordsPerBody,
    bytesPerBody: Math.round(bodies.reduce((sum, { length }) => sum + length, 0) / bodies.length),
    inFlight,
    rounds,
    vectorsPerSecond,
    wanted,
    withinBar: vectorsPerSecond.median >= wanted
  }
}).pipe(Effect.scoped, Random.withSeed("emulator-upsert"))

NodeRuntime.runMain(
  Effect.gen(function* () {
    const result = yield* benchmark
    const { max, median, min } = result.vectorsPerSecond
    yield* process.argv.includes("--json")
      ? Console.log(JSON.stringify(result))
      : Console.log(
          [
            `upserts of ${dimension}-d vectors into the emulator, ${recordsPerBody} a body (${result.bytesPerBody} bytes), ${inFlight} in flight`,
            `  ${median} vectors/s, median of ${rounds} rounds of ${bodiesPerRound * recordsPerBody} (min ${min}, max ${max}); the bar is ${wanted}`
          ].join("\n")
        )
  })
)
