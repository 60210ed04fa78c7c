/** Records, ids and names checked before anything is sent; what is wrong is named by the record's id and the field. */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import * as Arr from "effect/Array"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as VectorRecord from "../VectorRecord.ts"
import { isMetadata, keepRules } from "./recordRules.ts"

/** Checks and encodes a chunk of what should be records. */
export type Check = (
  records: ReadonlyArray<unknown>
) => ReadonlyArray<Result.Result<VectorRecord.VectorRecord, InvalidRecord>>

/** Checks and encodes what should be one, and says what is wrong with it. */
const checkOne = <A>(typed: Schema.Codec<A, VectorRecord.VectorRecord>) => {
  const encode = Schema.encodeUnknownResult(typed)
  return (record: unknown) => Result.mapError(encode(record), (error) => toInvalid(record, error.issue))
}

interface Kept {
  id: unknown
  values?: unknown
  sparseValues?: unknown
}

/** Checks records: what keeps the rules takes its fields as they are, and schemas say what is wrong with the others. */
const checkBy = (
  slow: (record: unknown) => Result.Result<VectorRecord.VectorRecord, InvalidRecord>,
  metadataOf: (metadata: unknown) => VectorRecord.Metadata | undefined
): Check => {
  const quick = (record: unknown): VectorRecord.VectorRecord | undefined => {
    if (!Predicate.isObject(record)) return undefined
    const { id, metadata, sparseValues, values } = record
    const kept: Kept = { id }
    if ("values" in record) kept.values = values
    if ("sparseValues" in record) kept.sparseValues = sparseValues
    if (!keepRules(kept)) return undefined
    if (!("metadata" in record)) return kept
    const encoded = metadata === undefined ? undefined : metadataOf(metadata)
    return encoded === undefined && metadata !== undefined ? undefined : { ...kept, metadata: encoded }
  }
  return (records) =>
    records.map((record) => {
      const good = quick(record)
      return good === undefined ? slow(record) : Result.succeed(good)
    })
}

/** Checks records whose metadata has a schema. */
export const check = <M>(metadata: VectorRecord.MetadataSchema<M>): Check => {
  const encode = Schema.encodeUnknownResult(metadata)
  return checkBy(checkOne(VectorRecord.schema(metadata)), (value) => Result.getOrUndefined(encode(value)))
}

/** Checks records with metadata of any fields. */
export const checkAny: Check = checkBy(checkOne(VectorRecord.VectorRecord), (value) =>
  isMetadata(value) ? value : undefined
)

/** Checks changes of records whose metadata has a schema. */
export const checkChangeOf = <M>(metadata: VectorRecord.MetadataSchema<M>): Check =>
  Arr.map(checkOne(VectorRecord.changeSchema(metadata)))

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
