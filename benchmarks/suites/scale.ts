/** Whether a record costs the same, and memory stays, however many there are. */
import type { Row } from "../result.ts"
import { atMost, type Contender, isAt, type Suite } from "../suite.ts"
import { drain } from "./upserts.ts"

const contenders: ReadonlyArray<Contender> = [
  { name: "SDK layer", program: "load.ts", settings: { transport: "sdk" } },
  { name: "gRPC layer", program: "load.ts", settings: { transport: "grpc" } }
]

/** Records of a load, and how many of them are timed together: a short load alone is over before a clock says much. */
const loads = [
  { records: 10_000, times: 10 },
  { records: 100_000, times: 1 },
  { records: 1_000_000, times: 1 }
]

const warmUp = 500_000

const large = 1_000_000

/** Part of what it is for fewer records. */
const growth = { cost: 1.05, memory: 1.1 }

const bars = (rows: ReadonlyArray<Row>) =>
  contenders.flatMap(({ name }) => {
    const of = (records: number, figure: (row: Row) => number | undefined): number => {
      const row = rows.find(isAt(name, { records }))
      return (row && figure(row)) ?? NaN
    }
    const cost = (records: number) => of(records, ({ cpuMicros }) => cpuMicros?.median)
    const memory = (records: number) => of(records, ({ extra }) => extra?.["residentMegabytes"]?.median)
    return loads
      .filter(({ records }) => records < large)
      .flatMap(({ records }) => {
        const than = `${name}: a load of 1,000,000 over one of ${records.toLocaleString("en")}`
        return [
          atMost(`${than}, CPU of a record`, growth.cost, cost(large) / cost(records)),
          atMost(`${than}, resident memory`, growth.memory, memory(large) / memory(records))
        ]
      })
  })

export const scale: Suite = {
  name: "scale",
  title: "From 10,000 to 1,000,000 records: what a record costs, and memory",
  method:
    "A stream makes records of 8 dimensions and four fields of metadata on its way (chunks of 1,000) into " +
    "PineconeSink.upsertOutcomes, batches of 100 and 8 in flight, to a server in another process that only drains. Each round is a " +
    "fresh process, which first writes 500,000 records that are not timed: until then code is compiled and the heap grows to its " +
    "working size, a cost that is paid once whatever is loaded. Then it does 10 loads of 10,000 records, one of 100,000 and one of " +
    "1,000,000, each by a stream and sink of its own. Memory is the most that was resident in the process while the loads of " +
    "that size ran, sampled each 20 ms.",
  plan: ({ smoke }) => ({
    groups: [
      {
        label: "loads of 10,000, 100,000 and 1,000,000",
        server: drain,
        contenders,
        points: loads.map(({ records, times }, at) => ({
          at: { records, dimension: 8, batch: 100, concurrency: 8 },
          amount: smoke ? { warmUp: 0, timed: 1000 } : { warmUp: at === 0 ? warmUp : 0, timed: records * times }
        }))
      }
    ],
    bars
  })
}
