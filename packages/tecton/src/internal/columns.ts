/** Decodes the values of one feature, in all rows of a reply, by the schema that the program declares for it. */
import { InvalidValue, type Reason } from "@effect-connectors/core/ConnectorError"
import { firstIssue } from "@effect-connectors/core/FirstIssue"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { FeatureValue } from "../FeatureValue.ts"
import { checkOf } from "./plainly.ts"

/**
 * One value for each row; what is wrong with a row is noted, unless something was before. A null is what Tecton says,
 * whatever a schema would make of it.
 */
export type DecodeColumn = (
  values: ReadonlyArray<FeatureValue>,
  wrong: Array<Reason | undefined>
) => ReadonlyArray<unknown>

/** The decoder of a feature. To be made once for many columns. */
export const columnDecoder = (name: string, schema: Schema.Codec<unknown, FeatureValue>): DecodeColumn => {
  const orNull = Schema.Union([Schema.Null, schema])
  // The name is in it for the path of what is wrong.
  const one = Schema.decodeUnknownResult(Schema.Struct({ [name]: orNull }))
  const all = Schema.decodeUnknownResult(Schema.Array(orNull))
  const isRight = checkOf(schema.ast)
  return (values, wrong) => {
    if (isRight !== undefined && values.every((value) => value === null || isRight(value))) return values
    const together = all(values)
    if (Result.isSuccess(together)) return together.success
    return values.map((value, row) => {
      const decoded = one({ [name]: value })
      if (Result.isSuccess(decoded)) return decoded.success[name]
      wrong[row] ??= toReason(decoded.failure, { [name]: value })
      return null
    })
  }
}

const toReason = ({ issue }: Schema.SchemaError, values: { readonly [name: string]: unknown }): Reason => {
  const { message, path } = firstIssue(issue)
  const isNull = path.length > 1 && valueAt(values, path) === null
  return new InvalidValue({
    field: `feature ${path.join(".")}`,
    issue: isNull ? "is null; declare it with Schema.NullOr" : `is not what the program declares: it ${message}`
  })
}

const valueAt = (value: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce((inner: unknown, key) => (Predicate.hasProperty(inner, key) ? inner[key] : undefined), value)
