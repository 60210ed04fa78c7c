/** Reads the join keys and the request context of a lookup by the types a service has for them. */
import type { Field } from "@effect-connectors/tecton/DataType"
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"
import * as Result from "effect/Result"
import type { Assumptions } from "./assumptions.ts"
import { keyOf } from "./keyedTable.ts"
import type { ServiceModel } from "./model.ts"
import { bad, type Refusal } from "./refusal.ts"
import { Mismatch, reader } from "./wireValue.ts"

/** What a request says, as it is on the wire. */
export interface WireLookup {
  readonly joinKeys: ReadonlyMap<string, unknown>
  readonly requestContext: ReadonlyMap<string, unknown>
}

export interface ReadLookup {
  /** An int64 in decimal. A key that is null finds nothing. */
  readonly joinKeys: ReadonlyMap<string, string | null>
  readonly requestContext: ReadonlyMap<string, FeatureValue>
}

/** Reads lookups of one service. */
export type LookupReader = (
  lookup: WireLookup,
  options: { readonly ignoreExtraContext: boolean }
) => Result.Result<ReadLookup, Refusal>

/** An int64 comes as text; numbers are tolerated. */
const accepts = { int64AsText: true }

type PartReader = (
  given: ReadonlyMap<string, unknown>,
  others: "refuse" | "ignore"
) => Result.Result<ReadonlyMap<string, FeatureValue>, Refusal>

const partReader = (what: string, fields: ReadonlyArray<Field>): PartReader => {
  const readers = fields.map(({ dataType, name }) => ({ name, read: reader(dataType, accepts) }))
  return (given, others) => {
    const values = new Map<string, FeatureValue>()
    for (const { name, read } of readers) {
      if (!given.has(name)) return Result.fail(bad(`Missing required ${what}: ${name}`))
      const value = read(given.get(name))
      if (value instanceof Mismatch) return Result.fail(bad(`The value of ${what} ${name} ${value.issue}`))
      values.set(name, value)
    }
    const other = others === "refuse" ? [...given.keys()].find((name) => !values.has(name)) : undefined
    return other === undefined ? Result.succeed(values) : Result.fail(bad(`Unexpected ${what}: ${other}`))
  }
}

export const lookupReader = (
  service: ServiceModel,
  { extraJoinKeys }: Pick<Assumptions, "extraJoinKeys">
): LookupReader => {
  const joinKeysOf = partReader("join key", service.joinKeys)
  const contextOf = partReader("request context key", service.requestContext)
  return ({ joinKeys, requestContext }, { ignoreExtraContext }) =>
    Result.gen(function* () {
      const keys = yield* joinKeysOf(joinKeys, extraJoinKeys)
      return {
        joinKeys: new Map(Array.from(keys, ([name, value]) => [name, keyOf(value)])),
        requestContext: yield* contextOf(requestContext, ignoreExtraContext ? "ignore" : "refuse")
      }
    })
}
