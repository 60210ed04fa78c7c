/** Records that nobody should send: each has an outcome, with a typed error when it is not written. */
import type * as Outcome from "@effect-connectors/core/Outcome"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import { TectonClient } from "@effect-connectors/tecton/TectonClient"
import * as TectonSink from "@effect-connectors/tecton/TectonSink"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Child from "../support/child.ts"
import * as Emulator from "../support/emulator.ts"
import { secrets } from "../support/witness.ts"
import { twisted } from "./generate.ts"
import type { Group } from "./group.ts"

/** A sink gave other outcomes than one for each element. */
class NotOneEach extends Schema.TaggedError<NotOneEach>()("NotOneEach", {
  elements: Schema.Int,
  outcomes: Schema.Int,
  odd: Schema.String
}) {}

interface Element<A> {
  readonly at: number
  readonly record: A
}

const isRight = (error: unknown, tag: string): boolean =>
  error instanceof Error && error.name === tag && error.message !== "" && error.message.length < 4_000

/** Fails unless there is one outcome for each element, with an error of that tag where it was not written. */
const oneEach =
  <A>(elements: ReadonlyArray<Element<A>>, tag: string) =>
  <E, E2, R>(outcomes: Stream.Stream<Outcome.Outcome<Element<A>, E>, E2, R>): Effect.Effect<void, E2 | NotOneEach, R> =>
    Effect.flatMap(Stream.runCollect(outcomes), (all) => {
      const odd = all.filter((outcome) => outcome._tag !== "Written" && !isRight(outcome.error, tag))
      const inputs = new Set(all.map(({ input }) => input))
      return all.length === elements.length && inputs.size === elements.length && odd.length === 0
        ? Effect.void
        : Effect.fail(
            new NotOneEach({
              elements: elements.length,
              outcomes: all.length,
              odd: odd.map(({ _tag }) => _tag).join(" ")
            })
          )
    })

const size = 25

/** Values of a type that hostile ones only claim to have. */
const pretend = <A>(like: A, from: unknown): A => {
  const pair: { readonly like: A } & Record<string, unknown> = { like, ...Object.fromEntries([["like", from]]) }
  return pair.like
}

const valid: PineconeSink.Update & { readonly id: string } = {
  id: "a",
  values: [0.5, 1, 2, 3, 4, 5, 6, 7],
  sparseValues: { indices: [1, 2], values: [0.5, 1] },
  metadata: { title: "x", tags: ["a", "b"], n: 1, ok: true }
}

export const pineconeRecords: Group = {
  name: "records for Pinecone",
  errors: [],
  size,
  share: 14,
  make: Effect.fnUntraced(function* (seed) {
    const { host } = yield* Emulator.start()
    const context = yield* Layer.build(
      PineconeIndex.layer({ apiKey: Redacted.make(secrets.pineconeKey), host, pacing: false })
    )
    const steps = [
      PineconeSink.upsertOutcomes({ record: ({ record }: Element<typeof valid>) => record }),
      PineconeSink.updateOutcomes({ update: ({ record }: Element<typeof valid>) => record }),
      PineconeSink.deleteOutcomes({
        id: ({ at, record }: Element<typeof valid>) =>
          typeof record === "object" && record !== null ? record.id : `record-${at}`,
        namespace: ({ at }) => (at % 5 === 0 ? "ünicode" : "")
      })
    ]
    return (n) => {
      const elements = Arr.range(n, n + size - 1).map((at) => ({
        at,
        record: pretend(valid, twisted({ ...valid, id: `record-${at}` }, { seed, n: at }))
      }))
      const step = steps[(n / size) % steps.length]!
      return Stream.fromIterable(elements).pipe(
        step,
        oneEach(elements, "PineconeError"),
        Effect.provideContext(context)
      )
    }
  })
}

const click = { user_id: "ada", timestamp: "2026-11-26T00:00:00Z", page: "/", clicked: 1 }

export const tectonRecords: Group = {
  name: "records for Tecton",
  errors: [],
  size,
  share: 8,
  make: Effect.fnUntraced(function* (seed) {
    const child = yield* Child.start({ program: "tectonEmulator.ts", argument: { apiKey: secrets.tectonKey } })
    const { url } = yield* child.next(Schema.Struct({ url: Schema.String }))
    const context = yield* Layer.build(
      TectonClient.layer({
        url,
        ingestUrl: url,
        workspace: "prod",
        apiKey: Redacted.make(secrets.tectonKey),
        pacing: false
      })
    )
    return (n) => {
      const elements = Arr.range(n, n + size - 1).map((at) => ({
        at,
        record: pretend(click, twisted(click, { seed, n: at }))
      }))
      return Stream.fromIterable(elements).pipe(
        TectonSink.ingestOutcomes({
          source: "clicks",
          joinKeys: ["user_id"],
          record: ({ record }: Element<typeof click>) => record
        }),
        oneEach(elements, "TectonError"),
        Effect.provideContext(context)
      )
    }
  })
}
