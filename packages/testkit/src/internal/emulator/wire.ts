/** What reading a request needs on both planes: a JSON body of bounded depth, checked by a schema. */
import type { Metadata } from "@effect-connectors/pinecone/VectorRecord"
import type { Filter } from "@effect-connectors/pinecone/Filter"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A request whose route is known. */
export interface Incoming {
  /** The value of `X-Pinecone-Api-Version`. */
  readonly version: string
  /** The part of the path where the route has a name. */
  readonly name: string
  readonly query: URLSearchParams
  /** The body as JSON; an empty one is `{}`. */
  readonly body: unknown
  /** Of the body as it came. */
  readonly bytes: number
}

/** Levels of nesting in metadata and in a filter: as many as protobuf's own JSON reader takes. */
const maxDepth = 100

/** Does a value nest deeper than that? Code that walks it by recursion then cannot run out of stack. */
export const isTooDeep = (value: unknown, levels = maxDepth): boolean => {
  if (typeof value !== "object" || value === null) return false
  if (levels === 0) return true
  for (const child of Object.values(value)) if (isTooDeep(child, levels - 1)) return true
  return false
}

const isShallowObject = (u: unknown): boolean => Predicate.isReadonlyObject(u) && !isTooDeep(u)

/** An object; the store says what is wrong with its fields, in the words of the service. */
export const Fields = Schema.declare((u: unknown): u is Metadata => isShallowObject(u), {
  expected: `an object of at most ${maxDepth} levels`
})

/** An object; the store says what is wrong with it. */
export const FilterObject = Schema.declare((u: unknown): u is Filter => isShallowObject(u), {
  expected: `an object of at most ${maxDepth} levels`
})

/** Anything that does not nest too deeply. */
export const Shallow = Schema.declare((u: unknown): u is unknown => !isTooDeep(u), {
  expected: `at most ${maxDepth} levels`
})

const isNumbers = (u: unknown): u is ReadonlyArray<number> => {
  if (!Array.isArray(u)) return false
  for (let i = 0; i < u.length; i++) if (typeof u[i] !== "number") return false
  return true
}

export const Numbers = Schema.declare(isNumbers, { expected: "an array of numbers" })

/** A field that may be left out or null. */
export const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** Reads a body, or says in one line what is wrong with it. */
export const reader = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S
): ((body: unknown) => Result.Result<S["Type"], string>) => {
  const decode = Schema.decodeUnknownResult(schema)
  return (body) =>
    Result.mapError(decode(body), (error) =>
      isTooDeep(body) ? "The request is nested too deeply" : error.message.replaceAll(/\s*\n\s*/g, " ")
    )
}
