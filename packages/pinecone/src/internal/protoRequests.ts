/** The requests of the data plane as protobuf, but for upserts. Fields with their default are left out, as they are read. */
import type { ListRequest, NamespacesRequest, QueryRequest, UpdateRequest } from "../PineconeApi.ts"
import type { Removal } from "./indexService.ts"
import type { MessageWriter } from "./messageWriter.ts"
import { writeStruct } from "./protobuf.ts"
import { message, writeMetadata, writeNamespace, writeSparse, writeText, writeVector } from "./protoRecord.ts"
import type { WireFilter } from "./wireFilter.ts"

const writeFilter = (writer: MessageWriter, field: number, filter: WireFilter | undefined): void => {
  if (filter === undefined) return
  writer.begin(field, 0)
  writeStruct(writer, filter)
  writer.end()
}

const writeNumber = (writer: MessageWriter, field: number, value: number | undefined): void => {
  if (value !== undefined && value !== 0) writer.number(field, value)
}

const writeFlag = (writer: MessageWriter, field: number, flag: boolean | undefined): void => {
  if (flag === true) writer.flag(field, true)
}

const writeIds = (writer: MessageWriter, ids: ReadonlyArray<string>): void => {
  for (const id of ids) writeText(writer, 1, id)
}

export const query = (namespace: string, request: QueryRequest, filter: WireFilter | undefined): Uint8Array =>
  message((writer) => {
    writeNamespace(writer, 1, namespace)
    writeNumber(writer, 2, request.topK)
    writeFilter(writer, 3, filter)
    writeFlag(writer, 4, request.includeValues)
    writeFlag(writer, 5, request.includeMetadata)
    writeVector(writer, 7, request.vector)
    writeText(writer, 8, request.id ?? "")
    writeSparse(writer, 9, request.sparseVector)
  })

export const fetch = (namespace: string, ids: ReadonlyArray<string>): Uint8Array =>
  message((writer) => {
    writeIds(writer, ids)
    writeNamespace(writer, 2, namespace)
  })

export const list = (namespace: string, request: ListRequest): Uint8Array =>
  message((writer) => {
    writeText(writer, 1, request.prefix ?? "")
    writeNumber(writer, 2, request.limit)
    writeText(writer, 3, request.paginationToken ?? "")
    writeNamespace(writer, 4, namespace)
  })

export const update = (namespace: string, request: UpdateRequest): Uint8Array =>
  message((writer) => {
    writeText(writer, 1, request.id)
    writeVector(writer, 2, request.values)
    writeMetadata(writer, 3, request.metadata)
    writeNamespace(writer, 4, namespace)
    writeSparse(writer, 5, request.sparseValues)
  })

export const remove = (namespace: string, removal: Removal): Uint8Array =>
  message((writer) => {
    if ("ids" in removal) writeIds(writer, removal.ids)
    if ("all" in removal) writeFlag(writer, 2, true)
    writeNamespace(writer, 3, namespace)
    if ("filter" in removal) writeFilter(writer, 4, removal.filter)
  })

export const stats = (): Uint8Array => new Uint8Array(0)

export const namespaces = (request: NamespacesRequest): Uint8Array =>
  message((writer) => {
    writeText(writer, 1, request.paginationToken ?? "")
    writeNumber(writer, 2, request.limit)
    writeText(writer, 3, request.prefix ?? "")
  })

/** The name is said as it is: an empty one would be nothing to delete. */
export const deleteNamespace = (namespace: string): Uint8Array => message((writer) => writeText(writer, 1, namespace))
