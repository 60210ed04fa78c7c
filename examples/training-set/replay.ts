/**
 * Time runs again: at each moment at which flights leave, their features are read first, and then the flights are
 * ingested. So no row can hold what was not known yet, its own delay least of all.
 */
import { TectonSink, TectonSource } from "@effect-connectors/tecton"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { delays, type Features, source } from "./features.ts"
import type { Flight } from "./flights.ts"

/** A flight with what was known before it left. */
export type Row = readonly [flight: Flight, features: Features]

/** The rows of a training set, in the order of time. `setTime` sets the clock of the feature store. */
export const replay = <E, R>(
  flights: ReadonlyArray<Flight>,
  setTime: (epochMillis: number) => Effect.Effect<void, E, R>
) =>
  Stream.fromIterable(Map.groupBy(flights, ({ date }) => date.epochMillis)).pipe(
    Stream.mapEffect(([time, leaving]) =>
      Effect.gen(function* () {
        yield* setTime(time)
        const rows = yield* Stream.fromIterable(leaving).pipe(
          TectonSource.features(delays, {
            keys: ({ destination, origin }) => ({ origin, destination }),
            requestContext: ({ distance }) => ({ distance: BigInt(distance) })
          }),
          Stream.runCollect
        )
        yield* Stream.fromIterable(leaving).pipe(TectonSink.ingest({ source }), Stream.runDrain)
        return rows
      })
    ),
    Stream.flattenIterable
  )
