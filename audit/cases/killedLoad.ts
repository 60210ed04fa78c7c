/**
 * The loading process is killed (`kill -9`) at random moments and started again with the same ledger: nothing may be
 * missing at the end, and what is sent again is at most what was in flight.
 */
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import * as Effect from "effect/Effect"
import { Findings, type Settings } from "../report.ts"
import { compareStored } from "../support/compare.ts"
import { type Corpus, items, poisons } from "../support/corpus.ts"
import * as Emulator from "../support/emulator.ts"
import * as Killer from "../support/killer.ts"
import * as Letters from "../support/letters.ts"
import { lettersIn, Told } from "../support/load.ts"
import { placesIn, Resent } from "../support/resent.ts"
import { temporary } from "../support/temporary.ts"
import { Witness } from "../support/witness.ts"

const maxRecords = 20
const concurrency = 8

/**
 * Records that may be on their way at a moment: in calls without an answer, in the one answer whose ledger is being
 * saved, and in those that wait for that, of which Effect's `Stream.mapEffect` holds 16.
 */
const window = (concurrency + 16 + 1) * maxRecords

export interface Options extends Settings {
  readonly kills: number
  readonly records: number
  /** The program that loads. */
  readonly program: string
}

export const run = Effect.fnUntraced(function* (options: Options) {
  const findings = new Findings()
  const { kills, program, records, seed } = options
  const corpus: Corpus = { seed, records, poisoned: 0.005, rewritten: 0.02, namespaces: ["first", "second"] }
  const directory = yield* temporary
  const emulator = yield* Emulator.start()
  yield* emulator.plan(
    FaultPlan.make(
      [
        { name: "throttled", operations: ["upsert"], when: FaultPlan.probability(0.05), fault: FaultPlan.throttle() },
        { name: "reset", operations: ["upsert"], when: FaultPlan.probability(0.05), fault: FaultPlan.reset("after") }
      ],
      { seed }
    )
  )

  let sent = 0
  const resent = new Resent<number>("sent", window, findings)
  const ended = yield* Killer.run(Told, {
    seed,
    kills,
    callsPerRun: Math.floor((1.5 * records) / maxRecords / (kills + 1)),
    host: emulator.host,
    counts: ({ path }) => path.endsWith("/vectors/upsert"),
    arrived: (run, call) => {
      const places = placesIn(call)
      sent += places.length
      resent.sent(run, places)
    },
    after: resent.check,
    program: (host) => ({ program, argument: { host, directory, corpus, maxRecords, concurrency } }),
    findings
  })
  if (ended.result?._tag === "Some") {
    const { done, resumedAt, skipped } = ended.result.value
    const all = resumedAt + skipped + done
    findings.expect(all === records, "lost", `${all} of ${records} elements were done in the end`)
  }
  checkLetters(corpus, directory, findings)
  const { fired } = yield* emulator.calm
  findings.faults(fired)
  findings.everyFaultFired()
  findings.records(records)
  findings.resent(resent.total)
  findings.measured({
    kills: ended.killed,
    mostResentAfterAKill: resent.most,
    window,
    recordsSent: sent
  })
  yield* compareStored(emulator, corpus, findings)
  yield* Effect.flatMap(Witness, ({ seeFiles }) => seeFiles(directory))
  return findings
})

/** Poison is kept, whenever the process was killed, and nothing else is. */
const checkLetters = (corpus: Corpus, directory: string, findings: Findings): void => {
  const { byId } = Letters.read(lettersIn(directory))
  const kept = new Map(byId)
  for (const { n, poison } of items(corpus)) {
    if (poison === undefined) continue
    const letter = byId.get(String(n))
    kept.delete(String(n))
    if (letter === undefined) findings.add("lost", `element ${n} is poison (${poison}) and no dead letter`)
    else {
      const { _tag } = letter.reason
      findings.expect(_tag === poisons[poison], "wrong", `the letter of element ${n} (${poison}) says ${_tag}`)
    }
  }
  for (const id of kept.keys()) findings.add("wrong", `element ${id} is good and a dead letter`)
}
