/** What types, order, shared lookups, retries, metrics and spans cost beside lookups by hand. */
import type { Row } from "../result.ts"
import { atLeast, type Contender, type Group, isAt, type Point, type Suite } from "../suite.ts"

const byHand: Contender = { name: "fetch in a promise pool", program: "featuresByHand.ts", baseline: true }
const layer: Contender = { name: "TectonSource.features", program: "featuresLayer.ts" }

const ingest = { operation: "ingest" }
const ingestByHand: Contender = { ...byHand, settings: ingest }
const sink: Contender = { name: "TectonSink.ingest", program: "featuresLayer.ts", settings: ingest }

const server = { program: "features.ts" }

interface Load {
  readonly batch: number
  readonly concurrency: number
  readonly latencyMillis: number
}

/** Full calls for so many seconds, by what a call takes by hand. */
const recordsFor = ({ batch, concurrency, latencyMillis }: Load, recordMicros: number, seconds: number): number => {
  const busyMicros = 500 + batch * recordMicros
  const callMicros = Math.max(busyMicros, (latencyMillis * 1000 + busyMicros) / concurrency)
  // What a stream costs once is not to be most of what is measured.
  const fewest = seconds < 0.1 ? 2 * concurrency : Math.max(40, 4 * concurrency)
  return Math.max(fewest, Math.ceil((seconds * 1e6) / callMicros)) * batch
}

const amount = (load: Load, recordMicros: number, smoke: boolean) => ({
  // It takes some seconds until the code of either contender is compiled, and again for batches and rows of another size.
  warmUp: recordsFor(load, recordMicros, smoke ? 0.02 : 4),
  timed: recordsFor(load, recordMicros, smoke ? 0.02 : 1)
})

const headline: Load = { batch: 10, concurrency: 8, latencyMillis: 0 }

const inHundreds: Load = { ...headline, batch: 100 }
const farAway: Load = { ...headline, latencyMillis: 20 }

const readPoint = (features: number, types: "bound" | "in replies", load: Load, smoke: boolean): Point => ({
  at: { features, types, ...load },
  amount: amount(load, 0.6 * features, smoke)
})

const reads = (smoke: boolean): Group => ({
  label: "get-features",
  server,
  contenders: [byHand, layer],
  points: smoke
    ? [readPoint(10, "bound", headline, smoke), readPoint(10, "in replies", headline, smoke)]
    : [
        readPoint(10, "bound", headline, smoke),
        readPoint(10, "bound", inHundreds, smoke),
        readPoint(100, "bound", headline, smoke),
        readPoint(100, "bound", inHundreds, smoke),
        readPoint(10, "bound", farAway, smoke),
        readPoint(10, "in replies", headline, smoke)
      ]
})

const writes = (smoke: boolean): Group => ({
  label: "ingest",
  server,
  contenders: [ingestByHand, sink],
  points: (smoke ? [headline] : [headline, inHundreds]).map((load) => ({
    at: { ...load },
    amount: amount(load, 2, smoke)
  }))
})

const text = ({ point }: Row): string =>
  `${point["features"]} features a row, ${point["batch"]} rows a call, ${point["concurrency"]} in flight, ` +
  `${point["latencyMillis"]} ms, types ${point["types"]}`

export const features: Suite = {
  name: "features",
  title: "Features: lookups with types beside fetch in a promise pool",
  method:
    "Features of users are read, each with its status and its effective time; no two users are the same. The baseline is what one " +
    "would write by hand: fetch in a pool of promises, JSON.stringify and JSON.parse, int64 made a bigint, rows in order as objects " +
    "with named features; it checks nothing, repeats nothing and can not be cancelled. TectonSource.features sends the same requests " +
    "(its engine counts rows in flight: calls times rows) and checks each value by the declared types. Types are bound " +
    "beforehand or, where it says so, come in each reply and are asked for by both. TectonSink.ingest is " +
    "beside a pool of the same kind; it has no bar. The server is in another process on the same machine and sends " +
    "answers that it made before. It is the steady state that is compared: a process of either contender works for some 4 s " +
    "before each point, and runs all points of its group one after the other, some 1 s each and 40 calls or more.",
  plan: ({ smoke }) => ({
    groups: [reads(smoke), writes(smoke)],
    bars: (rows) =>
      rows
        .filter(isAt(layer.name, {}))
        .flatMap((row) => (row.ratio === undefined ? [] : [atLeast(text(row), 0.95, row.ratio.median)]))
  })
}
