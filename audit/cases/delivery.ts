/**
 * Many records into an index that throttles, fails, resets and forgets to answer, some records being poison: what is
 * not poison is stored with its content, poison is a dead letter with its reason, and every element has one outcome.
 */
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import * as Outcome from "@effect-connectors/core/Outcome"
import type { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import type * as Retry from "@effect-connectors/core/Retry"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import * as VectorRecord from "@effect-connectors/pinecone/VectorRecord"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as path from "node:path"
import { Findings, type Settings } from "../report.ts"
import { compareStored, isAsSent } from "../support/compare.ts"
import { type Corpus, dimension, expected, type Item, items, poisons } from "../support/corpus.ts"
import * as Emulator from "../support/emulator.ts"
import * as Faults from "../support/faults.ts"
import * as Letters from "../support/letters.ts"
import { temporary } from "../support/temporary.ts"
import { secrets, Witness } from "../support/witness.ts"

/** What the pipeline tells of an element. */
export type Told = Outcome.Outcome<Item, PineconeError>

type Stepped = Stream.Stream<Told, PineconeError, PineconeIndex>

type Store = DeadLetter.Store<VectorRecord.VectorRecord>
type Kept = Stream.Stream<
  DeadLetter.Passed<Item, PineconeError>,
  PineconeError | DeadLetter.DeadLetterError,
  PineconeIndex
>

/** The pipeline, in parts that a test may break. */
export interface Parts {
  readonly layer: (host: string) => Layer.Layer<PineconeIndex, PineconeError>
  readonly write: (retry: Retry.Policy) => (elements: Stream.Stream<Item>) => Stepped
  readonly divert: (letters: Store) => (outcomes: Stepped) => Kept
}

export const parts: Parts = {
  layer: (host) =>
    PineconeIndex.layer({
      apiKey: Redacted.make(secrets.pineconeKey),
      host,
      timeout: "400 millis",
      // As many calls as it takes; it throttles by itself.
      pacing: { rates: {} }
    }),
  write: (retry) =>
    PineconeSink.upsertOutcomes({
      record: ({ record }: Item) => record,
      namespace: ({ namespace }: Item) => namespace,
      maxRecords: 20,
      concurrency: 16,
      linger: "50 millis",
      retry
    }),
  divert: (letters) =>
    DeadLetter.divert(letters, {
      record: ({ record }: Item) => record,
      id: ({ n, namespace }) => `${namespace}/${n}`
    })
}

export interface Options extends Settings {
  readonly records: number
  readonly poisoned: number
  readonly rare: number
  readonly parts?: Parts | undefined
}

const mute = "mute"

export const run = Effect.fnUntraced(function* (options: Options) {
  const findings = new Findings()
  const { form, poisoned, rare, records, seed } = options
  const using = options.parts ?? parts
  const corpus: Corpus = { seed, records, poisoned, rewritten: 0.01, namespaces: ["red", "green", "blue"] }
  const unanswered: Corpus = { seed: seed + 1, records: 30, poisoned: 0, rewritten: 0, namespaces: [mute] }
  const emulator = yield* Emulator.start()
  yield* emulator.plan(Faults.plan({ seed, rare, mute, retryAfter: form === "short" ? 1 : 5 }))

  const directory = yield* temporary
  const file = path.join(directory, "dead.ndjson")
  const { seeAll, seeFiles } = yield* Witness
  yield* Effect.gen(function* () {
    const letters = yield* DeadLetter.ndjson({ path: file, record: VectorRecord.VectorRecord })
    const delivered = Effect.fnUntraced(function* (corpus: Corpus, maxAttempts: number) {
      const outcomes = new Outcomes(corpus, findings)
      yield* Stream.fromIterable(items(corpus)).pipe(
        Stream.rechunk(100),
        using.write({ maxAttempts, base: "10 millis", cap: "500 millis" }),
        Stream.tap((outcome) => {
          outcomes.add(outcome)
          return outcome._tag === "Written" ? Effect.void : seeAll("an outcome that is not written", outcome.error)
        }),
        using.divert(letters),
        Stream.runForEach((kept) => Effect.sync(() => outcomes.kept(kept)))
      )
      outcomes.end()
      return outcomes
    })
    const [all, lost] = yield* Effect.all([delivered(corpus, 8), delivered(unanswered, 3)], { concurrency: 2 })
    const { fired } = yield* emulator.calm
    findings.faults(fired)
    findings.everyFaultFired()
    findings.records(records + unanswered.records)
    const kept = Letters.read(file)
    checkLetters(kept.byId, [...all.notWritten, ...lost.notWritten], findings)
    yield* seeFiles(directory)
    findings.measured({
      written: all.counts.written + lost.counts.written,
      rejected: all.counts.rejected + lost.counts.rejected,
      unknown: all.counts.unknown + lost.counts.unknown,
      deadLetters: kept.byId.size,
      faults: Object.values(fired).reduce((sum, count) => sum + count, 0)
    })
    const redriven = yield* redrive(letters, findings)
    findings.measured({ redriven })
  }).pipe(Effect.provide([using.layer(emulator.host), NodeServices.layer]))

  yield* compareStored(emulator, corpus, findings)
  const sent = expected(unanswered).get(mute)
  yield* emulator.read(mute, (stored) => {
    const n = sent?.get(stored.id)
    findings.expect(
      n !== undefined && isAsSent(unanswered, n, stored),
      "wrong",
      `${stored.id} of the namespace without answers has not the content that was sent`
    )
  })
  return findings
})

/** Mends what was wrong with the dead letters and sends them again, into a namespace of their own: then none is left. */
const redrive = Effect.fnUntraced(function* (letters: Store, findings: Findings) {
  type Letter = DeadLetter.DeadLetter<VectorRecord.VectorRecord>
  let written = 0
  yield* DeadLetter.redrive(letters).pipe(
    PineconeSink.upsertOutcomes({
      record: ({ id }: Letter) => ({
        id: id.replace("/", "-"),
        values: Float32Array.from({ length: dimension }, () => 1)
      }),
      namespace: "mended"
    }),
    DeadLetter.settle(letters),
    Stream.runForEach(({ _tag }) =>
      Effect.sync(() => {
        if (_tag === "Written") written++
      })
    )
  )
  const left = yield* Stream.runCount(letters.letters)
  findings.expect(left === 0, "wrong", `${left} dead letters are left after all were mended`)
  return written
})

/** What an answer that did not come looks like. */
const lostAnswer = new Set(["TimedOut", "ConnectionFailed", "InvalidResponse"])

/** The outcomes of a corpus, each looked at as it comes. */
class Outcomes {
  readonly #seen: Uint8Array
  readonly notWritten: Array<Item> = []
  #kept = 0
  counts: Outcome.Counts = Outcome.noCounts
  readonly #isMute: boolean
  readonly #corpus: Corpus
  readonly #findings: Findings

  constructor(corpus: Corpus, findings: Findings) {
    this.#corpus = corpus
    this.#findings = findings
    this.#seen = new Uint8Array(corpus.records)
    this.#isMute = corpus.namespaces.includes(mute)
  }

  add(outcome: Told): void {
    const { n, poison } = outcome.input
    this.counts = Outcome.add(this.counts, [outcome])
    if (this.#seen[n] === 1) this.#findings.add("wrong", `element ${n} has two outcomes`)
    this.#seen[n] = 1
    if (outcome._tag !== "Written") this.notWritten.push(outcome.input)
    const problem = this.#judge(outcome)
    if (problem !== undefined) {
      this.#findings.add("unexplained", `element ${n}${poison === undefined ? "" : ` (${poison})`}: ${problem}`)
    }
  }

  #judge(outcome: Told): string | undefined {
    const { poison } = outcome.input
    switch (outcome._tag) {
      case "Written":
        if (poison !== undefined) return "is poison and was written"
        return this.#isMute ? "was never answered and is called written" : undefined
      case "Rejected": {
        const reason = outcome.error.reason._tag
        if (poison === undefined) return `is good and was rejected: ${outcome.error.message}`
        return reason === poisons[poison] ? undefined : `was rejected as ${reason}: ${outcome.error.message}`
      }
      case "Unknown":
        if (!this.#isMute) return `is unknown, though its call was repeated and answered: ${outcome.error.message}`
        return lostAnswer.has(outcome.error.reason._tag) ? undefined : `is unknown for ${outcome.error.message}`
    }
  }

  /** What came out behind the dead letters. */
  kept(_kept: DeadLetter.Passed<Item, PineconeError>): void {
    this.#kept++
  }

  end(): void {
    const { rejected, unknown, written } = this.counts
    const all = rejected + unknown + written
    this.#findings.expect(
      this.#kept === all,
      "lost",
      `${all} outcomes went into the dead letters' step, ${this.#kept} came out`
    )
    const without = this.#seen.reduce((sum, seen) => sum + (seen === 0 ? 1 : 0), 0)
    if (without > 0)
      this.#findings.add("lost", `${without} of ${this.#corpus.records} elements have no outcome`, without)
  }
}

/** Every element that was not written is a letter, with its own record and reason, and no other is. */
const checkLetters = (
  letters: ReadonlyMap<string, Letters.Letter>,
  notWritten: ReadonlyArray<Item>,
  findings: Findings
): void => {
  const left = new Map(letters)
  for (const { n, namespace, poison, record } of notWritten) {
    const id = `${namespace}/${n}`
    const letter = letters.get(id)
    left.delete(id)
    if (letter === undefined) {
      findings.add("lost", `element ${n} was not written and is no dead letter`)
      continue
    }
    const { attempts, outcome, reason } = letter
    const right =
      poison === undefined
        ? outcome === "Unknown" && lostAnswer.has(reason._tag) && attempts > 0
        : outcome === "Rejected" && reason._tag === poisons[poison] && reason.message !== ""
    findings.expect(right, "wrong", `the letter of element ${n} says ${outcome}, ${reason._tag}: ${reason.message}`)
    findings.expect(letter.record.id === record.id, "wrong", `the letter of element ${n} has another record`)
  }
  for (const id of left.keys()) findings.add("wrong", `${id} is a dead letter and was written`)
}
