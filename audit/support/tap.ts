/**
 * A relay between a connector and an emulator, in the audit's own process: it sees every call and every answer, and it
 * is where a process is killed at a chosen moment of a call.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type { AddressInfo } from "node:net"

/** A call, as it passes. */
export interface Call {
  readonly method: string
  readonly path: string
  readonly body: Buffer
}

export interface Listener {
  /** A call has arrived whole and is not passed on yet. */
  readonly arrived?: ((call: Call) => void) | undefined
  /** The emulator has answered and the client does not know it yet. */
  readonly answered?: ((call: Call, status: number) => void) | undefined
  /** The answer was sent to the client. */
  readonly passedOn?: ((call: Call, status: number) => void) | undefined
}

export interface Tap {
  /** What to give a connector in place of the emulator's host. */
  readonly host: string
}

/** Starts a relay to an index's host. */
export const start = (host: string, listener: Listener): Effect.Effect<Tap, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const { hostname, pathname, port } = new URL(host)
        const agent = new http.Agent({ keepAlive: true })
        const server = http.createServer((request, response) => {
          const parts: Array<Buffer> = []
          request.on("error", () => {})
          request.on("data", (part: Buffer) => parts.push(part))
          request.on("end", () => {
            const call: Call = { method: request.method ?? "", path: request.url ?? "", body: Buffer.concat(parts) }
            listener.arrived?.(call)
            const { headers, method, url: path } = request
            const onward = http.request({ hostname, port, method, path, headers, agent }, (answer) => {
              const body: Array<Buffer> = []
              answer.on("error", () => response.destroy())
              answer.on("data", (part: Buffer) => body.push(part))
              answer.on("end", () => {
                const status = answer.statusCode ?? 0
                listener.answered?.(call, status)
                response.writeHead(status, answer.headers)
                response.end(Buffer.concat(body), () => listener.passedOn?.(call, status))
              })
            })
            onward.on("error", () => response.destroy())
            onward.end(call.body)
          })
          response.on("error", () => {})
        })
        server.keepAliveTimeout = 65_000
        await new Promise<void>((resolve) => {
          server.listen(0, "127.0.0.1", resolve)
        })
        return { server, agent, host: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}` }
      }),
      ({ agent, server }) =>
        Effect.promise(async () => {
          agent.destroy()
          server.closeAllConnections()
          await new Promise((resolve) => {
            server.close(resolve)
          })
        })
    ),
    ({ host }) => ({ host })
  )
