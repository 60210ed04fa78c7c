/** The job that has to survive: numbers and their squares, sent to a store that refuses some of them. */
import { Job, Partition } from "@effect-connectors/cluster"
import { Outcome, type Resume } from "@effect-connectors/core"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const Range = Schema.Struct({ from: Schema.Int, to: Schema.Int })

/** One call on the store. */
export const Call = Schema.Struct({
  runner: Schema.String,
  partition: Schema.String,
  attempt: Schema.Int,
  records: Schema.Array(Schema.Tuple([Schema.Int, Schema.String]))
})

/** What the store answers: which of the records it refuses. */
export const Answer = Schema.Struct({ refused: Schema.Array(Schema.Int) })

/** What a runner is told when it is started. */
export const Settings = Schema.Struct({
  name: Schema.String,
  store: Schema.String,
  concurrency: Schema.Int,
  storage: Schema.Union([
    Schema.TaggedStruct("Embedded", { file: Schema.String }),
    Schema.TaggedStruct("Postgres", { url: Schema.String, port: Schema.Int })
  ])
})

export const valueOf = (n: number): string => String(n * n)

export const isRefused = (n: number): boolean => n % 97 === 0

/** Cuts so many records into partitions. */
export const ranges = (partitions: number, size: number): ReadonlyArray<typeof Range.Type> =>
  Array.from({ length: partitions }, (_, i) => ({ from: i * size, to: (i + 1) * size }))

export const keyOf = ({ from, to }: typeof Range.Type): string => `${from}-${to}`

/** How many records a call carries. */
const perCall = 20

export const make = (
  send: (call: Omit<typeof Call.Type, "runner">) => Effect.Effect<typeof Answer.Type, { readonly message: string }>
) =>
  Job.make({
    name: "survive",
    partitions: Range,
    key: keyOf,
    run: ({ from, to }) =>
      Effect.gen(function* () {
        const { attempt, key: partition } = yield* Partition.Partition
        const run = yield* Partition.resume()
        yield* run
          .pending((done) => Stream.range(from + done, to - 1))
          .pipe(
            Stream.rechunk(perCall),
            Stream.mapArrayEffect((entries: Arr.NonEmptyReadonlyArray<Resume.Entry<number>>) =>
              Effect.map(
                send({ partition, attempt, records: entries.map(({ value }) => [value, valueOf(value)]) }),
                ({ refused }) =>
                  Arr.map(entries, (entry) =>
                    refused.includes(entry.value) ? Outcome.rejected(entry, "refused", 1) : Outcome.written(entry)
                  )
              )
            ),
            run.acknowledge,
            Partition.track,
            Stream.runDrain
          )
      })
  })

/** The job for those who only ask about it. */
export const job = make(() => Effect.fail({ message: "this process is no runner" }))
