/**
 * A stream that never ends, into an index: the latest state of a hundred machines, so that a query finds those that
 * run alike right now. Stopped by Ctrl+C or SIGTERM it first writes all it took in, for as long as `--limit` says.
 */
import { Drain, Outcome, Progress } from "@effect-connectors/core"
import { PineconeSink, type VectorRecord } from "@effect-connectors/pinecone"
import { PineconeMemory } from "@effect-connectors/testkit"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** The n-th reading: eight numbers off the wave of one of the machines. */
const reading = (n: number): VectorRecord.VectorRecord => {
  const machine = n % 100
  const values = Float32Array.from({ length: 8 }, (_, i) => Math.sin(machine + i * (1 + n / 1000)))
  return { id: `machine-${machine}`, values, metadata: { reading: n } }
}

/** Readings at an even pace until `end` completes. */
const readings = (perSecond: number, end: Effect.Effect<unknown>) => {
  const due = (tick: number) => Math.floor((tick * perSecond) / 10)
  return Stream.fromSchedule(Schedule.fixed("100 millis")).pipe(
    Drain.endWhen(end),
    Stream.map((tick) => Array.from({ length: due(tick + 1) - due(tick) }, (_, i) => reading(due(tick) + i))),
    Stream.flattenIterable
  )
}

/** Writes readings until `end` completes, and counts them on both sides of the write. */
export const program = Effect.fnUntraced(function* (perSecond: number, end: Effect.Effect<unknown>) {
  let taken = 0
  const progress = yield* Progress.make
  yield* progress.snapshots("1 second").pipe(
    Stream.runForEach((now) => Console.error(`${now.written} written, ${now.perSecond.toFixed(0)}/s`)),
    Effect.forkChild
  )
  const counts = yield* readings(perSecond, end).pipe(
    Stream.mapArray((chunk) => {
      taken += chunk.length
      return chunk
    }),
    PineconeSink.upsertOutcomes({ linger: "500 millis" }),
    progress.track,
    Stream.run(Outcome.count)
  )
  return { taken, ...counts }
})

const flags = {
  rate: Flag.Int("rate").pipe(Flag.withDefault(200), Flag.withDescription("Readings per second")),
  for: Flag.String("for").pipe(
    Flag.withSchema(Schema.DurationFromString),
    Flag.withDefault(Duration.infinity),
    Flag.withDescription('Stop by itself after a time, for instance "10 seconds"')
  ),
  limit: Flag.String("limit").pipe(
    Flag.withSchema(Schema.DurationFromString),
    Flag.withDefault(Duration.seconds(30)),
    Flag.withDescription("How long it may take to write what was taken in, after a signal")
  ),
  json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print the counts as JSON"))
}

const command = Command.make("continuous", flags, ({ rate, for: duration, limit, json }) =>
  Drain.graceful(
    Effect.fnUntraced(function* (ended) {
      const result = yield* program(rate, Effect.timeoutOption(ended, duration))
      const { taken, written, rejected, unknown } = result
      yield* Console.log(
        json ? JSON.stringify(result) : `${taken} taken: ${written} written, ${rejected} rejected, ${unknown} unknown`
      )
    }),
    { limit }
  )
)

if (import.meta.main) {
  Command.run(command, { version: "0.0.0" }).pipe(
    Effect.provide([PineconeMemory.layer, NodeServices.layer]),
    Effect.provideService(Logger.LogToStderr, true),
    NodeRuntime.runMain({ teardown: Drain.teardown })
  )
}
