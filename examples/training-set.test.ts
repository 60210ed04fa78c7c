import { TectonSink, TectonSource } from "@effect-connectors/tecton"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { check } from "./training-set/check.ts"
import { delays, source } from "./training-set/features.ts"
import * as Flights from "./training-set/flights.ts"
import * as parquet from "./training-set/parquet.ts"
import { replay } from "./training-set/replay.ts"
import { memory, StoreClock } from "./training-set/stores.ts"

const limit = 400

const temporary = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  return path.join(yield* files.makeTempDirectoryScoped(), "rows.parquet")
})

const replayed = Effect.gen(function* () {
  const flights = (yield* Flights.load).slice(0, limit)
  const clock = yield* StoreClock
  return yield* Stream.runCollect(replay(flights, clock.set))
})

describe("training-set", () => {
  it.live("the check finds a value that is off by one, one that is missing, and a row that is", () =>
    Effect.gen(function* () {
      const file = yield* temporary
      const rows = yield* replayed
      yield* parquet.write(file, rows)
      assert.deepStrictEqual(yield* check(file, limit), { checked: limit, mismatches: 0 })

      const changed = rows.slice(0, -1).map(([flight, features], at) => {
        const late = features["departures.max_delay_1d"].value
        if (at === 200) return [flight, { ...features, "flight.distance": { value: flight.distance + 1 } }] as const
        return late !== null && at === 300
          ? ([flight, { ...features, "departures.max_delay_1d": { value: null } }] as const)
          : ([flight, features] as const)
      })
      assert.isNotNull(rows[300]![1]["departures.max_delay_1d"].value)
      yield* parquet.write(file, changed)
      assert.deepStrictEqual(yield* check(file, limit), { checked: limit, mismatches: 3 })
    }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, memory]))
  )

  it.live("the check finds features that know their own flight", () =>
    Effect.gen(function* () {
      const file = yield* temporary
      const flights = (yield* Flights.load).slice(0, limit)
      const clock = yield* StoreClock
      const ask = TectonSource.features(delays, {
        keys: ({ destination, origin }: Flights.Flight) => ({ origin, destination }),
        requestContext: ({ distance }) => ({ distance: BigInt(distance) })
      })
      const leaked = yield* Stream.fromIterable(flights).pipe(
        Stream.mapEffect((flight) =>
          Effect.gen(function* () {
            yield* clock.set(flight.date.epochMillis)
            yield* Stream.make(flight).pipe(TectonSink.ingest({ source }), Stream.runDrain)
            return yield* Stream.make(flight).pipe(ask, Stream.runCollect)
          })
        ),
        Stream.flattenIterable,
        Stream.runCollect
      )
      yield* parquet.write(file, leaked)
      const { checked, mismatches } = yield* check(file, limit)
      assert.strictEqual(checked, limit)
      assert.isAbove(mismatches, limit / 2)
    }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, memory]))
  )

  for (const store of ["memory", "emulator"]) {
    it(`runs as a program, ${store}`, async ({ onTestFinished }) => {
      const file = path.join(import.meta.dirname, "training-set/main.ts")
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), "training-set-"))
      onTestFinished(() => fs.rmSync(directory, { recursive: true }))
      const out = path.join(directory, "rows.parquet")
      const args = ["--conditions=@effect-connectors/source", file, "--limit", "300", "--json", "--out", out]
      const { stderr, stdout } = await promisify(execFile)(
        process.execPath,
        store === "memory" ? args : [...args, "--emulator"]
      )
      assert.strictEqual(stdout, '{"rows":300,"checked":300,"mismatches":0}\n')
      assert.match(stderr, /^300 flights, .*\nfeatures of 300 of 300 flights read\n$/)
    })
  }

  it("prints some of its rows", async ({ onTestFinished }) => {
    const file = path.join(import.meta.dirname, "training-set/main.ts")
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "training-set-"))
    onTestFinished(() => fs.rmSync(directory, { recursive: true }))
    const out = path.join(directory, "rows.parquet")
    const args = ["--conditions=@effect-connectors/source", file, "--limit", "50", "--out", out]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    assert.match(stdout, /2001-01-01T01:10 {2}HNL/)
    assert.match(stdout, /50 rows in .*rows.parquet\n50 checked against DuckDB's point-in-time join, 0 differ\n$/)
  })
})
