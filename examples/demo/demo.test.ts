import { PineconeMemory } from "@effect-connectors/testkit"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type ChildProcess, execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Corpora from "./corpora.ts"
import { run } from "./demo.ts"
import { Encoder } from "./encoders.ts"
import * as Glove from "./glove.ts"
import { bar, describe as describeProgress } from "./progress.ts"
import { recall } from "./recall.ts"
import { print, type Report } from "./report.ts"

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

layer(NodeFileSystem.layer)("corpora", (it) => {
  const usable = (corpus: Corpora.Corpus) => {
    const ids = new Set(corpus.texts.map((text) => text.id))
    assert.strictEqual(ids.size, corpus.texts.length)
    assert.deepStrictEqual(
      corpus.texts.filter(({ text }) => text.trim() === ""),
      []
    )
    assert.isAtLeast(corpus.pairs.length, 50)
    assert.deepStrictEqual(
      corpus.pairs.filter(({ answerId }) => !ids.has(answerId)),
      []
    )
    assert.strictEqual(new Set(corpus.pairs.map(({ question }) => question)).size, corpus.pairs.length)
    assert.isAtLeast(corpus.questions.length, 5)
  }

  it.effect("web-features: descriptions with questions whose answers are there", () =>
    Effect.gen(function* () {
      const corpus = yield* Corpora.webFeatures
      usable(corpus)
      assert.strictEqual(corpus.texts.length, 1_204)
      assert.include(corpus.texts.find(({ id }) => id === "audio")?.text, "plays sound")
    })
  )

  it.effect("wordnet: definitions without their examples", () =>
    Effect.gen(function* () {
      const corpus = yield* Corpora.wordnet
      usable(corpus)
      assert.strictEqual(corpus.texts.length, 117_791)
      assert.deepStrictEqual(
        corpus.texts.find(({ id }) => id === "n00003553"),
        {
          id: "n00003553",
          text: "an assemblage of parts that is regarded as a single entity",
          metadata: { name: "whole", lemmas: ["whole", "unit"], partOfSpeech: "noun" }
        }
      )
    })
  )

  it.effect("take keeps the pairs and questions whose answer is kept", () =>
    Effect.gen(function* () {
      const corpus = yield* Corpora.webFeatures
      const position = corpus.texts.findIndex(({ id }) => id === "audio")
      assert.isFalse(Corpora.take(corpus, position).pairs.some(({ answerId }) => answerId === "audio"))
      const kept = Corpora.take(corpus, position + 1)
      assert.isTrue(kept.pairs.some(({ answerId }) => answerId === "audio"))
      assert.isNotEmpty(kept.questions)
      assert.deepStrictEqual(Corpora.take(corpus, 1).questions, corpus.questions)
      assert.isTrue(kept.questions.every((asked) => kept.pairs.some(({ question }) => question === asked)))
    })
  )
})

layer(NodeFileSystem.layer)("GloVe", (it) => {
  it.effect("knows which words are near", () =>
    Effect.gen(function* () {
      const glove = yield* Glove.load
      const words = [...glove.rows.keys()]
      assert.strictEqual(words.length, 50_000)
      const vectorOf = (row: number) =>
        Glove.normalize(Float32Array.from(glove.codes.subarray(row * Glove.dimension, (row + 1) * Glove.dimension)))
      const nearest = (word: string) => {
        const vector = vectorOf(glove.rows.get(word)!)
        return words
          .map((other, row) => ({ other, score: dot(vector, vectorOf(row)) }))
          .sort((a, b) => b.score - a.score)
          .slice(1, 6)
          .map(({ other }) => other)
      }
      assert.include(nearest("frog"), "toad")
      assert.include(nearest("paris"), "france")
    })
  )

  it.effect("gives vectors of length 1, also for unknown words, in the order of the texts", () =>
    Effect.gen(function* () {
      const encoder = yield* Encoder
      const texts = ["a small dog", "whydahs", "a little puppy", "!?", "rules of grammar"]
      const vectors = yield* encoder.embed(texts)
      for (const vector of vectors) assert.closeTo(Math.sqrt(dot(vector, vector)), 1, 1e-5)
      const [dog, , puppy, , grammar] = vectors
      assert.isAbove(dot(dog!, puppy!), dot(dog!, grammar!) + 0.3)
      assert.deepStrictEqual((yield* encoder.embed(texts.slice(2)))[0], puppy)
    }).pipe(Effect.provide(Encoder.glove))
  )
})

// On the real clock, which measures the load.
layer(Encoder.useLite, { timeout: 30_000, excludeTestServices: true })("Universal Sentence Encoder", (it) => {
  it.effect("gives vectors of length 1 that are near for texts that mean the same", () =>
    Effect.gen(function* () {
      const { embed } = yield* Encoder
      const vectors = yield* embed(["How old are you?", "What is your age?", "Quantum field theory is hard"])
      for (const vector of vectors) assert.closeTo(Math.sqrt(dot(vector, vector)), 1, 1e-3)
      assert.isAbove(dot(vectors[0]!, vectors[1]!), 0.7)
      assert.isBelow(dot(vectors[0]!, vectors[2]!), 0.4)
    })
  )

  it.effect("refuses blank texts, for which the model would give no vector", () =>
    Effect.gen(function* () {
      const { embed } = yield* Encoder
      const error = yield* Effect.flip(embed(["hello", " "]))
      assert.include(error.message, "text 1 of 2 is blank")
      assert.deepStrictEqual(yield* embed([]), [])
    })
  )

  it.effect("the demo, on a few texts", () =>
    Effect.gen(function* () {
      const corpus = Corpora.take(yield* Corpora.webFeatures, 60)
      const report = yield* run(corpus, "memory")
      assert.strictEqual(report.records, 60)
      assert.deepStrictEqual(report.outcomes, { written: 60, rejected: 0, unknown: 0 })
      assert.strictEqual(report.recallAt5, 1)
      assert.strictEqual(report.rightAnswerInFirst5.of, corpus.pairs.length)
      assert.deepStrictEqual(
        report.questions.map(({ question }) => question),
        corpus.questions
      )
      for (const { matches } of report.questions) {
        assert.strictEqual(matches.length, 5)
        assert.deepStrictEqual(
          matches.map(({ score }) => score),
          matches.map(({ score }) => score).sort((a, b) => b - a)
        )
        for (const { id, text } of matches) {
          assert.strictEqual(text, corpus.texts.find((stored) => stored.id === id)?.text)
        }
      }
      assert.isAtMost(report.embedSeconds, report.loadSeconds + 0.01)
    }).pipe(Effect.provide(PineconeMemory.layer))
  )

  it.effect("says what is wrong when the index is made for another model", () =>
    Effect.gen(function* () {
      const corpus = Corpora.take(yield* Corpora.webFeatures, 1)
      const error = yield* Effect.flip(run(corpus, "memory"))
      assert.include(error.message, "use an index of dimension 512")
    }).pipe(Effect.provide(PineconeMemory.layerWith({ dimension: 3 })))
  )
})

describe("recall", () => {
  const vectors = new Map(
    [0, 1, 2, 3, 4, 5].map((i) => [`v${i}`, new Float32Array([Math.cos(i / 10), Math.sin(i / 10)])])
  )
  const question = new Float32Array([1, 0])

  it("is the share of the nearest that was found", () => {
    assert.strictEqual(recall(vectors, question, ["v0", "v1"], 2), 1)
    assert.strictEqual(recall(vectors, question, ["v0", "v5"], 2), 0.5)
    assert.strictEqual(recall(vectors, question, ["v4", "v5"], 2), 0)
  })

  it("does not flatter short, repeated or invented answers", () => {
    assert.strictEqual(recall(vectors, question, ["v0"], 4), 0.25)
    assert.strictEqual(recall(vectors, question, ["v0", "v0"], 2), 0.5)
    assert.strictEqual(recall(vectors, question, ["v9", "v0"], 2), 0.5)
  })

  it("takes any of equals", () => {
    const twins = new Map([...vectors, ["twin", vectors.get("v1")!]])
    assert.strictEqual(recall(twins, question, ["v0", "twin"], 2), 1)
  })
})

describe("what people see", () => {
  const snapshot = {
    written: 312,
    rejected: 0,
    unknown: 0,
    records: 312,
    elapsedMillis: 7_600,
    perSecond: 41,
    done: false
  }

  it("progress tells how much, how fast and how long", () => {
    assert.strictEqual(describeProgress(snapshot, 1_204), "312 of 1,204 (25 %), 41/s, 22 s left")
    assert.strictEqual(describeProgress({ ...snapshot, done: true }, 312), "312 of 312 (100 %), 41/s, in 8 s")
    assert.strictEqual(
      describeProgress({ ...snapshot, done: true }, 1_204),
      "312 of 1,204 (25 %), 41/s, stopped after 8 s"
    )
    assert.strictEqual(bar(312, 1_204, 8), "##......")
    assert.strictEqual(bar(0, 0, 4), "####")
  })

  it("the report fits the terminal, and has colours only when asked for", () => {
    const report: Report = {
      store: "pinecone",
      corpus: "test",
      encoder: "test",
      dimension: 2,
      records: 1_000,
      outcomes: { written: 999, rejected: 1, unknown: 0 },
      questions: [
        { question: "where?", matches: [{ id: "a", name: "n".repeat(99), score: 0.5, text: "t".repeat(99) }] }
      ],
      embedSeconds: 1,
      loadSeconds: 2,
      recordsPerSecond: 500,
      recallAt5: 1,
      rightAnswerInFirst5: { found: 1, of: 3, share: 1 / 3 }
    }
    const plain = print(report, { columns: 60, color: false })
    assert.notInclude(plain, "\u001b")
    assert.include(plain, "999 of 1,000 records, 1 rejected, 0 unknown")
    assert.include(plain, "1 of 3 questions (33 %)")
    for (const line of plain.split("\n").slice(0, 2)) assert.isAtMost(line.length, 60)
    assert.include(print(report, { columns: 60, color: true }), "\u001b[1mwhere?")
    assert.notInclude(plain, "exact")
    assert.include(
      print({ ...report, store: "memory" }, { columns: 60, color: false }),
      "in memory the search is exact"
    )
    assert.include(
      print({ ...report, rightAnswerInFirst5: { found: 0, of: 0, share: 0 } }, { columns: 60, color: false }),
      "is not rated"
    )
  })
})

describe("the command", () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url))

  /** Runs the demo as its npm script does, without the environment's own keys. */
  const demo = (...args: ReadonlyArray<string>) => node([main, ...args])

  const node = (args: ReadonlyArray<string>, start: (child: ChildProcess) => void = () => {}) =>
    Effect.promise(
      () =>
        new Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>((resolve) => {
          const { PINECONE_API_KEY: _, PINECONE_INDEX: __, PINECONE_INDEX_HOST: ___, ...env } = process.env
          const child = execFile(
            process.execPath,
            ["--conditions=@effect-connectors/source", ...args],
            { env },
            (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, stdout, stderr })
          )
          start(child)
        })
    )

  it.live("--json prints one object and nothing else on stdout", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* demo("--corpus", "large", "--limit", "2500", "--json")
      assert.strictEqual(code, 0)
      const report: unknown = JSON.parse(stdout)
      assert.deepInclude(report, {
        records: 2_500,
        outcomes: { written: 2_500, rejected: 0, unknown: 0 },
        recallAt5: 1
      })
      assert.include(stderr, "2,500 of 2,500 (100 %)")
    })
  )

  it.live("--store emulator takes the way over HTTP", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* demo(
        ...["--store", "emulator", "--corpus", "large", "--limit", "2500", "--json"]
      )
      assert.strictEqual(code, 0)
      const report: unknown = JSON.parse(stdout)
      assert.deepInclude(report, {
        store: "emulator",
        dimension: 100,
        outcomes: { written: 2_500, rejected: 0, unknown: 0 },
        recallAt5: 1
      })
      assert.include(stderr, "into: the emulator through the official SDK")
    })
  )

  it.live("--transport grpc takes the way over gRPC, and finds the same", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* demo(
        ...["--store", "emulator", "--transport", "grpc", "--corpus", "large", "--limit", "2500", "--json"]
      )
      assert.strictEqual(code, 0)
      const report: unknown = JSON.parse(stdout)
      assert.deepInclude(report, { outcomes: { written: 2_500, rejected: 0, unknown: 0 }, recallAt5: 1 })
      assert.include(stderr, "into: the emulator through gRPC")
    })
  )

  it.live("--transport is nothing for a store in memory", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* demo("--transport", "grpc")
      assert.strictEqual(code, 1)
      assert.include(stderr, "--transport needs --store emulator or --store pinecone")
    })
  )

  it.live("says nothing on stdout when it dies", () =>
    Effect.gen(function* () {
      const breakDown = `const { stringify } = JSON
        JSON.stringify = (value, ...rest) => {
          if (value?.recallAt5 !== undefined) throw new Error("out of order")
          return stringify(value, ...rest)
        }`
      const { code, stderr, stdout } = yield* node([
        `--import=data:text/javascript,${encodeURIComponent(breakDown)}`,
        main,
        ...["--corpus", "large", "--limit", "10", "--json"]
      ])
      assert.strictEqual(code, 1)
      assert.strictEqual(stdout, "")
      assert.include(stderr, "out of order")
    })
  )

  it.live("says that it was stopped, and exits with 130", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* node([main], (child) => {
        child.stderr?.on("data", (data) => {
          if (String(data).includes("embed and write")) child.kill("SIGINT")
        })
      })
      assert.strictEqual(code, 130)
      assert.strictEqual(stdout, "")
      assert.match(stderr, /stopped after \d+ s\n$/)
    })
  )

  it.live("--store pinecone says what is missing", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* demo("--store", "pinecone")
      assert.strictEqual(code, 1)
      assert.strictEqual(stdout, "")
      assert.include(
        stderr,
        "--store pinecone needs PINECONE_API_KEY and PINECONE_INDEX or PINECONE_INDEX_HOST in the environment"
      )
    })
  )

  it.live("refuses a limit below 1", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* demo("--limit", "0")
      assert.strictEqual(code, 1)
      assert.include(stderr, "--limit")
    })
  )
})
