/** What a server of a benchmark is made of: it starts, tells where it listens, and ends with the benchmark. */
import * as Schema from "effect/Schema"
import type { Server } from "node:net"
import { ServerSettings } from "../job.ts"
import type { Settings } from "../suite.ts"

/** Starts listening on a free port and gives the address. */
export const listen = (server: Server): Promise<string> =>
  new Promise((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`)
    })
  })

/** Runs a server: `start` gives the addresses by what is served there. */
export const serve = async (start: (settings: Settings) => Promise<Record<string, string>>): Promise<void> => {
  process.once("disconnect", () => process.exit())
  const addresses = await start(Schema.decodeSync(ServerSettings)(process.argv[2] ?? "{}"))
  process.send?.({ addresses })
}
