/** Records, ids and names checked before anything is sent; what is wrong is named by the record's id and the field. */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as VectorRecord from "../VectorRecord.ts"

/** Checks and encodes a chunk of what should be records. */
export type Check = (
  records: ReadonlyArray<unknown>
) => ReadonlyArray<Result.Result<VectorRecord.VectorRecord, InvalidRecord>>

/** A chunk is encoded as a whole, and only when that fails record by record. */
const checkWith = <A>(typed: Schema.Codec<A, VectorRecord.VectorRecord>): Check => {
  const one = Schema.encodeUnknownResult(typed)
  const all = Schema.encodeUnknownResult(Schema.Array(typed))
  return (records) => {
    const encoded = all(records)
    return Result.isSuccess(encoded)
      ? encoded.success.map(Result.succeed)
      : records.map((record) => Result.mapError(one(record), (error) => toInvalid(record, error.issue)))
  }
}

/** Checks records whose metadata has a schema. */
export const check = <M>(metadata: VectorRecord.MetadataSchema<M>): Check => checkWith(VectorRecord.schema(metadata))

/** Checks records with metadata of any fields. */
export const checkAny: Check = check(VectorRecord.Metadata)

/** Checks changes of records whose metadata has a schema. */
export const checkChangeOf = <M>(metadata: VectorRecord.MetadataSchema<M>): Check =>
  checkWith(VectorRecord.changeSchema(metadata))

/** Checks changes of records with metadata of any fields. */
export const checkChange: Check = checkChangeOf(VectorRecord.Metadata)

/** Decodes the metadata of stored records; what the schema does not allow is named by the record's id. */
export const reader = <M>(metadata: VectorRecord.MetadataSchema<M>) => {
  const decode = Schema.decodeUnknownResult(metadata)
  return <A extends { readonly id: string; readonly metadata?: VectorRecord.Metadata | undefined }>({
    metadata,
    ...rest
  }: A): Result.Result<Omit<A, "metadata"> & { readonly metadata?: M | undefined }, InvalidRecord> =>
    metadata === undefined
      ? Result.succeed(rest)
      : Result.mapBoth(decode(metadata), {
          onFailure: (error) => {
            const { field, issue } = toInvalid(rest, error.issue)
            return new InvalidRecord({
              id: rest.id,
              field: field === "record" ? "metadata" : `metadata.${field}`,
              issue
            })
          },
          onSuccess: (metadata) => ({ ...rest, metadata })
        })
}

const idOf = (id: unknown) => (Predicate.isString(id) ? { id } : {})

/** Why no record can have this id, if none can. */
export const invalidId = (id: unknown): InvalidRecord | undefined => {
  const issue = VectorRecord.checkId(id)
  return issue === undefined ? undefined : new InvalidRecord({ ...idOf(id), field: "id", issue })
}

/** Why a record can be in no namespace of this name, if it can not. */
export const invalidNamespace = (namespace: unknown, id?: unknown): InvalidRecord | undefined => {
  const issue = VectorRecord.checkNamespace(namespace)
  return issue === undefined ? undefined : new InvalidRecord({ ...idOf(id), field: "namespace", issue })
}

/** Where a record is. */
export interface Place {
  readonly namespace: string
  readonly id: string
}

/** Where the record of an id is, or why it can not be there. */
export const placeOf = (namespace: string, id: unknown): Result.Result<Place, InvalidRecord> => {
  const wrong = invalidId(id) ?? invalidNamespace(namespace, id)
  return wrong === undefined ? Result.succeed({ namespace, id: String(id) }) : Result.fail(wrong)
}

/** The first issue of a schema, said of a record. */
export const toInvalid = (record: unknown, issue: SchemaIssue.Issue): InvalidRecord => {
  const { message, path } = firstIssue(issue)
  return new InvalidRecord({
    ...(Predicate.isObject(record) ? idOf(record["id"]) : {}),
    field: path.length === 0 ? "record" : path.join("."),
    issue: message
  })
}
