/**
 * Programs of the audit in processes of their own. They end with the scope, by SIGKILL, and by themselves when the
 * audit is gone: their standard input ends then. All they print goes to the witness.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"
import * as readline from "node:readline"
import type { Readable } from "node:stream"
import { secrets, Witness } from "./witness.ts"

const programs = path.join(import.meta.dirname, "../programs")

export interface Exited {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last lines of standard error, for reports. */
  readonly said: string
}

export interface Child {
  readonly pid: number
  /** Sends a signal, now. */
  readonly kill: (signal: NodeJS.Signals) => void
  /** The next line of standard output, decoded; fails with what the child said when it ends before. */
  readonly next: <A>(schema: Schema.Codec<A, unknown>) => Effect.Effect<A, ChildEnded>
  /** Writes a line to its standard input. */
  readonly say: (line: string) => void
  readonly exited: Effect.Effect<Exited>
}

/** A child ended that should not have. */
export class ChildEnded extends Schema.TaggedError<ChildEnded>()("ChildEnded", {
  program: Schema.String,
  code: Schema.NullOr(Schema.Number),
  signal: Schema.NullOr(Schema.String),
  said: Schema.String
}) {
  override get message(): string {
    return `${this.program} ended with ${this.code ?? this.signal}: ${this.said}`
  }
}

export interface Options {
  /** A file of `audit/programs`, or an absolute path. */
  readonly program: string
  /** What the program is told, as JSON. */
  readonly argument: unknown
  readonly nodeOptions?: ReadonlyArray<string> | undefined
}

/** Starts a program. */
export const start = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Child, never, Scope.Scope | Witness> {
  const { see } = yield* Witness
  const file = path.resolve(programs, options.program)
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(
        process.execPath,
        [
          ...(options.nodeOptions ?? []),
          "--disable-warning=ExperimentalWarning",
          "--conditions=@effect-connectors/source",
          file,
          JSON.stringify(options.argument)
        ],
        { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...environment } }
      )
    ),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const gone = once(child, "exit")
        child.kill("SIGKILL")
        await gone
      })
  )
  child.stdin.on("error", () => {})
  const last: Array<string> = []
  const watched = (stream: Readable, note: (line: string) => void) => {
    readline.createInterface(stream).on("line", (line) => {
      see("child", options.program, line)
      note(line)
    })
  }
  const lines = yield* Queue.unbounded<string, Cause.Done>()
  watched(child.stderr, (line) => {
    last.push(line)
    if (last.length > 20) last.shift()
  })
  watched(child.stdout, (line) => Queue.offerUnsafe(lines, line))
  const closed = new Promise<Exited>((resolve) => {
    child.once("close", (code, signal) => {
      Queue.endUnsafe(lines)
      resolve({ code, signal, said: last.join("\n") })
    })
  })
  const ended = Effect.flatMap(
    Effect.promise(() => closed),
    ({ code, said, signal }) => Effect.fail(new ChildEnded({ program: options.program, code, signal, said }))
  )
  return {
    pid: child.pid ?? 0,
    kill: (signal) => child.kill(signal),
    next: (schema) => {
      const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))
      return Queue.take(lines).pipe(
        Effect.matchEffect({
          onFailure: () => ended,
          onSuccess: (line) => Effect.mapError(decode(line), (error) => `${line}: ${error.message}`).pipe(Effect.orDie)
        })
      )
    },
    say: (line) => {
      child.stdin.write(`${line}\n`)
    },
    exited: Effect.promise(() => closed)
  }
})

/** How children get the keys: as programs in production do. */
const environment = {
  PINECONE_API_KEY: secrets.pineconeKey,
  TECTON_API_KEY: secrets.tectonKey
}
