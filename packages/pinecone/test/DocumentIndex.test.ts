import * as DocumentIndex from "@effect-connectors/pinecone/DocumentIndex"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { articles, atDocuments, byName, described } from "./support/documents.ts"
import { refusalOf } from "./support/secrets.ts"

/** The fields of `articles` as the control plane tells them. */
const asDeclared = {
  title: { type: "string", full_text_search: { language: "en", stemming: false, stop_words: false } },
  body: { type: "string", description: null, full_text_search: { language: "en", stemming: true, stop_words: false } },
  embedding: { type: "dense_vector", dimension: 2, metric: "cosine" },
  terms: { type: "sparse_vector" },
  year: { type: "float", filterable: true }
}

/** Compares `articles` with an index of other fields. */
const checked = (fields: Readonly<Record<string, unknown>>, options?: DocumentIndex.CheckOptions) =>
  atDocuments([described(fields), described(fields)], () => DocumentIndex.check(articles, options), byName)

const driftsOf = (fields: Readonly<Record<string, unknown>>, options?: DocumentIndex.CheckOptions) =>
  Effect.map(refusalOf(checked(fields, options)), ({ message, reason }) => {
    assert(reason._tag === "SchemaDrift", reason._tag)
    assert.include(message, "index articles is not what the program declares")
    return reason.drifts
  })

describe("DocumentIndex.check", () => {
  it.effect("passes an index as it is declared", () => checked(asDeclared))

  it.effect("lists every difference at once", () =>
    Effect.gen(function* () {
      const { body: _, ...others } = asDeclared
      const drifts = yield* driftsOf({
        ...others,
        embedding: { type: "dense_vector", dimension: 3, metric: "dotproduct" },
        title: { type: "string", full_text_search: { language: "de" } },
        text: { type: "string", full_text_search: { language: "en", stemming: true } },
        terms: { type: "float", filterable: true },
        year: { type: "string", filterable: true },
        tags: { type: "sparse_vector" },
        more: { type: "string", full_text_search: { ngram: { min_gram: 2, max_gram: 3, prefix_only: true } } }
      })
      assert.deepStrictEqual(drifts, [
        {
          kind: "retyped",
          part: "text field",
          name: "title",
          declared: "text for full text search (en)",
          found: "text for full text search (de)"
        },
        {
          kind: "renamed",
          part: "text field",
          name: "body",
          declared: "text for full text search (en, stemming)",
          found: "text"
        },
        {
          kind: "retyped",
          part: "dense field",
          name: "embedding",
          declared: "dense vector of 2 numbers (cosine)",
          found: "dense vector of 3 numbers (dotproduct)"
        },
        { kind: "retyped", part: "sparse field", name: "terms", declared: "sparse vector", found: "float" },
        { kind: "retyped", part: "field", name: "year", declared: "float", found: "string" },
        { kind: "retyped", part: "field", name: "tags", declared: "string_list", found: "sparse vector" },
        {
          kind: "added",
          part: "field",
          name: "more",
          found: "text for full text search (en, n-grams of 2 to 3, prefixes only)"
        }
      ])
    })
  )

  it.effect("a field that is not there is missing", () =>
    Effect.gen(function* () {
      const { embedding: _, ...others } = asDeclared
      assert.deepStrictEqual(yield* driftsOf(others), [
        { kind: "missing", part: "dense field", name: "embedding", declared: "dense vector of 2 numbers (cosine)" }
      ])
    })
  )

  it.effect("fields that are not declared pass unless they are refused", () =>
    Effect.gen(function* () {
      const more = { ...asDeclared, more: { type: "string", full_text_search: {} }, other: { filterable: true } }
      yield* checked(more)
      assert.deepStrictEqual(yield* driftsOf(more, { added: "refuse" }), [
        { kind: "added", part: "field", name: "more", found: "text for full text search (en)" }
      ])
    })
  )
})

describe("metadata that Pinecone tells the type of", () => {
  const types = ["string", "float", "boolean", "string_list"] as const
  const schemas: ReadonlyArray<readonly [name: string, schema: DocumentIndex.Field, fits: ReadonlyArray<string>]> = [
    ["text", Schema.String, ["string"]],
    ["a date that is text", Schema.DateFromString, ["string"]],
    ["a choice of texts", Schema.Literals(["a", "b"]), ["string"]],
    ["a number", Schema.Number, ["float"]],
    ["a number that may be left out", Schema.optionalKey(Schema.Int), ["float"]],
    ["a choice of numbers", Schema.Literals([1, 2]), ["float"]],
    ["a boolean", Schema.Boolean, ["boolean"]],
    ["a list", Schema.Array(Schema.String), ["string_list"]],
    ["a choice of types", Schema.Union([Schema.String, Schema.Number]), types]
  ]

  for (const [name, schema, fits] of schemas) {
    it.effect(`${name} fits ${fits.join(", ")}`, () =>
      Effect.gen(function* () {
        const declared = DocumentIndex.make({ title: DocumentIndex.text(), meta: schema })
        const title = { type: "string", full_text_search: {} }
        const fitting: Array<string> = []
        for (const type of types) {
          const checked = atDocuments(
            [described({ title, meta: { type } }), described({ title, meta: { type } })],
            () => DocumentIndex.check(declared),
            byName
          )
          if (yield* Effect.isSuccess(checked)) fitting.push(type)
        }
        assert.deepStrictEqual(fitting, fits)
      })
    )
  }

  it.effect("of an older index fits everything", () =>
    atDocuments(
      [
        described({ title: { type: "string", full_text_search: {} }, year: { filterable: true } }),
        described({ title: { type: "string", full_text_search: {} }, year: { filterable: true } })
      ],
      () => DocumentIndex.check(DocumentIndex.make({ title: DocumentIndex.text(), year: Schema.Int })),
      byName
    )
  )
})

const text = DocumentIndex.text()
const dense = DocumentIndex.dense({ dimension: 2, metric: "cosine" })

/** Fields as a caller without types gives them. */
const declared = (fields: DocumentIndex.Fields) => DocumentIndex.createSchema(DocumentIndex.make<{}>(fields))

describe("DocumentIndex.createSchema", () => {
  it.effect("has the fields that are searched by, as the SDK takes them", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* DocumentIndex.createSchema(articles), {
        fields: {
          title: { type: "string", fullTextSearch: {} },
          body: { type: "string", fullTextSearch: { stemming: true } },
          embedding: { type: "dense_vector", dimension: 2, metric: "cosine" },
          terms: { type: "sparse_vector" }
        }
      })
      const all = {
        language: "de",
        ngram: { minGram: 1, maxGram: 3, prefixOnly: true },
        stemming: false,
        stopWords: false
      }
      assert.deepStrictEqual(yield* declared({ a: DocumentIndex.text(all) }), {
        fields: { a: { type: "string", fullTextSearch: all } }
      })
    })
  )

  const refused: ReadonlyArray<readonly [name: string, fields: DocumentIndex.Fields, says: RegExp]> = [
    ["two dense fields", { a: dense, b: dense }, /fields has 2 dense fields \(a, b\); an index has 1 at most/],
    ["two sparse fields", { a: DocumentIndex.sparse(), b: DocumentIndex.sparse() }, /fields has 2 sparse fields/],
    ["101 texts", Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`t${i}`, text])), /fields has 101 text/],
    ["nothing to search by", { a: Schema.String }, /fields has none to search by/],
    ["no fields", {}, /fields has none to search by/],
    ["a name with _", { _values: dense }, /fields\._values starts with _/],
    ["a name with $", { title: text, $a: Schema.Int }, /fields\.\$a starts with \$/],
    ["an empty name", { "": text }, /fields\. is empty/],
    ["a name of 65 bytes", { ["a".repeat(65)]: text }, /has 65 bytes; a name may have 64/],
    ["a dimension of 0", { a: DocumentIndex.dense({ dimension: 0, metric: "cosine" }) }, /has dimension 0/],
    ["stop words without stemming", { a: DocumentIndex.text({ stopWords: true }) }, /needs stemming/],
    [
      "n-grams with stemming",
      { a: DocumentIndex.text({ stemming: true, ngram: { minGram: 1, maxGram: 2 } }) },
      /n-grams and stemmed/
    ],
    ["n-grams of 11", { a: DocumentIndex.text({ ngram: { minGram: 1, maxGram: 11 } }) }, /n-grams of 1 to 11/]
  ]

  for (const [name, fields, says] of refused) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function* () {
        const error = yield* refusalOf(declared(fields))
        assert.strictEqual(error.reason._tag, "InvalidOption")
        assert.match(error.message, says)
      })
    )
  }
})
