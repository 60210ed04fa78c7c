/**
 * Does to a call what a fault says, on the wire. `apply` runs at most once; it must not throw or reject.
 *
 * Waiting ends with the connection: a client that leaves, or a server that closes its connections, leaves no timer.
 *
 * The connection is that of the request. A response has none while an earlier one on the same connection is unfinished
 * (the client pipelines), and gets it, with the event `socket`, when its turn comes.
 */
import * as Effect from "effect/Effect"
import { Buffer } from "node:buffer"
import type { ServerResponse } from "node:http"
import type { Reply } from "./call.ts"
import type { Fault } from "./faults.ts"

/** Does what a call asks for, and says what came of it: at once, or later for what needs a port. */
export type Apply = () => Reply | Promise<Reply>

/**
 * Answers a call whose body has been read. Without a fault the call is applied and its reply sent, after the time in
 * milliseconds that it `takes`.
 */
export const carryOut = (response: ServerResponse, fault: Fault | undefined, apply: Apply, takes = 0): void => {
  if (takes > 0) {
    return whileOpen(
      response,
      Effect.andThen(
        Effect.sleep(takes),
        Effect.sync(() => carryOut(response, fault, apply))
      )
    )
  }
  if (fault === undefined) return applied(apply, (reply) => send(response, reply))
  switch (fault._tag) {
    case "Answer":
      return send(response, fault.reply)
    case "Reset":
      return reset(response, fault.at, apply)
    case "LoseAnswer":
      void apply()
      return
    case "Stall":
      return whileOpen(
        response,
        Effect.andThen(
          Effect.sleep(fault.millis),
          Effect.sync(() => applied(apply, (reply) => send(response, reply)))
        )
      )
    case "SlowBody":
      return applied(apply, (reply) => sendSlowly(response, reply, fault.millis, fault.pieces ?? 10))
    case "TruncatedBody":
      return applied(apply, (reply) =>
        sendPart(response, reply, half(reply), () => {
          const { socket } = response.req
          socket.end(() => socket.destroy())
        })
      )
  }
}

/** Not a microtask later than it has to be: a call and its answer are one moment, where they can be. */
const applied = (apply: Apply, then: (reply: Reply) => void): void => {
  const reply = apply()
  if (reply instanceof Promise) void reply.then(then)
  else then(reply)
}

const send = (response: ServerResponse, reply: Reply): void => {
  response.writeHead(reply.status, { ...reply.headers, "content-length": Buffer.byteLength(reply.body) })
  response.end(reply.body)
}

const reset = (response: ServerResponse, at: "before" | "headers" | "body" | "after", apply: Apply): void => {
  const abort = (): void => {
    response.req.socket.resetAndDestroy()
  }
  if (at === "before") return abort()
  applied(apply, (reply) => {
    if (at === "after") return abort()
    sendPart(response, reply, at === "body" ? half(reply) : Buffer.alloc(0), abort)
  })
}

const half = (reply: Reply): Buffer => {
  const body = Buffer.from(reply.body)
  return body.subarray(0, body.length >> 1)
}

/**
 * Promises the whole body, sends `part` of it, and goes on once the system has taken all that over. Waits for the
 * response's turn, so that the answers before it arrive whole.
 */
const sendPart = (response: ServerResponse, reply: Reply, part: Buffer, next: () => void): void => {
  const { socket } = response
  if (socket === null) {
    response.once("socket", () => sendPart(response, reply, part, next))
    return
  }
  // At least 1: an empty body too has to fall short of what was promised.
  const promised = Math.max(1, Buffer.byteLength(reply.body))
  response.writeHead(reply.status, { ...reply.headers, "content-length": promised })
  response.flushHeaders()
  if (part.length > 0) response.write(part)
  socket.write("", next)
}

const sendSlowly = (response: ServerResponse, reply: Reply, millis: number, pieces: number): void => {
  const body = Buffer.from(reply.body)
  const count = Math.max(1, Math.min(pieces, body.length))
  const until = (piece: number): number => Math.floor((body.length * piece) / count)
  response.writeHead(reply.status, { ...reply.headers, "content-length": body.length })
  response.flushHeaders()
  whileOpen(
    response,
    Effect.gen(function* () {
      for (let piece = 1; piece <= count; piece++) {
        yield* Effect.sleep(millis / count)
        response.write(body.subarray(until(piece - 1), until(piece)))
      }
      response.end()
    })
  )
}

/** Runs an effect that ends, at the latest, with the connection. */
const whileOpen = (response: ServerResponse, effect: Effect.Effect<void>): void => {
  if (response.closed) return
  const fiber = Effect.runFork(effect)
  response.once("close", () => fiber.interruptUnsafe())
}
