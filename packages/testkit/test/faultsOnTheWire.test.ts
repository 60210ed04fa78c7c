import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import * as http from "node:http"
import * as net from "node:net"
import type { Reply } from "../src/internal/emulator/call.ts"
import { carryOut } from "../src/internal/emulator/carryOut.ts"
import * as Faults from "../src/internal/emulator/faults.ts"

const body = JSON.stringify({ upsertedCount: 3, note: "å".repeat(20) })
const bytes = Buffer.byteLength(body)
const reply: Reply = { status: 200, headers: { "content-type": "application/json", "x-lsn": "7" }, body }

interface Served {
  readonly port: number
  /** How often the call was applied so far. */
  readonly applied: () => number
  /** Resolves once the first call was handed over, to how often it was applied by then. */
  readonly handled: Promise<number>
  /** Resolves once the server knows that the first call is over. */
  readonly closed: Promise<void>
  readonly closeConnections: () => void
}

/** A server whose calls all meet `fault`. */
const serve = (
  fault: FaultPlan.Fault | undefined,
  answer: Reply = reply
): Effect.Effect<Served, never, Scope.Scope> => {
  const faults = Faults.make(
    FaultPlan.make(fault === undefined ? [] : [{ name: "fault", when: FaultPlan.always, fault }])
  )
  const call = { operation: "upsert", index: "i", namespace: "ns", bytes: 0 }
  let applied = 0
  return Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const handled = Promise.withResolvers<number>()
        const closed = Promise.withResolvers<void>()
        const server = http.createServer((request, response) => {
          response.once("close", closed.resolve)
          request.resume().once("end", () => {
            carryOut(response, faults.decide(call), () => {
              applied++
              return answer
            })
            handled.resolve(applied)
          })
        })
        await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
        return { server, handled: handled.promise, closed: closed.promise }
      }),
      ({ server }) =>
        Effect.promise(
          () =>
            new Promise((stopped) => {
              server.close(stopped)
              server.closeAllConnections()
            })
        )
    ),
    ({ closed, handled, server }) => {
      const address = server.address()
      return {
        port: typeof address === "object" && address !== null ? address.port : 0,
        applied: () => applied,
        handled,
        closed,
        closeConnections: () => server.closeAllConnections()
      }
    }
  )
}

interface Seen {
  readonly head: string
  readonly body: string
  /** How the connection ended: `end` in good order, else the code of the error. */
  readonly ended: string
  /** Number of pieces in which the bytes came. */
  readonly pieces: number
}

/** A client that sends one request and takes what comes until the connection ends. */
const connect = (port: number) => {
  const socket = net.connect(port, "127.0.0.1")
  socket.write("POST / HTTP/1.1\r\nHost: emulator\r\nContent-Length: 2\r\n\r\n{}")
  const seen = new Promise<Seen>((resolve) => {
    const chunks: Array<Buffer> = []
    let ended = "end"
    socket.on("data", (chunk) => chunks.push(chunk))
    socket.on("error", (error: NodeJS.ErrnoException) => (ended = error.code ?? error.message))
    socket.on("close", () => {
      const [head = "", body = ""] = Buffer.concat(chunks).toString().split("\r\n\r\n")
      resolve({ head: head.toLowerCase(), body, ended, pieces: chunks.length })
    })
  })
  return { socket, seen }
}

const request = (port: number) => Effect.promise(() => connect(port).seen)

/** The answer as a whole client sees it. */
const fetched = (port: number) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" })
    return { status: response.status, headers: response.headers, body: await response.text() }
  })

const failureOf = (port: number) =>
  Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" })
      .then((response) => response.text().then(() => "an answer"))
      .catch((error: unknown) => String(error))
  )

describe("what a client sees", () => {
  it.live("without a fault: the reply, whole", () =>
    Effect.gen(function* () {
      const { applied, port } = yield* serve(undefined)
      const answer = yield* fetched(port)
      assert.deepStrictEqual([answer.status, answer.body], [200, body])
      assert.strictEqual(answer.headers.get("content-length"), String(bytes))
      assert.strictEqual(answer.headers.get("x-lsn"), "7")
      assert.strictEqual(applied(), 1)
      yield* fetched(port)
      assert.strictEqual(applied(), 2)
    })
  )

  for (const status of [408, 413, 429, 500, 503]) {
    it.live(`${status}: that answer, nothing applied`, () =>
      Effect.gen(function* () {
        const { applied, port } = yield* serve(FaultPlan.status(status, { message: "no", retryAfter: "1 second" }))
        const answer = yield* fetched(port)
        assert.strictEqual(answer.status, status)
        assert.deepInclude(JSON.parse(answer.body), { message: "no" })
        assert.strictEqual(answer.headers.get("retry-after"), "1")
        assert.strictEqual(applied(), 0)
      })
    )
  }

  it.live("reset before: nothing but a reset, nothing applied", () =>
    Effect.gen(function* () {
      const { applied, port } = yield* serve(FaultPlan.reset("before"))
      assert.deepStrictEqual(yield* request(port), { head: "", body: "", ended: "ECONNRESET", pieces: 0 })
      assert.strictEqual(yield* failureOf(port), "TypeError: fetch failed")
      assert.strictEqual(applied(), 0)
    })
  )

  it.live("reset after: nothing but a reset, though applied", () =>
    Effect.gen(function* () {
      const { applied, port } = yield* serve(FaultPlan.reset("after"))
      assert.deepStrictEqual(yield* request(port), { head: "", body: "", ended: "ECONNRESET", pieces: 0 })
      assert.strictEqual(applied(), 1)
    })
  )

  it.live("reset during the head: the head, then a reset", () =>
    Effect.gen(function* () {
      const { applied, port } = yield* serve(FaultPlan.reset("headers"))
      const seen = yield* request(port)
      assert.include(seen.head, "http/1.1 200")
      assert.include(seen.head, `content-length: ${bytes}`)
      assert.deepInclude(seen, { body: "", ended: "ECONNRESET" })
      assert.strictEqual(applied(), 1)
    })
  )

  it.live("reset during the body: half of it, then a reset", () =>
    Effect.gen(function* () {
      const { applied, port } = yield* serve(FaultPlan.reset("body"))
      const seen = yield* request(port)
      assert.include(seen.head, `content-length: ${bytes}`)
      assert.strictEqual(seen.ended, "ECONNRESET")
      assert.strictEqual(
        seen.body,
        Buffer.from(body)
          .subarray(0, bytes >> 1)
          .toString()
      )
      assert.strictEqual(applied(), 1)
      assert.strictEqual(yield* failureOf(port), "TypeError: terminated")
    })
  )

  it.live("a truncated body: half of it, then the end", () =>
    Effect.gen(function* () {
      const { applied, port } = yield* serve(FaultPlan.truncatedBody)
      const seen = yield* request(port)
      assert.include(seen.head, `content-length: ${bytes}`)
      assert.strictEqual(seen.ended, "end")
      assert.strictEqual(
        seen.body,
        Buffer.from(body)
          .subarray(0, bytes >> 1)
          .toString()
      )
      assert.strictEqual(applied(), 1)
      assert.strictEqual(yield* failureOf(port), "TypeError: terminated")
    })
  )

  it.live("a truncated body that is empty anyway: less than promised all the same", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(FaultPlan.truncatedBody, { status: 202, headers: {}, body: "" })
      const seen = yield* request(port)
      assert.include(seen.head, "content-length: 1")
      assert.deepInclude(seen, { body: "", ended: "end" })
    })
  )

  it.live("a lost answer: applied, then silence until the client leaves", () =>
    Effect.gen(function* () {
      const { applied, closed, handled, port } = yield* serve(FaultPlan.loseAnswer)
      const client = connect(port)
      assert.strictEqual(yield* Effect.promise(() => handled), 1)
      client.socket.end()
      assert.deepInclude(yield* Effect.promise(() => client.seen), { head: "", body: "", ended: "end" })
      yield* Effect.promise(() => closed)
      assert.strictEqual(applied(), 1)
    })
  )

  it.live("a lost answer: silence until the server ends its connections", () =>
    Effect.gen(function* () {
      const { closeConnections, handled, port } = yield* serve(FaultPlan.loseAnswer)
      const client = connect(port)
      yield* Effect.promise(() => handled)
      closeConnections()
      assert.deepInclude(yield* Effect.promise(() => client.seen), { head: "", body: "" })
    })
  )

  it.live("a stall: applied and answered, but late", () =>
    Effect.gen(function* () {
      const { applied, handled, port } = yield* serve(FaultPlan.stall("60 millis"))
      const started = performance.now()
      const waiting = fetched(port)
      const answer = yield* Effect.all({ waiting, before: Effect.promise(() => handled) }, { concurrency: 2 })
      assert.strictEqual(answer.before, 0)
      assert.strictEqual(answer.waiting.body, body)
      assert.isAtLeast(performance.now() - started, 58)
      assert.strictEqual(applied(), 1)
    })
  )

  it.live("a slow body: applied at once, the whole body, in pieces over the time", () =>
    Effect.gen(function* () {
      const { applied, handled, port } = yield* serve(FaultPlan.slowBody("100 millis", { pieces: 5 }))
      const started = performance.now()
      const answer = yield* Effect.all(
        { slow: fetched(port), before: Effect.promise(() => handled) },
        { concurrency: 2 }
      )
      assert.strictEqual(answer.before, 1)
      assert.strictEqual(answer.slow.body, body)
      assert.strictEqual(answer.slow.headers.get("content-length"), String(bytes))
      assert.isAtLeast(performance.now() - started, 95)
      assert.strictEqual(applied(), 1)
    })
  )

  it.live("a slow body: the head and a first piece long before the rest", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(FaultPlan.slowBody("1 hour", { pieces: 36_000_000 }))
      const client = connect(port)
      yield* Effect.promise(() => new Promise((first) => client.socket.once("data", first)))
      client.socket.destroy()
      const seen = yield* Effect.promise(() => client.seen)
      assert.include(seen.head, `content-length: ${bytes}`)
      assert.isBelow(Buffer.byteLength(seen.body), bytes)
    })
  )

  it.live("an empty body, slowly: an answer", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(FaultPlan.slowBody("10 millis"), { status: 202, headers: {}, body: "" })
      const answer = yield* fetched(port)
      assert.deepStrictEqual([answer.status, answer.body], [202, ""])
    })
  )
})

describe("waiting", () => {
  it.live("ends with the connection, without applying a call that was stalled", () =>
    Effect.gen(function* () {
      const { applied, closed, handled, port } = yield* serve(FaultPlan.stall("1 hour"))
      const { socket } = connect(port)
      yield* Effect.promise(() => handled)
      socket.destroy()
      yield* Effect.promise(() => closed)
      assert.strictEqual(applied(), 0)
    })
  )

  it.live("leaves nothing that keeps a process alive once the server has stopped", () =>
    Effect.gen(function* () {
      const code = yield* Effect.promise(
        () =>
          new Promise((exited) => {
            const child = spawn(
              process.execPath,
              ["--conditions=@effect-connectors/source", "--input-type=module", "-e", stalledServer],
              { cwd: import.meta.dirname, stdio: ["ignore", "ignore", "inherit"], timeout: 15_000 }
            )
            child.once("exit", exited)
          })
      )
      assert.strictEqual(code, 0)
    })
  )
})

describe("pipelined calls", () => {
  const struck = { status: 200, headers: {}, body: "second" }

  /**
   * Two calls sent together: the first is answered by "first" when `answerFirst` is called, the second, which `fault`
   * meets, is handed over before that. Resolves to all the client saw.
   */
  const pipelined = (
    fault: Faults.Fault,
    apply: () => Reply = () => struck,
    onSecond: (answerFirst: () => void) => void = (answerFirst) => answerFirst()
  ) =>
    Effect.scoped(
      Effect.gen(function* () {
        const calls: Array<http.ServerResponse> = []
        const server = yield* Effect.acquireRelease(
          Effect.promise(async () => {
            const server = http.createServer((request, response) => {
              request.resume().once("end", () => {
                const first = calls[0]
                calls.push(response)
                if (first === undefined) return
                carryOut(response, fault, apply)
                onSecond(() => first.end("first"))
              })
            })
            await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
            return server
          }),
          (server) =>
            Effect.promise(
              () =>
                new Promise((stopped) => {
                  server.close(stopped)
                  server.closeAllConnections()
                })
            )
        )
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        return yield* Effect.promise(
          () =>
            new Promise<{ readonly bytes: string; readonly ended: string }>((resolve) => {
              const socket = net.connect(port, "127.0.0.1")
              let bytes = ""
              let ended = "end"
              socket.on("data", (chunk) => (bytes += chunk.toString()))
              socket.on("error", (error: NodeJS.ErrnoException) => (ended = error.code ?? error.message))
              socket.on("close", () => resolve({ bytes, ended }))
              socket.write("GET / HTTP/1.1\r\nHost: emulator\r\n\r\n".repeat(2))
            })
        )
      })
    )

  for (const at of ["before", "after"] as const) {
    it.live(`reset ${at}: at once, though an earlier answer is outstanding`, () =>
      Effect.gen(function* () {
        let applied = 0
        const seen = yield* pipelined(
          FaultPlan.reset(at),
          () => {
            applied++
            return struck
          },
          () => {}
        )
        assert.deepStrictEqual(seen, { bytes: "", ended: "ECONNRESET" })
        assert.strictEqual(applied, at === "before" ? 0 : 1)
      })
    )
  }

  for (const [fault, ended, part] of [
    [FaultPlan.reset("headers"), "ECONNRESET", ""],
    [FaultPlan.reset("body"), "ECONNRESET", "sec"],
    [FaultPlan.truncatedBody, "end", "sec"]
  ] as const) {
    it.live(`${fault._tag === "Reset" ? `reset ${fault.at}` : "truncated"}: after the whole earlier answer`, () =>
      Effect.gen(function* () {
        const seen = yield* pipelined(fault)
        const [, first = "", second] = seen.bytes.split("\r\n\r\n")
        assert.isTrue(first.includes("first") && first.includes("HTTP/1.1 200"), seen.bytes)
        assert.deepStrictEqual({ second, ended: seen.ended }, { second: part, ended })
      })
    )
  }
})

/** Two calls wait for an hour when the server stops; then the program has nothing left to do. */
const stalledServer = `
  import * as http from "node:http"
  import * as net from "node:net"
  import { carryOut } from "../src/internal/emulator/carryOut.ts"
  const waits = [{ _tag: "Stall", millis: 3_600_000 }, { _tag: "SlowBody", millis: 3_600_000 }]
  const server = http.createServer((request, response) => {
    request.resume().once("end", () => {
      carryOut(response, waits.pop(), () => ({ status: 200, headers: {}, body: "a body of some length" }))
      if (waits.length > 0) return
      server.close()
      server.closeAllConnections()
    })
  })
  server.listen(0, "127.0.0.1", () => {
    for (const _ of waits) {
      const socket = net.connect(server.address().port, "127.0.0.1")
      socket.on("error", () => {}).write("GET / HTTP/1.1\\r\\nHost: emulator\\r\\n\\r\\n")
    }
  })
`
