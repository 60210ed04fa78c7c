/** The flag `--index` of the emulator's program: what it makes, and what it says to write instead. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { indexFlag } from "../src/internal/bin/indexFlag.ts"
import { temporary } from "./programSupport.ts"

const parsed = (...index: ReadonlyArray<string>) =>
  indexFlag.parse({ arguments: [], flags: { index } }).pipe(
    Effect.map(([, options]) => options),
    Effect.provide(NodeServices.layer)
  )

/** What the program says to `index`. */
const refused = (index: string) => Effect.map(Effect.flip(parsed(index)), ({ message }) => message)

/** A file of this text. */
const fileOf = (text: string) =>
  Effect.map(temporary, (directory) => {
    const file = path.join(directory, "schema.json")
    fs.writeFileSync(file, text)
    return file
  })

const title = { type: "string", full_text_search: { stop_words: true, stemming: true, language: null } }
const dense = { type: "dense_vector", dimension: 2 }

describe("--index", () => {
  it.effect("makes indexes of vectors and for models", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* parsed(), [])
      assert.deepStrictEqual(
        yield* parsed(
          "a:3",
          "a:3:euclidean",
          "a:sparse",
          "a:model=pinecone-sparse-english-v0",
          "a:field=note,metric=dotproduct,model=llama-text-embed-v2,dimension=384"
        ),
        [
          { name: "a", dimension: 3, metric: "cosine" },
          { name: "a", dimension: 3, metric: "euclidean" },
          { name: "a", vectorType: "sparse" },
          {
            name: "a",
            embed: { model: "pinecone-sparse-english-v0", field: undefined, dimension: undefined, metric: undefined }
          },
          { name: "a", embed: { model: "llama-text-embed-v2", field: "note", dimension: 384, metric: "dotproduct" } }
        ]
      )
    })
  )

  it.effect.each([
    ["a schema of the wire", { fields: { title, dense, sparse: { type: "sparse_vector" } } }],
    [
      "a body that makes an index",
      { name: "other", schema: { fields: { title, dense, sparse: { type: "sparse_vector" } } } }
    ],
    [
      "a schema of the official client",
      {
        fields: {
          title: { type: "string", fullTextSearch: { stopWords: true, stemming: true } },
          dense: { ...dense, metric: "cosine" },
          sparse: { type: "sparse_vector" }
        }
      }
    ]
  ] as const)("makes an index of documents with %s", ([, json]) =>
    Effect.gen(function* () {
      const file = yield* fileOf(JSON.stringify(json))
      assert.deepStrictEqual(yield* parsed(`a:documents=${file}`), [
        {
          name: "a",
          schema: {
            fields: {
              title: { type: "string", fullTextSearch: { stopWords: true, stemming: true } },
              dense: { type: "dense_vector", dimension: 2, metric: "cosine" },
              sparse: { type: "sparse_vector" }
            }
          }
        }
      ])
    })
  )

  it.effect("leaves the names of fields as they are", () =>
    Effect.gen(function* () {
      const file = yield* fileOf(JSON.stringify({ fields: { my_title: { type: "string", full_text_search: {} } } }))
      const [index] = yield* parsed(`a:documents=${file}`)
      assert(index !== undefined && "schema" in index)
      assert.deepStrictEqual(Object.keys(index.schema.fields), ["my_title"])
    })
  )

  const forms = "Expected: name:dimension[:metric], name:sparse, name:documents=FILE.json or name:model=MODEL"
  it.effect.each([
    ["a", forms],
    ["", forms],
    [":3", forms],
    ["a:3:cosine:x", forms],
    ["a:-3", forms],
    ["a:documents=", forms],
    ["a:field=note", forms],
    ["a:3:manhattan", "Expected: a metric, which is cosine, dotproduct, euclidean"],
    ["a:model=llama-text-embed-v2,metric=x", "Expected: a metric, which is cosine, dotproduct, euclidean"],
    ["a:model=", "with a value, like field=text"],
    ["a:model=llama-text-embed-v2,colour=red", `like field=text, and not "colour"`],
    ["a:model=llama-text-embed-v2,field=a,field=b", "each of model, field, dimension and metric once"],
    ["a:model=llama-text-embed-v2,dimension=many", "a dimension that is a whole number"],
    ["a:model=gpt", "none of the emulator's: llama-text-embed-v2, multilingual-e5-large, pinecone-sparse-english-v0"],
    ["a:documents=/nowhere/schema.json", "ENOENT: no such file or directory"]
  ] as const)("says what to write for %s", ([index, says]) =>
    Effect.map(refused(index), (message) => assert.include(message, says))
  )

  it.effect.each([
    ["no JSON", "{", "JSON"],
    ["no schema", "[]", "it has no fields"],
    ["no field", `{"fields":{}}`, "at least one of the following field types"],
    ["vectors", `{"fields":{"_values":{"type":"dense_vector","dimension":2}}}`, "must not start with _"],
    ["a field of another type", `{"fields":{"year":{"type":"float"}}}`, "year"],
    ["a setting that there is not", `{"fields":{"t":{"type":"string","full_text_search":{"stem":true}}}}`, "stem"],
    [
      "settings that exclude each other",
      `{"fields":{"t":{"type":"string","full_text_search":{"stop_words":true}}}}`,
      "requires stemming"
    ]
  ] as const)("says what a file of %s should be", ([, text, says]) =>
    Effect.gen(function* () {
      const message = yield* refused(`a:documents=${yield* fileOf(text)}`)
      assert.include(message, `Expected: a file with the schema of documents, like {"fields":{"title":`)
      assert.include(message, says)
      assert.notInclude(message, "\n")
    })
  )
})
