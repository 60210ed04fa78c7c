/**
 * One write of any kind, as data: an upsert of a record, a change of a stored one, or a delete. So a stream of changes
 * (of a database, of a queue) goes through one step, `PineconeSink.operations`, that keeps their order.
 */
import * as Schema from "effect/Schema"
import type { UpdateRequest } from "./PineconeApi.ts"
import * as VectorRecord from "./VectorRecord.ts"

/** A change of one stored record: given parts replace the stored ones, metadata (`C`) is merged field by field. */
export type Change<C = VectorRecord.Metadata> = Omit<UpdateRequest, "namespace" | "metadata"> & {
  readonly metadata?: C | undefined
}

/** Store a record, new or in the place of the one with its id. */
export interface Upsert<M = VectorRecord.Metadata> {
  readonly _tag: "Upsert"
  readonly record: VectorRecord.VectorRecord<M>
}

/** Change a stored record. Pinecone does not tell when there is none. */
export interface Update<C = VectorRecord.Metadata> {
  readonly _tag: "Update"
  readonly change: Change<C>
}

/** Remove a record. Pinecone does not tell when there is none. */
export interface Delete {
  readonly _tag: "Delete"
  readonly id: string
}

/** One write: of metadata `M`, changed by `C`. */
export type Operation<M = VectorRecord.Metadata, C = M> = Upsert<M> | Update<C> | Delete

/** Stores a record. */
export const upsert = <M = VectorRecord.Metadata>(record: VectorRecord.VectorRecord<M>): Upsert<M> => ({
  _tag: "Upsert",
  record
})

/** Changes a stored record. */
export const update = <C = VectorRecord.Metadata>(change: Change<C>): Update<C> => ({ _tag: "Update", change })

const remove = (id: string): Delete => ({ _tag: "Delete", id })

export {
  /** Removes a record. */
  remove as delete
}

/** The id of the record it is about. */
export const idOf = (operation: Operation<unknown>): string => {
  switch (operation._tag) {
    case "Upsert":
      return operation.record.id
    case "Update":
      return operation.change.id
    case "Delete":
      return operation.id
  }
}

/**
 * A schema of operations whose metadata is `M` in the program and `Metadata` on the wire. What a change may name says
 * a second schema; without it a change has all the fields.
 *
 * @example
 * ```ts
 * import { Operation } from "@effect-connectors/pinecone"
 * import * as Schema from "effect/Schema"
 * import * as Struct from "effect/Struct"
 *
 * const Article = Schema.Struct({ title: Schema.String, at: Schema.DateFromMillis })
 * const ArticleOperation = Operation.schema(Article, Article.mapFields(Struct.map(Schema.optionalKey)))
 *
 * const parse = Schema.decodeUnknownResult(Schema.fromJsonString(ArticleOperation))
 * const parsed = parse(`{"_tag":"Update","change":{"id":"a","metadata":{"at":1700000000000}}}`)
 * ```
 */
export function schema<M, I extends VectorRecord.Metadata>(
  metadata: Schema.Codec<M, I>
): Schema.Codec<Operation<M>, Operation>
export function schema<M, I extends VectorRecord.Metadata, C>(
  metadata: Schema.Codec<M, I>,
  changes: Schema.Codec<C, NoInfer<Partial<I>>>
): Schema.Codec<Operation<M, C>, Operation>
export function schema<M, I extends VectorRecord.Metadata>(
  metadata: Schema.Codec<M, I>,
  changes: Schema.Codec<unknown, VectorRecord.Metadata> = metadata
): Schema.Codec<Operation<M, unknown>, Operation> {
  return Schema.Union([
    Schema.TaggedStruct("Upsert", { record: VectorRecord.schema(VectorRecord.metadataSchema(metadata)) }),
    Schema.TaggedStruct("Update", { change: VectorRecord.changeSchema(VectorRecord.metadataSchema(changes)) }),
    Schema.TaggedStruct("Delete", { id: VectorRecord.Id })
  ])
}

/** Schema of {@link Operation} with metadata of any fields. */
export const Operation = schema(VectorRecord.Metadata)
