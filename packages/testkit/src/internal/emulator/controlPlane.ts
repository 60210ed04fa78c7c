/** The routes of indexes. */
import { RequestRefused } from "@effect-connectors/core/ConnectorError"
import * as Result from "effect/Result"
import type { Reply } from "./call.ts"
import type { Embedder } from "../records/embedder.ts"
import { refuseControl } from "./envelopes.ts"
import type { Doors } from "./doors.ts"
import { empty, json } from "./reply.ts"
import type { EmulatedIndex, Indexes } from "./indexes.ts"
import {
  changed,
  checked,
  type Definition,
  type Read,
  readChanges,
  readDefinition,
  readDefinitionForModel,
  toModel
} from "./indexModel.ts"
import type { Incoming } from "./wire.ts"

export interface Project {
  readonly indexes: Indexes
  /** An index is made when its door is open, and its door is closed when it is no more. */
  readonly doors: Doors
  /** Makes vectors of texts. */
  readonly embedder: Embedder
}

export type Handler = (project: Project, incoming: Incoming) => Reply | Promise<Reply>

/** Makes an index, or says why not. Of those who make one of the same name at once, one does. */
export const create = async ({ doors, indexes }: Project, definition: Definition): Promise<Read<EmulatedIndex>> => {
  const free = (): Read<Definition> =>
    indexes.get(definition.name) === undefined
      ? checked(definition)
      : Result.fail(new RequestRefused({ detail: "Resource already exists.", wire: { status: 409 } }))
  const before = free()
  if (Result.isFailure(before)) return Result.fail(before.failure)
  await doors.open(definition.name)
  return Result.map(free(), indexes.create)
}

const modelOf = ({ doors }: Project, { version }: Incoming, definition: Definition) =>
  toModel(definition, doors.hostOf(definition.name), version)

const reply = (answer: Read<Reply>): Reply =>
  Result.getOrElse(answer, ({ detail, wire }) => refuseControl(wire?.status ?? 400, detail))

const creating =
  (read: (body: unknown) => Read<Definition>): Handler =>
  async (project, incoming) => {
    const definition = read(incoming.body)
    if (Result.isFailure(definition)) return reply(Result.fail(definition.failure))
    const created = await create(project, definition.success)
    return reply(Result.map(created, ({ definition }) => json(201, modelOf(project, incoming, definition))))
  }

export const createIndex = creating(readDefinition)

export const createForModel = creating(readDefinitionForModel)

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
  void project.doors.close(incoming.name)
  return empty(202)
})
