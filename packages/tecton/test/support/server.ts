/** An HTTP server on 127.0.0.1 that answers each request by a function, when that says so. */
import * as Effect from "effect/Effect"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { Answer, Received } from "../../../../test/support/scriptedServer.ts"

export type { Answer, Received } from "../../../../test/support/scriptedServer.ts"

/** An answer, or one of two ways to give none. */
export type Reply = Answer | "hang" | "reset"

/** `n` counts requests, from 0; `waiting` are those without an answer, this one among them. */
export type Handler = (request: Received, n: number, waiting: ReadonlySet<Received>) => Reply | Promise<Reply>

export interface Server {
  readonly url: string
  readonly received: ReadonlyArray<Received>
  /** Requests that wait for their answer. */
  readonly waiting: ReadonlySet<Received>
  /** Completes when so many requests have arrived. */
  readonly arrived: (count: number) => Effect.Effect<void>
  /** Completes when the connections of so many requests without an answer are gone. */
  readonly abandoned: (count: number) => Effect.Effect<void>
}

/** A number that grows, and who waits for it. */
const counter = () => {
  let count = 0
  const waiting: Array<readonly [number, () => void]> = []
  return {
    add: () => {
      count++
      for (const [wanted, done] of waiting) if (count >= wanted) done()
    },
    reaches: (wanted: number) =>
      Effect.callback<void>((resume) => {
        if (count >= wanted) resume(Effect.void)
        else waiting.push([wanted, () => resume(Effect.void)])
      })
  }
}

const send = (response: ServerResponse, reply: Answer): void => {
  response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers })
  response.end(typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body ?? {}))
}

export const answering = (handler: Handler) =>
  Effect.acquireRelease(
    Effect.callback<Server & { readonly stop: () => void }>((resume) => {
      const received: Array<Received> = []
      const waiting = new Set<Received>()
      const arrivals = counter()
      const losses = counter()
      const server = createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => {
          const { headers, method = "", url: path = "" } = request
          const asked = { method, path, headers, body: Buffer.concat(parts).toString() }
          response.on("close", () => {
            if (!response.writableFinished) losses.add()
          })
          waiting.add(asked)
          received.push(asked)
          const reply = Promise.resolve(handler(asked, received.length - 1, waiting))
          arrivals.add()
          void reply.then((line) => {
            if (line === "hang") return
            waiting.delete(asked)
            if (line === "reset") request.socket.resetAndDestroy()
            else send(response, line)
          })
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        const stop = () => {
          server.close()
          server.closeAllConnections()
        }
        const url = `http://127.0.0.1:${port}`
        resume(Effect.succeed({ url, received, waiting, arrived: arrivals.reaches, abandoned: losses.reaches, stop }))
      })
    }),
    (server) => Effect.sync(server.stop)
  )
