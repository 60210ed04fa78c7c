import type { CircuitOpen } from "@effect-connectors/core/ConnectorError"
import * as Lookup from "@effect-connectors/core/Lookup"
import * as Pacing from "@effect-connectors/core/Pacing"
import * as Scan from "@effect-connectors/core/Scan"
import * as Telemetry from "@effect-connectors/core/Telemetry"
import * as Write from "@effect-connectors/core/Write"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as path from "node:path"
import { observed, valuesOf } from "./support/observe.ts"
import { rateLimited, refused, TestError, timedOut, unauthorized, unavailable, garbled } from "./support/TestError.ts"
import { inTime } from "./support/time.ts"

interface Row {
  readonly namespace: string
  readonly id: string
}

const row = (namespace: string, id: string): Row => ({ namespace, id })

const targetOf = (operation: string): Telemetry.Target => ({ system: "test", operation, collection: "words" })

/** A store that takes a second for a call, and refuses calls that hold `bad`. */
const destination = (fail: (call: number) => TestError | undefined = () => undefined) => {
  let calls = 0
  const store: Write.Destination<Row, Row, TestError> = {
    target: targetOf("put"),
    limits: { maxRecords: 100, maxBytes: 1000, envelopeBytes: () => 10 },
    prepare: Arr.map((input): Write.Ready<Row, Row> | Write.Refused<Row, TestError> =>
      input.id === ""
        ? { _tag: "Refused", input, error: refused() }
        : { _tag: "Ready", input, item: input, key: input.namespace, id: input.id, bytes: 7 }
    ),
    send: (_, items) =>
      Effect.suspend(() => {
        const error = fail(++calls) ?? (items.some(({ id }) => id === "bad") ? refused() : undefined)
        return Effect.andThen(Effect.sleep("1 second"), error === undefined ? Effect.void : Effect.fail(error))
      }),
    tooLarge: () => refused()
  }
  return store
}

const writeAll = (rows: ReadonlyArray<Row>, fail?: (call: number) => TestError | undefined) =>
  Stream.fromIterable(rows).pipe(
    Write.outcomes(destination(fail), { maxRecords: 2, linger: "1 hour", concurrency: 1, retry: { base: 0 } }),
    Stream.runCollect,
    (run) => inTime(run, "1 second"),
    observed
  )

/** A pacing that is asked to slow down. */
const slowDown = Effect.gen(function* () {
  const pacing = yield* Pacing.make({ system: "test" })
  const gaveUp = (reason: CircuitOpen) => new TestError({ reason })
  const call = { operation: "put", key: "n", bytes: 0, records: 1 }
  yield* Effect.exit(pacing.paced(call, Effect.fail(rateLimited()), { gaveUp }))
}).pipe(observed)

const words = (fail: (call: number) => TestError | undefined = () => undefined) => {
  let calls = 0
  const store: Lookup.Store<string, string, TestError> = {
    target: targetOf("get"),
    maxKeys: 100,
    identity: (key) => key,
    late: timedOut,
    lookup: (keys) =>
      Effect.suspend(() => {
        const error = fail(++calls)
        return Effect.andThen(
          Effect.sleep("1 second"),
          error === undefined ? Effect.succeed(keys.map((key) => Result.succeed(`${key}!`))) : Effect.fail(error)
        )
      })
  }
  return store
}

const lookUpAll = (keys: ReadonlyArray<string>, fail?: (call: number) => TestError | undefined) =>
  Stream.fromIterable(keys).pipe(
    Lookup.rows(words(fail), (key: string) => Result.succeed(key), {
      maxBatch: 2,
      concurrency: 1,
      retry: { base: 0 },
      cache: { capacity: 10, timeToLive: "1 hour" }
    }),
    Stream.runCollect,
    (run) => inTime(run, "1 second"),
    observed
  )

const scanAll = (fail: (call: number) => TestError | undefined = () => undefined) => {
  let calls = 0
  const source: Scan.Source<string, string, number, TestError> = {
    target: targetOf("list"),
    page: (split, at = 0) =>
      Effect.suspend(() => {
        const error = fail(++calls)
        return error === undefined
          ? Effect.succeed({ items: [`${split}${at}`], next: at < 1 ? at + 1 : undefined })
          : Effect.fail(error)
      })
  }
  return Scan.scan(source, ["a", "b"], { concurrency: 1, retry: { base: 0 } }).pipe(
    Stream.runCollect,
    (run) => inTime(run, "1 second"),
    observed
  )
}

const metrics = Object.values(Telemetry.metrics)
const own = metrics.flatMap((metric) => ("attribute" in metric ? [metric.attribute] : []))

describe("the metrics of a write", () => {
  it.effect("count what happened", () =>
    Effect.gen(function* () {
      const rows = ["a", "b", "bad", "c", "d", ""].map((id) => row("n", id))
      const observation = yield* writeAll(rows, (call) => (call === 1 ? unavailable() : undefined))
      assert.strictEqual(observation.value.length, rows.length)
      assert.deepStrictEqual(valuesOf(observation.metrics, own), {
        "connector.records[written]": 4,
        "connector.records[rejected]": 2,
        "connector.batches[count]": 2,
        "connector.batches[end]": 1,
        // Three envelopes and five records; a repeated or halved batch counts once.
        "connector.bytes": 65,
        "connector.batch.records": { count: 3, sum: 5, max: 2 },
        // [a b] fails and is repeated; [bad c] is refused, then each goes alone; [d].
        "connector.attempts": 6,
        "connector.retries[Unavailable]": 1,
        "connector.in_flight": 0,
        "db.client.operation.duration": { count: 3, sum: 6, max: 3 }
      })
    })
  )

  it.effect("count records of which nobody knows, and those that stopped the stream", () =>
    Effect.gen(function* () {
      const lost = yield* writeAll([row("n", "a")], () => unavailable())
      assert.deepInclude(valuesOf(lost.metrics, own), {
        "connector.records[unknown]": 1,
        "connector.attempts": 8,
        "connector.retries[Unavailable]": 7
      })
      const { metrics } = yield* Stream.make(row("n", "a"), row("n", "b")).pipe(
        Write.outcomes(destination(() => unauthorized())),
        Stream.runDrain,
        Effect.flip,
        (run) => inTime(run, "1 second"),
        observed
      )
      assert.deepInclude(valuesOf(metrics, own), { "connector.records[rejected]": 2, "connector.attempts": 1 })
    })
  )

  it.effect("show batches in flight while they are", () =>
    Effect.gen(function* () {
      let during: unknown
      const store = destination()
      yield* Stream.make(row("n", "a"), row("n", "b")).pipe(
        Write.outcomes({
          ...store,
          send: () =>
            Effect.map(Metric.snapshot, (now) => {
              during = valuesOf(now, own)["connector.in_flight"]
            })
        }),
        Stream.runDrain,
        observed
      )
      assert.strictEqual(during, 1)
    })
  )

  it.effect("of an empty stream are not there", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* writeAll([])).metrics, [])
    })
  )
})

describe("the metrics of a lookup", () => {
  it.effect("count calls, repetitions, and where answers came from", () =>
    Effect.gen(function* () {
      const { value, metrics } = yield* lookUpAll(["a", "a", "b", "a", "c"], (call) =>
        call === 2 ? unavailable() : undefined
      )
      assert.strictEqual(value.length, 5)
      assert.deepStrictEqual(valuesOf(metrics, own), {
        "connector.lookups[store]": 3,
        "connector.lookups[flight]": 1,
        "connector.lookups[cache]": 1,
        "connector.attempts": 4,
        "connector.retries[Unavailable]": 1,
        "connector.in_flight": 0,
        "db.client.operation.duration": { count: 3, sum: 4, max: 2 }
      })
    })
  )
})

describe("the metrics of a scan", () => {
  it.effect("count pages, calls and repetitions", () =>
    Effect.gen(function* () {
      const { value, metrics } = yield* scanAll((call) => (call === 2 ? unavailable() : undefined))
      assert.deepStrictEqual(value, ["a0", "a1", "b0", "b1"])
      assert.deepInclude(valuesOf(metrics, own), {
        "connector.pages": 4,
        "connector.attempts": 5,
        "connector.retries[Unavailable]": 1,
        "connector.in_flight": 0
      })
    })
  )
})

describe("spans", () => {
  it.effect("of a write are one a batch, named and described as OpenTelemetry says", () =>
    Effect.gen(function* () {
      const { spans } = yield* writeAll([row("n", "a"), row("n", "b"), row("m", "c")])
      assert.deepStrictEqual(
        spans.map(({ name, kind }) => [name, kind]),
        [
          ["put words", "client"],
          ["put words", "client"]
        ]
      )
      const common = { "db.system.name": "test", "db.operation.name": "put", "db.collection.name": "words" }
      assert.deepStrictEqual(
        spans.map(({ attributes }) => Object.fromEntries(attributes)),
        [
          { ...common, "db.namespace": "n", "db.operation.batch.size": 2 },
          { ...common, "db.namespace": "m" }
        ]
      )
      assert.isTrue(spans.every(({ status }) => status._tag === "Ended"))
    })
  )

  it.effect("are the parents of those made in their calls", () =>
    Effect.gen(function* () {
      const store = destination()
      const send: typeof store.send = (key, items) => Effect.withSpan(store.send(key, items), "POST")
      const { spans } = yield* Stream.make(row("n", "a")).pipe(
        Write.outcomes({ ...store, send }),
        Stream.runCollect,
        (run) => inTime(run, "1 second"),
        observed
      )
      const [batch, post] = spans
      assert.strictEqual(post?.name, "POST")
      assert.strictEqual(Option.getOrUndefined(post?.parent ?? Option.none()), batch)
    })
  )

  it.effect("of a lookup are one a call, with the number of keys", () =>
    Effect.gen(function* () {
      const { spans } = yield* lookUpAll(["a", "b", "b"])
      assert.deepStrictEqual(
        spans.map(({ name, kind, attributes }) => [name, kind, Object.fromEntries(attributes)]),
        [
          [
            "get words",
            "client",
            {
              "db.system.name": "test",
              "db.operation.name": "get",
              "db.collection.name": "words",
              "db.operation.batch.size": 2
            }
          ]
        ]
      )
    })
  )

  it.effect("of a scan are one a page", () =>
    Effect.gen(function* () {
      const { spans } = yield* scanAll()
      assert.strictEqual(spans.length, 4)
      assert.strictEqual(spans[0]?.name, "list words")
      assert.deepStrictEqual(Object.fromEntries(spans[0]?.attributes ?? []), {
        "db.system.name": "test",
        "db.operation.name": "list",
        "db.collection.name": "words"
      })
    })
  )
})

/** The cells of the table below a heading, without the backticks. */
const tableBelow = (heading: string) => {
  const page = fs.readFileSync(path.join(import.meta.dirname, "../../../docs/telemetry.md"), "utf8")
  const section = page.split(/^## /m).find((section) => section.startsWith(heading)) ?? ""
  const rows = section.split("\n").filter((line) => line.startsWith("|"))
  return rows.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim().replaceAll("`", ""))
  )
}

describe("docs/telemetry.md", () => {
  const documented = tableBelow("Metrics").map(([name, kind, unit, attribute, engines, meaning]) => ({
    name,
    kind,
    unit,
    attribute,
    engines,
    meaning
  }))

  it("lists every metric, with its kind, unit, attribute and meaning", () => {
    assert.deepStrictEqual(
      documented.map(({ name, kind, unit, attribute, meaning }) => ({ name, kind, unit, attribute, meaning })),
      metrics.map((metric) => ({
        name: metric.name,
        kind: metric.kind.toLowerCase(),
        unit: metric.unit,
        attribute: "attribute" in metric ? metric.attribute : "",
        meaning: metric.description
      }))
    )
  })

  it.effect("says which engine records which", () =>
    Effect.gen(function* () {
      const fail = (call: number) => (call === 1 ? unavailable() : undefined)
      const recorded = {
        write: (yield* writeAll([row("n", "a")], fail)).metrics,
        lookup: (yield* lookUpAll(["a"], fail)).metrics,
        scan: (yield* scanAll(fail)).metrics,
        pacing: (yield* slowDown).metrics
      }
      const enginesOf = (name: string) =>
        Object.entries(recorded)
          .filter(([, seen]) => seen.some(({ id }) => id === name))
          .map(([engine]) => engine)
      assert.deepStrictEqual(
        documented.map(({ name, engines }) => [name, engines]),
        metrics.map(({ name }) => [name, enginesOf(name).join(", ")])
      )
      for (const { id, type, description, attributes } of Object.values(recorded).flat()) {
        const metric = metrics.find(({ name }) => name === id)
        assert.strictEqual(type, metric?.kind)
        assert.strictEqual(description, metric?.description)
        const expected = ["db.system.name", "db.operation.name", "unit"]
        assert.sameMembers(
          Object.keys(attributes ?? {}),
          metric !== undefined && "attribute" in metric ? [...expected, metric.attribute] : expected
        )
        assert.strictEqual(attributes?.["unit"], metric?.unit)
      }
    })
  )

  it.effect("lists the attributes of spans", () =>
    Effect.gen(function* () {
      const { spans } = yield* writeAll([row("n", "a"), row("n", "b")], () => garbled())
      assert.sameMembers(
        tableBelow("Spans").map(([name]) => name ?? ""),
        [...(spans[0]?.attributes.keys() ?? [])]
      )
    })
  )
})
