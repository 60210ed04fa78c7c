/**
 * Processes of a benchmark: contenders and servers. They end with the scope that started them, and by themselves when
 * the benchmark is gone, since their channel to it closes. What they print goes to standard error.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { fork } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"

/** A process ended before it said what it was started for. */
export class ChildEnded extends Schema.TaggedError<ChildEnded>()("ChildEnded", {
  program: Schema.String,
  status: Schema.String
}) {
  override get message(): string {
    return `${this.program} ended with ${this.status}`
  }
}

export interface Child {
  readonly next: <A>(schema: Schema.Codec<A, unknown>) => Effect.Effect<A, ChildEnded>
  readonly exited: Effect.Effect<void, ChildEnded>
}

/** Where Node keeps the bytecode of modules: a process starts in half the time. It is nothing of what a process learns as it runs. */
const compileCache = path.resolve(import.meta.dirname, "..", "node_modules", ".cache", "bench")

/** Starts a program with one argument, as JSON. */
export const start = Effect.fnUntraced(function* (
  program: string,
  argument: unknown,
  nodeOptions: ReadonlyArray<string> = []
): Effect.fn.Return<Child, never, Scope.Scope> {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      fork(program, [JSON.stringify(argument)], {
        execArgv: ["--conditions=@effect-connectors/source", "--disable-warning=ExperimentalWarning", ...nodeOptions],
        env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
        stdio: ["ignore", 2, 2, "ipc"]
      })
    ),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const gone = once(child, "exit")
        child.kill("SIGKILL")
        await gone
      })
  )
  const messages = yield* Queue.unbounded<unknown, Cause.Done>()
  child.on("message", (message) => Queue.offerUnsafe(messages, message))
  const status = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => {
      Queue.endUnsafe(messages)
      resolve(String(code ?? signal))
    })
  })
  const ended = Effect.flatMap(
    Effect.promise(() => status),
    (status) => Effect.fail(new ChildEnded({ program, status }))
  )
  return {
    next: (schema) =>
      Queue.take(messages).pipe(
        Effect.matchEffect({
          onFailure: () => ended,
          onSuccess: (message) => Effect.orDie(Schema.decodeUnknownEffect(schema)(message))
        })
      ),
    exited: Effect.flatMap(
      Effect.promise(() => status),
      (status) => (status === "0" ? Effect.void : Effect.fail(new ChildEnded({ program, status })))
    )
  }
})
