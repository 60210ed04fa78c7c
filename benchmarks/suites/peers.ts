/** The same upserts through what one could use instead. */
import type { Suite } from "../suite.ts"
import { amountFor, drain, grpcLayer, headline, langchain, sdk6, sdk7, sdk8, sdkLayer, sdkPool } from "./upserts.ts"

export const peers: Suite = {
  name: "peers",
  title: "The same upserts through the official clients of four major versions, and LangChain",
  method:
    "Records of 384 dimensions and four fields of metadata are upserted in batches of 100 with 8 in flight, into a server in " +
    "another process on the same machine that only drains. The official clients run in a hand-written pool of promises; LangChain's " +
    "PineconeStore.addVectors is given all vectors at once and makes its batches and its pool itself (maxConcurrency 8); retries " +
    "are off in all of them. The layers run PineconeSink.upsertOutcomes from a Stream, with all that it does but the documented rates.",
  plan: ({ smoke }) => {
    const load = { dimension: 384, ...headline } as const
    return {
      groups: [
        {
          label: "384-d, batch 100, 8 in flight",
          server: drain,
          contenders: [sdkPool, sdk8, sdk7, sdk6, langchain, sdkLayer, grpcLayer],
          points: [{ at: { ...load }, amount: smoke ? amountFor(load, 0.1, 0.05) : amountFor(load, 0.8, 0.8) }]
        }
      ],
      bars: () => []
    }
  }
}
