/**
 * An exporting and a migrating process are killed (`kill -9`) at random moments and started again: the file has each
 * record once, the copy has each record, and what is read or written again is at most what was in flight.
 */
import * as FaultPlan from "@effect-connectors/testkit/FaultPlan"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as path from "node:path"
import * as readline from "node:readline"
import { Findings, type Settings } from "../report.ts"
import { compareStored, isAsSent } from "../support/compare.ts"
import { type Corpus, expected } from "../support/corpus.ts"
import * as Emulator from "../support/emulator.ts"
import * as Killer from "../support/killer.ts"
import { placesIn, Resent } from "../support/resent.ts"
import { temporary } from "../support/temporary.ts"
import { Witness } from "../support/witness.ts"

export interface Options extends Settings {
  readonly kills: number
  readonly records: number
  readonly exporter?: string | undefined
  readonly migrator?: string | undefined
}

/** Records of a fetch and of an upsert. */
const batch = 100

/** Fetches in flight, the page whose ledger is being saved, and those that Effect's `Stream.mapEffect` holds for it. */
const exportWindow = (8 + 16 + 1) * batch

const maxOpen = 6

const namespaces = ["first", "second"]

/** Open pages of each namespace, and one of each that is being read. */
const migrateWindow = namespaces.length * (maxOpen + 1) * batch

const flaky = (seed: number, ...operations: readonly [string, ...ReadonlyArray<string>]) =>
  FaultPlan.make(
    [
      { name: `${operations[0]}: 503`, operations, when: FaultPlan.probability(0.04), fault: FaultPlan.status(503) },
      { name: `${operations[0]}: reset`, operations, when: FaultPlan.probability(0.04), fault: FaultPlan.reset("body") }
    ],
    { seed }
  )

export const run = Effect.fnUntraced(function* (options: Options) {
  const findings = new Findings()
  const { records, seed } = options
  const corpus: Corpus = { seed, records, poisoned: 0, rewritten: 0, namespaces }
  const source = yield* Emulator.start()
  yield* source.fill(corpus)
  const directory = yield* temporary
  yield* exported(options, corpus, source, directory, findings)
  yield* migrated(options, corpus, source, directory, findings)
  findings.everyFaultFired()
  yield* Effect.flatMap(Witness, ({ seeFiles }) => seeFiles(directory))
  return findings
})

const Fetch = /\/vectors\/fetch\?/

const exported = Effect.fnUntraced(function* (
  { exporter = "exporter.ts", kills, seed }: Options,
  corpus: Corpus,
  source: Emulator.Emulator,
  directory: string,
  findings: Findings
) {
  const file = path.join(directory, "export.ndjson")
  const resent = new Resent<string>("read", exportWindow, findings)
  yield* source.plan(flaky(seed, "fetch", "list"))
  const ended = yield* Killer.run(Schema.Struct({ records: Schema.Int, recordsBefore: Schema.Int }), {
    seed,
    kills,
    callsPerRun: Math.floor((1.5 * corpus.records) / batch / (kills + 1)),
    host: source.host,
    counts: ({ path }) => Fetch.test(path),
    arrived: (run, { path }) => {
      const query = new URL(path, "http://x").searchParams
      const namespace = query.get("namespace")
      resent.sent(
        run,
        query.getAll("ids").map((id) => `${namespace}/${id}`)
      )
    },
    after: resent.check,
    program: (host) => ({ program: exporter, argument: { host, file, ledger: path.join(directory, "export-ledger") } }),
    findings
  })
  findings.faults((yield* source.calm).fired)
  findings.records(corpus.records)
  findings.resent(resent.total)
  const told = Option.getOrUndefined(ended.result ?? Option.none())
  findings.expect(
    told?.records === corpus.records,
    "lost",
    `the export tells of ${told?.records} records of ${corpus.records}`
  )
  yield* Effect.promise(() => checkFile(file, corpus, findings))
  findings.measured({ exportKills: ended.killed, mostReadAgain: resent.most, exportWindow })
})

const Line = Schema.fromJsonString(
  Schema.Struct({
    namespace: Schema.String,
    id: Schema.String,
    values: Schema.Array(Schema.Number),
    metadata: Schema.Record(Schema.String, Schema.Unknown)
  })
)
const decodeLine = Schema.decodeUnknownOption(Line)

/** Every record once, with its content, sorted by namespace and id. */
const checkFile = async (file: string, corpus: Corpus, findings: Findings): Promise<void> => {
  const missing = new Map(Array.from(expected(corpus), ([name, ids]) => [name, new Map(ids)]))
  let last = ""
  for await (const text of readline.createInterface(fs.createReadStream(file))) {
    const line = decodeLine(text)
    if (Option.isNone(line)) {
      findings.add("wrong", `the export has a line that is no record: ${text.slice(0, 80)}`)
      continue
    }
    const { id, namespace } = line.value
    const n = missing.get(namespace)?.get(id)
    if (n === undefined) findings.add("wrong", `the export has ${namespace}/${id} twice, or nobody wrote it`)
    else if (!isAsSent(corpus, n, line.value)) findings.add("wrong", `the export has other content for ${id}`)
    missing.get(namespace)?.delete(id)
    findings.expect(last < `${namespace}/${id}`, "wrong", `the export is not in order at ${namespace}/${id}`)
    last = `${namespace}/${id}`
  }
  for (const [name, ids] of missing) {
    if (ids.size > 0) findings.add("lost", `${ids.size} records of namespace ${name} are not in the export`, ids.size)
  }
}

const Report = Schema.Struct({
  records: Schema.Int,
  notWritten: Schema.Int,
  comparison: Schema.Struct({ missing: Schema.Int, different: Schema.Int, extra: Schema.Int })
})

const migrated = Effect.fnUntraced(function* (
  { kills, migrator = "migrator.ts", seed }: Options,
  corpus: Corpus,
  source: Emulator.Emulator,
  directory: string,
  findings: Findings
) {
  const target = yield* Emulator.start()
  yield* target.plan(flaky(seed, "upsert"))
  const resent = new Resent<number>("wrote", migrateWindow, findings)
  const ended = yield* Killer.run(Report, {
    seed: seed + 1,
    kills,
    callsPerRun: Math.floor((1.5 * corpus.records) / batch / (kills + 1)),
    host: target.host,
    counts: ({ path }) => path.endsWith("/vectors/upsert"),
    arrived: (run, call) => resent.sent(run, placesIn(call)),
    after: resent.check,
    program: (to) => ({
      program: migrator,
      argument: { from: source.host, to, ledger: path.join(directory, "migrate-ledger"), maxOpen }
    }),
    findings
  })
  findings.faults((yield* target.calm).fired)
  findings.records(corpus.records)
  findings.resent(resent.total)
  const told = Option.getOrUndefined(ended.result ?? Option.none())
  findings.expect(
    told !== undefined && told.comparison.missing + told.comparison.different + told.comparison.extra === 0,
    "wrong",
    `the migration's own comparison says ${JSON.stringify(told)}`
  )
  yield* compareStored(target, corpus, findings)
  findings.measured({ migrateKills: ended.killed, mostWrittenAgain: resent.most, migrateWindow })
})
