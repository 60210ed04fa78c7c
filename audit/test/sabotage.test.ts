/** The audit can fail: it notices when the pipeline is broken on purpose. */
import * as DeadLetter from "@effect-connectors/core/DeadLetter"
import * as Outcome from "@effect-connectors/core/Outcome"
import { PineconeIndex } from "@effect-connectors/pinecone/PineconeIndex"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as path from "node:path"
import * as BadInput from "../cases/badInput.ts"
import * as Delivery from "../cases/delivery.ts"
import * as KilledCopies from "../cases/killedCopies.ts"
import * as KilledLoad from "../cases/killedLoad.ts"
import * as Memory from "../cases/memory.ts"
import type { CaseReport, Findings } from "../report.ts"
import { secrets, Witness } from "../support/witness.ts"

/** The report of a delivery with broken parts, and where the witness saw a secret. */
const delivered = (broken: Partial<Delivery.Parts>) =>
  Effect.gen(function* () {
    const findings = yield* Delivery.run({
      seed: 11,
      form: "short",
      records: 800,
      poisoned: 0.02,
      rare: 2,
      parts: { ...Delivery.parts, ...broken }
    })
    const { leaks } = yield* Witness
    return { ...findings.report("delivery", 0), leaks }
  }).pipe(Effect.scoped, Effect.provide(Witness.recorded))

/** The layer with calls that do something else. */
const changed =
  (change: (index: PineconeIndex["Service"]) => Partial<PineconeIndex["Service"]>): Delivery.Parts["layer"] =>
  (host) =>
    Layer.effect(
      PineconeIndex,
      Effect.map(PineconeIndex, (index) => ({ ...index, ...change(index) }))
    ).pipe(Layer.provide(Delivery.parts.layer(host)))

/** The write step with outcomes that are told otherwise. */
const told =
  (change: (outcome: Delivery.Told) => ReadonlyArray<Delivery.Told>): Delivery.Parts["write"] =>
  (retry) =>
  (elements) =>
    Delivery.parts.write(retry)(elements).pipe(Stream.map(change), Stream.flattenIterable)

const programs = path.join(import.meta.dirname, "programs")

/** The report of a case. */
const reportOf = <E>(run: Effect.Effect<Findings, E, Scope.Scope | Witness>) =>
  run.pipe(
    Effect.map((findings) => findings.report("case", 0)),
    Effect.scoped,
    Effect.provide(Witness.layer)
  )

const says = ({ ok, problems }: CaseReport, problem: RegExp): void => {
  assert.isFalse(ok)
  assert.match(problems.join("\n"), problem)
}

describe("delivery", () => {
  it.live("notices an outcome that is dropped", () =>
    Effect.map(delivered({ write: told((outcome) => (outcome.input.n === 7 ? [] : [outcome])) }), (report) => {
      says(report, /lost: 1 of 800 elements have no outcome/)
      assert.strictEqual(report.lost, 2) // one in each of the two streams
    })
  )

  it.live("notices an outcome that is given twice", () =>
    Effect.map(
      delivered({ write: told((outcome) => (outcome.input.n === 7 ? [outcome, outcome] : [outcome])) }),
      (report) => says(report, /wrong: element 7 has two outcomes/)
    )
  )

  it.live("notices that a call was not repeated", () =>
    Effect.map(delivered({ write: () => Delivery.parts.write({ maxAttempts: 1 }) }), (report) =>
      says(report, /unexplained: element \d+: (is good and was rejected|is unknown, though)/)
    )
  )

  it.live("notices records that are called written before they are", () =>
    Effect.map(
      delivered({
        layer: changed((index) => ({
          upsert: (request) => Effect.as(Effect.forkDetach(Effect.ignore(index.upsert(request))), {})
        }))
      }),
      (report) => {
        says(report, /is not stored|is poison and was written/)
        assert.isAbove(report.lost, 0)
      }
    )
  )

  it.live("notices records that are stored with the content of others", () =>
    Effect.map(
      delivered({
        layer: changed((index) => ({
          encode: (record) => index.encode({ ...record, ...(record.id.endsWith("77") ? { metadata: {} } : {}) })
        }))
      }),
      (report) => says(report, /wrong: record-\d+77 has not the content/)
    )
  )

  it.live("notices a poison record that is swallowed", () =>
    Effect.map(
      delivered({
        write: told((outcome) => [outcome._tag === "Rejected" ? Outcome.written(outcome.input) : outcome])
      }),
      (report) => says(report, /unexplained: element \d+ \(\w+\): is poison and was written/)
    )
  )

  it.live("notices a poison record that no dead letter tells of", () =>
    Effect.map(
      delivered({
        divert: () =>
          Stream.map((outcome) =>
            outcome._tag === "Written" ? outcome : DeadLetter.deadLettered(outcome.input, "nowhere")
          )
      }),
      (report) => says(report, /lost: element \d+ was not written and is no dead letter/)
    )
  )

  it.live("notices that an answer was lost and the record is called written", () =>
    Effect.map(
      delivered({ write: told((outcome) => [outcome._tag === "Unknown" ? Outcome.written(outcome.input) : outcome]) }),
      (report) => says(report, /was never answered and is called written/)
    )
  )

  it.live("notices a key in a log line", () =>
    Effect.map(
      delivered({
        layer: changed((index) => ({
          upsert: (request) => Effect.tap(index.upsert(request), Effect.logDebug(`Api-Key: ${secrets.pineconeKey}`))
        }))
      }),
      ({ leaks }) =>
        assert.include(
          Arr.head(leaks).pipe((first) => JSON.stringify(first)),
          "pineconeKey"
        )
    )
  )
})

describe("killed-load", () => {
  const loaded = (program: string) =>
    reportOf(
      KilledLoad.run({ seed: 5, form: "short", kills: 2, records: 2_000, program: path.join(programs, program) })
    )

  it.live("notices records that are acknowledged before their outcome", () =>
    Effect.map(loaded("hasty.ts"), (report) => {
      says(report, /lost: record-\d+ of namespace \w+ is not stored/)
      assert.isAbove(report.lost, 0)
    })
  )

  it.live("notices poison that is acknowledged and not kept", () =>
    Effect.map(loaded("careless.ts"), (report) =>
      says(report, /lost: element \d+ is poison \(\w+\) and no dead letter/)
    )
  )

  it.live("notices that nothing is acknowledged", () =>
    Effect.map(loaded("forgetful.ts"), (report) => says(report, /sent \d+ records again, more than/))
  )
})

describe("killed-copies", () => {
  const copied = (of: { readonly exporter?: string; readonly migrator?: string }) =>
    reportOf(KilledCopies.run({ seed: 3, form: "short", kills: 1, records: 2_500, ...of }))

  it.live("notices records of a migration that are acknowledged before they are written", () =>
    Effect.map(copied({ migrator: path.join(programs, "hastyMigrator.ts") }), (report) => {
      says(report, /is not stored|comparison|ended with/)
      assert.isAbove(report.lost + report.unexplained, 0)
    })
  )

  it.live("notices a record that is in an export twice", () =>
    Effect.map(copied({ exporter: path.join(programs, "doublingExporter.ts") }), (report) =>
      says(report, /wrong: the export has first\/record-\d+ twice/)
    )
  )
})

describe("memory", () => {
  const watched = (of: Partial<Memory.Options>) =>
    reportOf(
      Memory.run({
        seed: 3,
        form: "short",
        records: 2_000,
        dimension: 8,
        heap: 256,
        soakSeconds: 2,
        perSecond: 50,
        compare: false,
        alone: (effect) => effect,
        ...of
      })
    )

  it.live("notices a program that keeps what it wrote", () =>
    Effect.map(watched({ loader: path.join(programs, "hoarder.ts"), records: 40_000, compare: true }), (report) =>
      says(report, /wrong: resident memory is [\d.]+ MB at the end and was [\d.]+ MB|memoryLoader|heap/)
    )
  )

  it.live("notices a fiber and a listener that are left", () =>
    Effect.map(watched({ soaker: path.join(programs, "leakySoak.ts") }), (report) => {
      says(report, /1 fibers are left/)
      says(report, /1 listeners are left/)
    })
  )
})

describe("bad-input", () => {
  it.live.each([
    [0, /a bad decoder, input 3: a defect: TypeError: x is not a function/],
    [1, /a bad decoder, input 3: an error of another kind: no tag: just a text/],
    [2, /it hangs at a bad decoder, from input 0/],
    [3, /it crashed at a bad decoder, from input 0: .* ended with 7/],
    [4, /a bad decoder, input 3: the prototype of all objects was changed/]
  ] as const)("notices bad decoder %d", ([seed, problem]) =>
    Effect.map(
      reportOf(
        BadInput.run({
          seed,
          form: "short",
          inputs: 10,
          hangSeconds: 5,
          program: path.join(programs, "badDecoders.ts")
        })
      ),
      (report) => says(report, problem)
    )
  )
})
