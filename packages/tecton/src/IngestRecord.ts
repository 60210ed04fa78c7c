/** Records of a stream source, made ready for the wire. */
import { InvalidRecord } from "@effect-connectors/core/ConnectorError"
import * as ExactJson from "@effect-connectors/core/ExactJson"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { checkValue, wireFields, wireValue } from "./RequestValue.ts"
import type { EncodedRecord, IngestRecord, Options } from "./TectonApi.ts"

export type { EncodedRecord, IngestRecord, IngestValue } from "./TectonApi.ts"

const bytesOf = (text: string): number => new TextEncoder().encode(text).byteLength

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
    if (Number.isSafeInteger(Number(value))) return value
    tooLarge ??= value
    return largeInt64 === "string" ? String(value) : value
  }
  for (const [field, value] of Object.entries(record)) {
    const issue = value === undefined ? undefined : checkValue(value)
    if (issue !== undefined) return Result.fail(new InvalidRecord({ field, issue }))
  }
  const json = ExactJson.stringify({ record: wireFields(record, (value) => wireValue(value, int64)) })
  if (tooLarge !== undefined && largeInt64 === "refuse") {
    const field = Object.keys(record).find((name) => holds(record[name], tooLarge)) ?? "record"
    const issue = `holds ${tooLarge}, an int64 beyond 2^53, whose digits Tecton may lose; see the option largeInt64`
    return Result.fail(new InvalidRecord({ field, issue }))
  }
  return Result.succeed({ json, bytes: bytesOf(json) + 1 })
}

/** Is the value that one, or does it hold it? */
const holds = (value: unknown, wanted: unknown): boolean =>
  value === wanted ||
  (typeof value === "object" && value !== null && Object.values(value).some((part) => holds(part, wanted)))
