/**
 * Takes upserts and forgets them, over REST and gRPC, after each of the latencies (ms) that the setting `latencies` lists:
 * `0,20`. The addresses are called `rest-0`, `grpc-0`, `rest-20` and so on.
 *
 * It shares the machine with the contender, so it does as little as a server can: it drops what comes without parsing
 * it, and REST's answers leave out the count of records.
 */
import { acceptGrpc } from "./grpc.ts"
import { acceptRest } from "./rest.ts"
import { listen, serve } from "./serve.ts"

await serve(async ({ latencies }) => {
  const addresses: Record<string, string> = {}
  for (const latency of String(latencies).split(",")) {
    const reply = { afterMillis: () => Number(latency), counted: false }
    addresses[`rest-${latency}`] = await listen(acceptRest(reply))
    addresses[`grpc-${latency}`] = await listen(acceptGrpc(reply))
  }
  return addresses
})
