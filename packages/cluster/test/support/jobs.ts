import { Job, JobRunner } from "@effect-connectors/cluster"
import { PineconeError } from "@effect-connectors/pinecone/PineconeError"
import * as PineconeCompare from "@effect-connectors/pinecone/PineconeCompare"
import { PineconeIndex, type Service } from "@effect-connectors/pinecone/PineconeIndex"
import * as PineconeSink from "@effect-connectors/pinecone/PineconeSink"
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import { Unauthorized } from "@effect-connectors/core/ConnectorError"
import * as PineconeMemory from "@effect-connectors/testkit/PineconeMemory"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as path from "node:path"
import { passing } from "./passing.ts"

/** Runs a job to its end, on a runner of its own: a second run finds nothing of the first. */
export const runJob = <P, R>(
  job: Job.Job<P, R>,
  partitions: ReadonlyArray<P>
): Effect.Effect<Job.Progress, unknown, R> =>
  passing(Job.execute(job, { id: "1", partitions })).pipe(
    Effect.provide(Layer.provideMerge(Job.layer(job), JobRunner.layerMemory()))
  )

/** Runs a program with a directory for its files. */
export const inDirectory = <A, E, R>(program: (directory: string) => Effect.Effect<A, E, R>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      return yield* program(yield* files.makeTempDirectoryScoped())
    })
  ).pipe(Effect.provide(NodeServices.layer))

/** Writes lines to a file of a directory. */
export const writeLines = Effect.fnUntraced(function* (directory: string, name: string, lines: ReadonlyArray<string>) {
  const files = yield* FileSystem.FileSystem
  const file = path.join(directory, name)
  yield* files.writeFileString(file, `${lines.join("\n")}\n`)
  return file
})

/** An index in memory. */
export const memoryIndex = (options: PineconeMemory.Options = {}) =>
  Effect.provide(PineconeIndex, PineconeMemory.layerWith(options))

/** Fails calls for good from the moment `after` calls of a kind were let through, until it is told to stop. */
export const failingAfter = (index: Service, after: number) => {
  const state = { calls: 0, broken: true, sent: new Array<string>() }
  const refuse = new PineconeError({ operation: "upsert", reason: new Unauthorized({ detail: "the key is gone" }) })
  const service: Service = {
    ...index,
    upsert: (request) =>
      Effect.suspend(() => {
        if (state.broken && ++state.calls > after) return Effect.fail(refuse)
        state.sent.push(...request.records.map(({ id }) => id))
        return index.upsert(request)
      })
  }
  return { service, state }
}

/** Records with ids of a prefix and four digits. */
export const records = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    id: `${prefix}${String(i).padStart(4, "0")}`,
    values: [1, i],
    metadata: { i }
  }))

/** Writes records to an index. */
export const fill = (index: Service, namespace: string, all: ReadonlyArray<VectorRecord>) =>
  Stream.fromIterable(all).pipe(
    PineconeSink.upsert({ namespace }),
    Stream.runDrain,
    Effect.provideService(PineconeIndex, index),
    passing
  )

/** How two indexes compare. */
export const compare = (a: Service, b: Service) =>
  passing(
    PineconeCompare.summarize(
      PineconeCompare.index(a, { namespaces: "all" }),
      PineconeCompare.index(b, { namespaces: "all" })
    )
  )
