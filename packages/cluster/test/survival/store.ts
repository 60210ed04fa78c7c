/** The store that the job writes to, in the test's process: it keeps what comes, and answers when the test lets it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import { Answer, Call, isRefused } from "./job.ts"

export type Arrived = typeof Call.Type

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Call))
const encode = Schema.encodeSync(Schema.fromJsonString(Answer))

export const make = Effect.gen(function* () {
  const calls: Array<Arrived> = []
  const values = new Map<number, string>()
  const times = new Map<number, number>()
  const looking = new Set<() => void>()
  let isHeld: (call: Arrived) => boolean = () => false
  let held: Array<{ readonly call: Arrived; readonly answer: () => void }> = []

  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const call = decode(await text(request))
    const refused: Array<number> = []
    for (const [n, value] of call.records) {
      times.set(n, (times.get(n) ?? 0) + 1)
      if (isRefused(n)) refused.push(n)
      else values.set(n, value)
    }
    const answer = () => response.end(encode({ refused }))
    calls.push(call)
    if (isHeld(call)) held.push({ call, answer })
    else answer()
    for (const look of looking) look()
  }
  // A call whose runner is killed while it comes is none.
  const server = createServer((request, response) => {
    take(request, response).catch(() => response.destroy())
  })
  yield* Effect.acquireRelease(
    Effect.promise(async () => {
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
    }),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0

  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    values,
    /** How often each record came. */
    times,
    /** From now on calls like this have no answer; those that are held and are not like this get theirs. */
    hold: (isLike: (call: Arrived) => boolean) =>
      Effect.sync(() => {
        isHeld = isLike
        const before = held
        held = before.filter(({ call }) => isHeld(call))
        for (const { answer, call } of before) if (!isHeld(call)) answer()
      }),
    /** Waits until the calls that came are as they should be. */
    until: (isSo: (calls: ReadonlyArray<Arrived>) => boolean) =>
      Effect.callback<void>((resume) => {
        const look = () => {
          if (!isSo(calls)) return
          looking.delete(look)
          resume(Effect.void)
        }
        looking.add(look)
        look()
        return Effect.sync(() => looking.delete(look))
      })
  }
})

export type Store = Effect.Success<typeof make>
