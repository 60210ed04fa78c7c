/**
 * Upserts of 384-d vectors per second into the Pinecone emulator, over REST or gRPC: bodies encoded beforehand, the
 * client in this process, the emulator in another.
 *
 *     node --conditions=@effect-connectors/source benchmarks/emulator-upsert.ts [--grpc] [--json]
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
import * as http2 from "node:http2"
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

const Started = Schema.Struct({ indexes: Schema.NonEmptyArray(Schema.Struct({ host: Schema.String })) })
const decodeStarted = Schema.decodeUnknownSync(Schema.fromJsonString(Started))

/** A running emulator with one index, and its address. */
const emulator = Effect.acquireRelease(
  Effect.promise(async () => {
    const child = spawn(
      process.execPath,
      ["--conditions=@effect-connectors/source", program, "--port", "0", "--index", `bench:${dimension}`],
      { stdio: ["ignore", "pipe", "inherit"] }
    )
    const [line] = await once(readline.createInterface(child.stdout), "line")
    const { indexes } = decodeStarted(line)
    return { child, host: indexes[0].host }
  }),
  ({ child }) =>
    Effect.promise(async () => {
      child.kill("SIGTERM")
      await once(child, "exit")
    })
)

/** As float32 prints: the digits an embedding model's output has. */
const number = Effect.map(Random.nextBetween(-1, 1), (value) => Number(value.toPrecision(9)))

interface Vector {
  readonly id: string
  readonly values: ReadonlyArray<number>
  readonly metadata: { readonly genre: string; readonly year: number }
}

const vectorsOf = (round: number) =>
  Effect.gen(function* () {
    const vectors: Array<Vector> = []
    for (let at = 0; at < recordsPerBody; at++) {
      vectors.push({
        id: `${round}-${at}`,
        values: yield* Effect.replicateEffect(number, dimension),
        metadata: { genre: "drama", year: 1990 + (at % 30) }
      })
    }
    return vectors
  })

const asJson = (vectors: ReadonlyArray<Vector>) => Buffer.from(JSON.stringify({ namespace: "bench", vectors }))

/** A field of protobuf whose content has a length. */
const field = (number: number, content: string | Buffer): Buffer => {
  const bytes = Buffer.from(content)
  const length = []
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128)
    if (rest < 128) break
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes])
}

const double = (value: number): Buffer => {
  const bytes = Buffer.from([(2 << 3) | 1, 0, 0, 0, 0, 0, 0, 0, 0])
  bytes.writeDoubleLE(value, 1)
  return bytes
}

const entry = (key: string, value: Buffer): Buffer => field(1, Buffer.concat([field(1, key), field(2, value)]))

/** The same as a message in its frame. */
const asProtobuf = (vectors: ReadonlyArray<Vector>): Buffer => {
  const fields = vectors.map(({ id, metadata: { genre, year }, values }) => {
    const struct = Buffer.concat([entry("genre", field(3, genre)), entry("year", double(year))])
    const floats = Buffer.from(Float32Array.from(values).buffer)
    return field(1, Buffer.concat([field(1, id), field(2, floats), field(3, struct)]))
  })
  const message = Buffer.concat([...fields, field(2, "bench")])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

const agent = new http.Agent({ keepAlive: true, maxSockets: inFlight })

type Upsert = (body: Buffer) => Effect.Effect<void>

const overRest =
  (host: string): Upsert =>
  (body) =>
    Effect.callback<void>((resume) => {
      const headers = { "api-key": "bench", "content-type": "application/json", "content-length": body.length }
      http
        .request(`${host}/vectors/upsert`, { method: "POST", agent, headers }, (response) => {
          response.resume().on("end", () => {
            resume(response.statusCode === 200 ? Effect.void : Effect.die(`status ${response.statusCode}`))
          })
        })
        .on("error", (error) => resume(Effect.die(error)))
        .end(body)
    })

const overGrpc = (host: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => http2.connect(host)),
      (session) => Effect.sync(() => session.close())
    ),
    (session): Upsert =>
      (body) =>
        Effect.callback<void>((resume) => {
          const stream = session.request({
            ":method": "POST",
            ":path": "/VectorService/Upsert",
            "content-type": "application/grpc",
            te: "trailers",
            "api-key": "bench"
          })
          let status: unknown
          stream.on("trailers", (trailers) => (status = trailers["grpc-status"]))
          stream.on("error", (error) => resume(Effect.die(error)))
          stream.on("close", () => resume(status === "0" ? Effect.void : Effect.die(`status ${String(status)}`)))
          stream.resume().end(body)
        })
  )

const quantile = (values: ReadonlyArray<number>, q: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.round(q * (sorted.length - 1))]!
}

const benchmark = Effect.gen(function* () {
  const { host } = yield* emulator
  const isGrpc = process.argv.includes("--grpc")
  const upsert = isGrpc ? yield* overGrpc(host) : overRest(host)
  const bodies = yield* Effect.forEach(Arr.range(1, 30), (round) =>
    Effect.map(vectorsOf(round), isGrpc ? asProtobuf : asJson)
  )
  const rates: Array<number> = []
  for (let round = 0; round < warmUp + rounds; round++) {
    const start = yield* Clock.currentTimeNanos
    yield* Effect.forEach(Arr.range(1, bodiesPerRound), (n) => upsert(bodies[n % bodies.length]!), {
      concurrency: inFlight,
      discard: true
    })
    const seconds = Number((yield* Clock.currentTimeNanos) - start) / 1e9
    if (round >= warmUp) rates.push(Math.round((bodiesPerRound * recordsPerBody) / seconds))
  }
  const vectorsPerSecond = { median: quantile(rates, 0.5), min: quantile(rates, 0), max: quantile(rates, 1) }
  return {
    benchmark: "emulator-upsert",
    over: isGrpc ? "gRPC" : "REST",
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
            `upserts of ${dimension}-d vectors into the emulator over ${result.over}, ${recordsPerBody} a body (${result.bytesPerBody} bytes), ${inFlight} in flight`,
            `  ${median} vectors/s, median of ${rounds} rounds of ${bodiesPerRound * recordsPerBody} (min ${min}, max ${max}); the bar is ${wanted}`
          ].join("\n")
        )
  })
)
