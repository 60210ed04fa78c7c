/** Whether the emulator and the memory layer are fast enough not to be what a test or a benchmark waits for. */
import { atLeast, type Contender, isAt, type Suite } from "../suite.ts"
import { grpcLayer } from "./upserts.ts"

const bodies: Contender = { name: "bodies written before, REST", program: "upsertBodies.ts" }
const grpc: Contender = { ...grpcLayer, name: "gRPC layer" }
const loop: Contender = { name: "loop", program: "memoryQuery.ts", settings: { by: "loop" }, baseline: true }
const memory: Contender = { name: "PineconeMemory", program: "memoryQuery.ts", settings: { by: "memory" } }

const upsert = { dimension: 384, batch: 100, concurrency: 8 }

const wantedPerSecond = 20_000

export const emulator: Suite = {
  name: "emulator",
  title: "The emulator and the memory layer: are they what one waits for?",
  method:
    "Upserts into the emulator in a process of its own, which stores and checks them: over REST with bodies that were written " +
    "before, so that next to nothing of the time is the client's, and over gRPC through the layer. Queries for the ten nearest " +
    "of 100,000 vectors by PineconeMemory, beside the loop one would write over one Float32Array.",
  plan: ({ smoke }) => {
    const query = { rows: smoke ? 1000 : 100_000, dimension: 384 }
    return {
      groups: [
        {
          label: "upserts into the emulator",
          server: { program: "emulator.ts", settings: { dimension: upsert.dimension }, fresh: true },
          contenders: [bodies, grpc],
          points: [{ at: upsert, amount: smoke ? { warmUp: 0, timed: 500 } : { warmUp: 10_000, timed: 20_000 } }]
        },
        {
          label: "queries in memory",
          contenders: [loop, memory],
          points: [{ at: query, amount: smoke ? { warmUp: 1, timed: 2 } : { warmUp: 5, timed: 20 } }]
        }
      ],
      bars: (rows) => [
        atLeast(
          `upserts into the emulator over ${wantedPerSecond} vectors/s`,
          1,
          (rows.find(isAt(bodies.name, upsert))?.perSecond?.median ?? 0) / wantedPerSecond
        ),
        atLeast(
          "queries of PineconeMemory over the loop's",
          0.5,
          rows.find(isAt(memory.name, query))?.ratio?.median ?? 0
        )
      ]
    }
  }
}
