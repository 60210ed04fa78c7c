/** The routes of indexes. */
import { RequestRefused } from "@effect-connectors/core/ConnectorError"
import * as Result from "effect/Result"
import type { Reply } from "./call.ts"
import { refuseControl } from "./envelopes.ts"
import { empty, json } from "./reply.ts"
import type { EmulatedIndex, Indexes } from "./indexes.ts"
import { changed, checked, type Definition, type Read, readChanges, readDefinition, toModel } from "./indexModel.ts"
import type { Incoming } from "./wire.ts"

export interface Project {
  readonly indexes: Indexes
  /** Where the data plane of an index is. */
  readonly hostOf: (name: string) => string
}

export type Handler = (project: Project, incoming: Incoming) => Reply

/** Makes an index, or says why not. */
export const create = (indexes: Indexes, definition: Definition): Read<EmulatedIndex> =>
  Result.gen(function* () {
    yield* checked(definition)
    return indexes.get(definition.name) === undefined
      ? indexes.create(definition)
      : yield* Result.fail(new RequestRefused({ detail: "Resource already exists.", wire: { status: 409 } }))
  })

const modelOf = ({ hostOf }: Project, { version }: Incoming, definition: Definition) =>
  toModel(definition, hostOf(definition.name), version)

const reply = (answer: Read<Reply>): Reply =>
  Result.getOrElse(answer, ({ detail, wire }) => refuseControl(wire?.status ?? 400, detail))

export const createIndex: Handler = (project, incoming) =>
  reply(
    Result.gen(function* () {
      const { definition } = yield* create(project.indexes, yield* readDefinition(incoming.body))
      return json(201, modelOf(project, incoming, definition))
    })
  )

export const createForModel: Handler = () =>
  refuseControl(400, "The emulator embeds no text: create a vector index and write vectors")

export const listIndexes: Handler = (project, incoming) =>
  json(200, { indexes: project.indexes.all().map(({ definition }) => modelOf(project, incoming, definition)) })

const onIndex =
  (answer: (project: Project, incoming: Incoming, index: EmulatedIndex) => Reply): Handler =>
  (project, incoming) => {
    const index = project.indexes.get(incoming.name)
    return index === undefined
      ? refuseControl(404, `Resource ${incoming.name} not found`)
      : answer(project, incoming, index)
  }

export const describeIndex: Handler = onIndex((project, incoming, { definition }) =>
  json(200, modelOf(project, incoming, definition))
)

export const configureIndex: Handler = onIndex((project, incoming, index) =>
  reply(
    Result.gen(function* () {
      const definition = yield* checked(changed(index.definition, yield* readChanges(incoming.body)))
      project.indexes.configure(definition)
      return json(202, modelOf(project, incoming, definition))
    })
  )
)

export const deleteIndex: Handler = onIndex((project, incoming, { definition }) => {
  if (definition.isProtected) {
    return refuseControl(
      403,
      "Deletion protection is enabled for this index. Disable deletion protection before retrying."
    )
  }
  project.indexes.remove(incoming.name)
  return empty(202)
})
