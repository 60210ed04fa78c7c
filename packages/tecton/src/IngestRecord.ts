/** Records of a stream source, made ready for the wire. */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as ExactJson from "@effect-connectors/core/ExactJson"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { checkValue, wireValue } from "./RequestValue.ts"
import type { EncodedRecord, IngestRecord, IngestValue, Options } from "./TectonApi.ts"

export type { EncodedRecord, IngestRecord, IngestValue } from "./TectonApi.ts"

const utf8 = new TextEncoder()

/**
 * Writes a record as JSON, in the wrapper that Tecton wants: an int64 as a number, a float64 that is no number as its
 * name. What has no such form is named by its field.
 */
export const encode = (
  record: IngestRecord,
  largeInt64: NonNullable<Options["largeInt64"]> = "refuse"
): Result.Result<EncodedRecord, InvalidRecord> => {
  if (!Predicate.isReadonlyObject(record) || Array.isArray(record)) {
    return Result.fail(new InvalidRecord({ field: "record", issue: "is not an object" }))
  }
  let tooLarge: bigint | undefined
  const int64 = (value: bigint): unknown => {
    const number = Number(value)
    if (Number.isSafeInteger(number)) return number
    tooLarge = value
    return largeInt64 === "string" ? String(value) : ExactJson.digits(value)
  }
  const written: Array<[string, unknown]> = []
  for (const [field, value] of Object.entries<IngestValue | undefined>(record)) {
    if (value === undefined) continue
    const issue = checkValue(value)
    if (issue !== undefined) return Result.fail(new InvalidRecord({ field, issue }))
    written.push([field, wireValue(value, int64)])
    if (tooLarge !== undefined && largeInt64 === "refuse") {
      const issue = `holds ${tooLarge}, an int64 beyond 2^53, whose digits Tecton may lose; see the option largeInt64`
      return Result.fail(new InvalidRecord({ field, issue }))
    }
  }
  const fields = Object.fromEntries(written)
  const json = tooLarge === undefined ? JSON.stringify({ record: fields }) : ExactJson.stringify({ record: fields })
  return Result.succeed({ json, bytes: utf8.encode(json).byteLength + 1 })
}
