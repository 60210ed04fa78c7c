import { RequestRefused, Unauthorized } from "@effect-connectors/core/ConnectorError"
import { PineconeDocumentIndex, PineconeError } from "@effect-connectors/pinecone"
import { PineconeDocumentMemory } from "@effect-connectors/testkit"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it, layer } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Corpora from "./corpora.ts"
import { declare, run } from "./documents.ts"
import { type DocumentsReport, print, type Rankings, rankings } from "./documentsReport.ts"
import { Encoder } from "./encoders.ts"
import * as Stores from "./stores.ts"

const text = (id: string, name: string, words: string): Corpora.Text => ({ id, text: words, metadata: { name } })

const animals: Corpora.Corpus = {
  name: "animals",
  texts: [
    text("1", "kennel", "outdoor shelter for a dog"),
    text("2", "piano", "a musical instrument with keys"),
    text("3", "violin", "a small instrument with four strings"),
    text("4", "rain", "water falling in drops from clouds"),
    text("5", "tax", "money that a government takes"),
    text("6", "theorem", "a proposition that can be proved"),
    text("7", "beach", "sand at the edge of the sea")
  ],
  questions: ["puppies were sheltering", "kennels", "the of and", "cash for the state"],
  pairs: [
    { question: "puppies were sheltering", answerId: "1" },
    { question: "cash for the state", answerId: "5" }
  ]
}

const idsOf = (report: DocumentsReport, question: string, ranking: keyof Rankings) =>
  report.questions.find((asked) => asked.question === question)?.[ranking].map(({ id }) => id)

/** The documents in memory, where searches by words fail for a reason, all or those of some words. */
const failingWords = (reason: PineconeError["reason"], fails: (words: string) => boolean = () => true) =>
  Layer.effect(
    PineconeDocumentIndex,
    Effect.gen(function* () {
      const index = yield* PineconeDocumentIndex
      return {
        ...index,
        search: (request) =>
          request.scoreBy[0]?.type === "text" && fails(request.scoreBy[0].query)
            ? Effect.fail(new PineconeError({ operation: "search", reason }))
            : index.search(request)
      }
    })
  ).pipe(Layer.provide(Stores.documents("memory")))

// On the real clock, which sockets need.
layer(Layer.provideMerge(Encoder.glove, NodeFileSystem.layer), { excludeTestServices: true })("documents", (it) => {
  it.effect("are found by stems of words in names and texts, by meaning, and by both", () =>
    Effect.gen(function* () {
      const report = yield* run(animals, "memory")
      assert.deepStrictEqual(report.outcomes, { written: 7, rejected: 0, unknown: 0 })
      assert.strictEqual(report.recallAt5, 1)
      assert.deepStrictEqual(report.questions[0]?.expected, { id: "1", name: "kennel" })
      assert.isUndefined(report.questions[1]?.expected)

      assert.deepStrictEqual(idsOf(report, "puppies were sheltering", "words"), ["1"])
      assert.deepStrictEqual(idsOf(report, "kennels", "words"), ["1"])
      for (const { both, meaning } of report.questions) {
        assert.lengthOf(meaning, 5)
        assert.lengthOf(both, 5)
      }
      assert.deepStrictEqual(idsOf(report, "cash for the state", "words"), [])
      assert.strictEqual(idsOf(report, "cash for the state", "meaning")?.[0], "5")
      assert.strictEqual(idsOf(report, "puppies were sheltering", "both")?.[0], "1")
      assert.deepStrictEqual(report.rightAnswerInFirst5, {
        words: { found: 1, of: 2, share: 1 / 2 },
        meaning: { found: 2, of: 2, share: 1 },
        both: { found: 2, of: 2, share: 1 }
      })
    }).pipe(Effect.provide(Stores.documents("memory")))
  )

  it.effect("a question of stop words alone finds nothing by words, and ends nothing", () =>
    Effect.gen(function* () {
      const report = yield* run(animals, "memory")
      assert.deepStrictEqual(idsOf(report, "the of and", "words"), [])
      assert.deepStrictEqual(idsOf(report, "the of and", "both"), idsOf(report, "the of and", "meaning"))
    }).pipe(Effect.provide(Stores.documents("memory")))
  )

  const refused = new RequestRefused({ detail: "no such query" })

  it.effect("words that the store refuses find nothing, and are counted", () =>
    Effect.gen(function* () {
      const report = yield* run(animals, "memory")
      assert.strictEqual(report.refusedQueries, 1)
      assert.deepStrictEqual(idsOf(report, "kennels", "words"), [])
      assert.deepStrictEqual(idsOf(report, "kennels", "both"), idsOf(report, "kennels", "meaning"))
      assert.deepStrictEqual(idsOf(report, "puppies were sheltering", "words"), ["1"])
    }).pipe(Effect.provide(failingWords(refused, (words) => words === "kennels")))
  )

  it.effect("a store that refuses all of them ends it: that is not for their words", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(run(animals, "memory"))
      assert.include(error.message, "no such query")
    }).pipe(Effect.provide(failingWords(refused)))
  )

  it.effect("any other failure ends it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(run(animals, "memory"))
      assert.include(error.message, "not authorized")
    }).pipe(Effect.provide(failingWords(new Unauthorized({ detail: "no" }))))
  )

  it.effect("memory and the emulator, through the official SDK, find the same", () =>
    Effect.gen(function* () {
      const some = Corpora.take(yield* Corpora.webFeatures, 400)
      const corpus = { ...some, questions: some.pairs.map(({ question }) => question) }
      const inMemory = yield* run(corpus, "memory").pipe(Effect.provide(Stores.documents("memory")))
      const emulated = yield* run(corpus, "emulator").pipe(Effect.provide(Stores.documents("emulator")))
      assert.isAtLeast(corpus.pairs.length, 10)
      // JSON has as many digits as give the same float32.
      const rounded = ({ questions }: DocumentsReport) =>
        questions.map((asked) =>
          rankings.map((ranking) =>
            asked[ranking].map((found) => ({ ...found, score: Math.fround(found.score ?? NaN) }))
          )
        )
      assert.deepStrictEqual(rounded(emulated), rounded(inMemory))
      assert.deepStrictEqual(emulated.rightAnswerInFirst5, inMemory.rightAnswerInFirst5)
      for (const { outcomes, questions, recallAt5, rightAnswerInFirst5 } of [inMemory, emulated]) {
        assert.deepStrictEqual(outcomes, { written: 400, rejected: 0, unknown: 0 })
        assert.strictEqual(recallAt5, 1)
        for (const ranking of rankings) {
          const found = questions.filter((asked) => asked[ranking].some(({ id }) => id === asked.expected?.id))
          assert.strictEqual(rightAnswerInFirst5[ranking].found, found.length)
          assert.strictEqual(rightAnswerInFirst5[ranking].of, corpus.pairs.length)
        }
        for (const { id, name, text } of questions.flatMap(({ both }) => both)) {
          const stored = corpus.texts.find((stored) => stored.id === id)
          assert.deepStrictEqual({ name, text }, { name: stored?.metadata["name"], text: stored?.text })
        }
      }
    })
  )

  it.effect("says how the index differs from what is declared", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(run(animals, "memory"))
      assert.include(error.message, "dense vector of 3 numbers (cosine)")
    }).pipe(Effect.provide(PineconeDocumentMemory.layer(declare(3))))
  )

  it.effect("need a live index's name: by its address it can not be compared", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(Effect.scoped(Layer.build(Stores.documents("pinecone"))))
      assert.include(message, "--store pinecone needs PINECONE_API_KEY and PINECONE_INDEX in the environment")
    }).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ PINECONE_INDEX_HOST: "https://a.b" }))))
  )
})

describe("the three rankings, as people see them", () => {
  const found = (id: string, name: string) => ({ id, score: 1, name, text: "" })
  const report: DocumentsReport = {
    plane: "documents",
    store: "memory",
    corpus: "test",
    encoder: "test",
    dimension: 2,
    records: 3,
    outcomes: { written: 3, rejected: 0, unknown: 0 },
    questions: [
      {
        question: `where ${"is it ".repeat(20)}`,
        expected: { id: "b", name: "bee" },
        words: [],
        meaning: [found("a", "a".repeat(99)), found("b", "bee")],
        both: [found("b", "bee")]
      }
    ],
    embedSeconds: 1,
    loadSeconds: 2,
    recordsPerSecond: 500,
    recallAt5: 1,
    mergedFirst: 50,
    refusedQueries: 0,
    rightAnswerInFirst5: {
      words: { found: 0, of: 12, share: 0 },
      meaning: { found: 12, of: 12, share: 1 },
      both: { found: 4, of: 12, share: 1 / 3 }
    }
  }
  const linesOf = (columns: number, color = false) => print(report, { columns, color }).split("\n")

  it.each([110, 80, 60, 59, 40])("fit %i columns", (columns) => {
    const lines = linesOf(columns)
    assert.deepStrictEqual(
      lines.filter(({ length }) => length > columns),
      []
    )
    assert.include(lines, "  words         0    0 %")
    assert.include(lines, "  meaning      12  100 %")
    assert.include(lines, "  both          4   33 %")
  })

  it("are side by side, the expected answer marked without colours", () => {
    assert.deepStrictEqual(linesOf(60).slice(3, 7), [
      "expected: bee",
      "  words               meaning             both",
      "  (nothing)           aaaaaaaaaaaaa...  * bee",
      "                    * bee"
    ])
    assert.include(linesOf(60, true)[5], "\u001b[1m* bee")
    assert.notInclude(linesOf(60).join("\n"), "\u001b")
  })

  it("are one below the other where it is narrow", () => {
    const lines = linesOf(40)
    const start = lines.indexOf("  words")
    assert.deepStrictEqual(lines.slice(start, start + 7), [
      "  words",
      "    (nothing)",
      "  meaning",
      `    ${"a".repeat(33)}...`,
      "  * bee",
      "  both",
      "  * bee"
    ])
  })

  it("are not rated when no answer is known", () => {
    const none = { found: 0, of: 0, share: 0 }
    const unrated = { ...report, rightAnswerInFirst5: { words: none, meaning: none, both: none } }
    assert.include(print(unrated, { columns: 80, color: false }), "not rated")
  })
})

describe.concurrent("the command", () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url))

  const demo = (...args: ReadonlyArray<string>) =>
    Effect.promise(
      () =>
        new Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>((resolve) => {
          execFile(
            process.execPath,
            ["--conditions=@effect-connectors/source", main, "--plane", "documents", ...args],
            (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, stdout, stderr })
          )
        })
    )

  it.live("--plane documents --json prints one object and nothing else on stdout", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* demo(
        ...["--corpus", "large", "--limit", "2500", "--store", "emulator", "--json"]
      )
      assert.strictEqual(code, 0)
      const report: unknown = JSON.parse(stdout)
      assert.deepInclude(report, {
        plane: "documents",
        store: "emulator",
        outcomes: { written: 2_500, rejected: 0, unknown: 0 },
        recallAt5: 1
      })
      assert.containsAllKeys(report, ["questions", "rightAnswerInFirst5"])
      assert.include(stderr, "into: the emulator through the official SDK")
      assert.include(stderr, "2,500 of 2,500 (100 %)")
    })
  )

  it.live("--transport grpc is nothing for documents", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* demo("--store", "emulator", "--transport", "grpc")
      assert.strictEqual(code, 1)
      assert.strictEqual(stdout, "")
      assert.include(stderr, "documents travel by REST alone")
    })
  )
})
