/**
 * Looks for secrets in everything that is said while the audit runs: log lines, spans, errors, what child processes
 * print, dead letters, ledgers, exports. What is said is looked at and not kept.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import * as fs from "node:fs"
import * as path from "node:path"
import { inspect } from "node:util"

/** The keys and tokens of the audit. They let in to nothing but its emulators. */
export const secrets = {
  pineconeKey: "pcsk_AUDITqX7vZ2mK9_R4tY8wB3nL6pD5sF1hJ0gC",
  tectonKey: "tecton-AUDITe5c2Ty7Uk1Mz9Qp4Wx8Rb3Vn6Lh0",
  clientSecret: "oauth-AUDITs8Gd3Jf6Kq1Xw5Zr9Ph2Ct7Yb4Nm",
  password: "basic-AUDITu4Hk7Lp2Sv9Dx1Fz6Qn3Wm8Rt5Bj"
} as const

export type Kind = "log" | "span" | "error" | "child" | "file" | "value"

export interface Leak {
  readonly secret: string
  readonly kind: Kind
  readonly where: string
}

/** The forms that a secret may have in a text, and the middle alone, for texts that were cut. */
const needles: ReadonlyArray<readonly [name: string, needle: string]> = Object.entries(secrets).flatMap(
  ([name, secret]) => {
    const core = secret.slice(10, 28)
    const base64 = [0, 1, 2].map((shift) =>
      Buffer.from(`${" ".repeat(shift)}${secret}`)
        .toString("base64")
        .slice(8, 32)
    )
    const forms = [core, Buffer.from(core).toString("hex"), ...base64, [...core].toReversed().join("")]
    return forms.map((form) => [name, form] as const)
  }
)

export interface Watching {
  readonly see: (kind: Kind, where: string, text: string) => void
  /** Everything that can be printed of a value. */
  readonly seeAll: (where: string, value: unknown) => Effect.Effect<void>
  /** Every file below a directory. */
  readonly seeFiles: (directory: string) => Effect.Effect<void>
  /** How many texts were looked at, by kind. */
  readonly seen: Readonly<Record<Kind, number>>
  /** The characters of them all. */
  readonly characters: () => number
  readonly leaks: ReadonlyArray<Leak>
}

const json = (value: unknown): string => {
  try {
    return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? String(part) : part)) ?? ""
  } catch {
    return "" // A value with a circle in it; inspect shows that.
  }
}

/** All that a program prints of a value without a logger. */
export const printed = (value: unknown): ReadonlyArray<string> => [
  String(value),
  json(value),
  inspect(value, { depth: 12, showHidden: true }),
  Cause.pretty(Cause.fail(value)),
  ...(value instanceof Error ? [value.message, value.stack ?? ""] : [])
]

const make = Effect.sync((): Watching => {
  const seen: Record<Kind, number> = { log: 0, span: 0, error: 0, child: 0, file: 0, value: 0 }
  const leaks: Array<Leak> = []
  let characters = 0
  const see = (kind: Kind, where: string, text: string): void => {
    seen[kind]++
    characters += text.length
    for (const [secret, needle] of needles) if (text.includes(needle)) leaks.push({ secret, kind, where })
  }
  return {
    see,
    seeAll: (where, value) =>
      Effect.suspend(() => {
        for (const text of printed(value)) see(value instanceof Error ? "error" : "value", where, text)
        return Effect.logDebug(where, value, Cause.fail(value))
      }),
    seeFiles: (directory) =>
      Effect.sync(() => {
        for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
          if (!entry.isFile()) continue
          const file = path.join(entry.parentPath, entry.name)
          see("file", file, `${entry.name}\n${fs.readFileSync(file, "latin1")}`)
        }
      }),
    seen,
    characters: () => characters,
    leaks
  }
})

export class Witness extends Context.Service<Witness, Watching>()("@effect-connectors/audit/Witness") {
  static readonly layer = Layer.effect(Witness, make)

  /** Sends every log line, in each of Effect's formats, and every span that ends to the witness; prints none. */
  static readonly recording: Layer.Layer<never, never, Witness> = Layer.unwrap(
    Effect.map(Witness, (witness) => {
      const loggers = [Logger.formatJson, Logger.formatLogFmt, Logger.formatSimple].map((logger) =>
        Logger.map(logger, (line) => witness.see("log", "log", line))
      )
      class Recorded extends Tracer.NativeSpan {
        override end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
          super.end(endTime, exit)
          const { attributes, events, name, status } = this
          witness.see("span", name, inspect({ name, attributes, events, status }, { depth: 12 }))
        }
      }
      const tracer = Tracer.make({ span: (options) => new Recorded(options) })
      return Layer.mergeAll(
        Logger.layer(loggers),
        Layer.succeed(References.MinimumLogLevel, "All"),
        Layer.succeed(Tracer.Tracer, tracer)
      )
    })
  )

  /** A witness, and all that is logged and traced goes to it. */
  static readonly recorded: Layer.Layer<Witness> = Layer.provideMerge(Witness.recording, Witness.layer)
}
