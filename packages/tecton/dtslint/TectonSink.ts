import type { Outcome } from "@effect-connectors/core"
import { StreamSource, type TectonClient, type TectonError, TectonSink } from "@effect-connectors/tecton"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"

const Click = Schema.Struct({ user_id: Schema.String, at: Schema.String, n: Schema.BigInt })
type Click = typeof Click.Type

interface Event {
  readonly offset: number
  readonly click: Click
}

declare const clicks: Stream.Stream<Click>
declare const events: Stream.Stream<Event, "broken", "clock">

const source = StreamSource.make("clicks", { schema: Click, joinKeys: ["user_id"] })

export const plain: Stream.Stream<
  Outcome.Written<Click>,
  TectonError | Outcome.RecordsNotWritten,
  TectonClient
> = clicks.pipe(TectonSink.ingest({ source }))

/** What comes back is the element, whole. */
export const outcomes: Stream.Stream<
  Outcome.Outcome<Event, TectonError>,
  "broken" | TectonError,
  "clock" | TectonClient
> = events.pipe(TectonSink.ingestOutcomes({ source, record: (event: Event) => event.click }))

export const byName = clicks.pipe(TectonSink.ingest({ source: "clicks", joinKeys: ["user_id"], dryRun: true }))

export const wrong = [
  // @ts-expect-error elements are no records of the source
  events.pipe(TectonSink.ingest({ source })),
  // @ts-expect-error a source by name wants the fields that tell entities apart
  clicks.pipe(TectonSink.ingest({ source: "clicks" })),
  // @ts-expect-error records of one entity are events, each is sent
  clicks.pipe(TectonSink.ingest({ source, duplicates: "lastWins" })),
  // @ts-expect-error the record lacks what the source has
  events.pipe(TectonSink.ingest({ source, record: ({ click }: Event) => ({ user_id: click.user_id }) })),
  // @ts-expect-error a field has another type
  events.pipe(TectonSink.ingest({ source, record: ({ click }: Event) => ({ ...click, n: 1 }) })),
  // @ts-expect-error the schema has no such field
  StreamSource.make("clicks", { schema: Click, joinKeys: ["nobody"] })
]
