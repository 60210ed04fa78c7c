/** The suite of documents finds what is wrong with a layer: each mutant of the memory layer fails the test named with it. */
import { PineconeDocumentIndex, type Service } from "@effect-connectors/pinecone/PineconeDocumentIndex"
import * as DocumentConformance from "@effect-connectors/testkit/DocumentConformance"
import * as PineconeDocumentMemory from "@effect-connectors/testkit/PineconeDocumentMemory"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { onBench, type Settings, type Test } from "../src/internal/documentConformance/bench.ts"
import { read } from "../src/internal/documentConformance/read.ts"
import { search } from "../src/internal/documentConformance/search.ts"
import { write } from "../src/internal/documentConformance/write.ts"

const settings: Settings = { eventually: Duration.zero, live: false }

const tests = new Map<string, Effect.Effect<unknown, unknown, PineconeDocumentIndex>>()
const test: Test = (title, body) => tests.set(title, onBench(settings, body))

write(test)
search(test)
read(test, settings)

interface Mutant {
  readonly what: string
  readonly caughtBy: string
  readonly change: (index: Service) => Partial<Service>
}

const searches =
  (change: (request: Parameters<Service["search"]>[0]) => Parameters<Service["search"]>[0]) =>
  ({ search }: Service): Partial<Service> => ({ search: (request) => search(change(request)) })

const mutants: ReadonlyArray<Mutant> = [
  {
    what: "leaves sparse vectors out",
    caughtBy: "documents are stored as they were, in several calls too",
    change: ({ fetch }) => ({
      fetch: (request) => fetch({ ...request, includeFields: ["title", "body", "dense", "year", "tags"] })
    })
  },
  {
    what: "changes where it should replace",
    caughtBy: "a stored document is replaced whole, and of one id the last wins",
    change: ({ fetch, update, upsert }) => ({
      upsert: (request) =>
        Effect.flatMap(fetch({ namespace: request.namespace, ids: ["a"] }), ({ documents }) =>
          documents.has("a") ? update(request) : upsert(request)
        )
    })
  },
  {
    what: "makes a document of a change",
    caughtBy: "a change sets and removes fields and leaves the others; of a document that is not there it does nothing",
    change: ({ update, upsert }) => ({
      update: (request) =>
        Effect.andThen(
          update(request),
          upsert({ namespace: request.namespace, documents: [{ _id: "nobody", title: "made" }] })
        )
    })
  },
  {
    what: "deletes nothing",
    caughtBy: "documents are deleted by id, one that is not there too",
    change: () => ({ delete: () => Effect.succeed({}) })
  },
  {
    what: "does not count what a filter selects",
    caughtBy: "documents are changed and deleted by filter, and counted",
    change: ({ update }) => ({ update: (request) => Effect.as(update(request), {}) })
  },
  {
    what: "ignores filters of searches",
    caughtBy: "filters by metadata and by text, in every search",
    change: searches((request) => ({ ...request, filter: undefined }))
  },
  {
    what: "finds one match at most",
    caughtBy: "a dense vector finds the nearest documents first, and only those with a vector",
    change: searches((request) => ({ ...request, topK: 1 }))
  },
  {
    what: "searches the title alone",
    caughtBy: "words find the documents that have one of them",
    change: searches((request) => ({
      ...request,
      scoreBy: request.scoreBy.map((score) => (score.type === "text" ? { ...score, fields: ["title"] } : score))
    }))
  },
  {
    what: "takes the first of several scores",
    caughtBy: "a query string finds what it says, and goes together with words",
    change: searches((request) => ({ ...request, scoreBy: request.scoreBy.slice(0, 1) }))
  },
  {
    what: "gives all fields",
    caughtBy: "a match has its score and the fields that are asked for",
    change: searches((request) => ({ ...request, includeFields: ["*"] }))
  },
  {
    what: "gives the first page of a fetch by filter alone",
    caughtBy: "a fetch by filter gives all pages",
    change: ({ fetch }) => ({
      fetch: (request) => Effect.map(fetch(request), (reply) => ({ ...reply, next: undefined }))
    })
  },
  {
    what: "ignores prefixes",
    caughtBy: "a list gives the ids of a prefix in order",
    change: ({ list }) => ({ list: (request) => list({ ...request, prefix: undefined }) })
  },
  {
    what: "lists the first page alone",
    caughtBy: "a scan gives every document once",
    change: ({ list }) => ({
      list: (request) => Effect.map(list({ ...request, limit: 10 }), (reply) => ({ ...reply, next: undefined }))
    })
  },
  {
    what: "keeps a namespace that is removed",
    caughtBy: "namespaces are listed, counted and removed",
    change: () => ({ deleteNamespace: () => Effect.void })
  }
]

const memory = PineconeDocumentMemory.layer(DocumentConformance.definition)

describe("the suite of documents catches a layer that", () => {
  it.live.each(mutants)("$what", ({ caughtBy, change }) =>
    Effect.gen(function* () {
      const body = tests.get(caughtBy)
      assert(body !== undefined, `no test is called "${caughtBy}"`)
      yield* body
      const index = yield* PineconeDocumentIndex
      const broken = Effect.provideService(body, PineconeDocumentIndex, { ...index, ...change(index) })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(broken)), "the test passed")
    }).pipe(Effect.provide(memory))
  )
})
