/** What a process that was killed and started again does a second time. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Findings } from "../report.ts"
import type { Call } from "./tap.ts"

const Body = Schema.fromJsonString(
  Schema.Struct({ vectors: Schema.Array(Schema.Struct({ metadata: Schema.Struct({ n: Schema.Int }) })) })
)
const decodeBody = Schema.decodeUnknownSync(Body)

/** The places in the corpus of the records of an upsert. */
export const placesIn = ({ body }: Call): ReadonlyArray<number> =>
  decodeBody(body.toString()).vectors.map(({ metadata }) => metadata.n)

/** Counts, for each run, the records that an earlier run had sent; they may be at most `window`. */
export class Resent<A> {
  readonly #lastRun = new Map<A, number>()
  readonly #byRun = new Map<number, number>()
  readonly #verb: string
  readonly #window: number
  readonly #findings: Findings

  constructor(verb: string, window: number, findings: Findings) {
    this.#verb = verb
    this.#window = window
    this.#findings = findings
  }

  sent(run: number, records: ReadonlyArray<A>): void {
    for (const record of records) {
      const last = this.#lastRun.get(record)
      if (last !== undefined && last !== run) this.#byRun.set(run, (this.#byRun.get(run) ?? 0) + 1)
      this.#lastRun.set(record, run)
    }
  }

  get total(): number {
    return Array.from(this.#byRun.values()).reduce((sum, count) => sum + count, 0)
  }

  get most(): number {
    return Math.max(0, ...this.#byRun.values())
  }

  /** Looks at the run that has ended. */
  readonly check = (run: number): Effect.Effect<void> =>
    Effect.sync(() => {
      const again = this.#byRun.get(run) ?? 0
      this.#findings.expect(
        again <= this.#window,
        "unexplained",
        `run ${run} ${this.#verb} ${again} records again, more than ${this.#window}`
      )
    })
}
