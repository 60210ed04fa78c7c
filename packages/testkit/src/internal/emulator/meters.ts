/** What faults and quotas look at, read from the body of a request as it came: also of one that will be refused. */
import * as Predicate from "effect/Predicate"
import type { Metered } from "./quotas.ts"

export type Measures = Pick<Metered, "namespace" | "records" | "byMetadata">

export type MeterBody = (body: unknown) => Measures

export const inNone: MeterBody = () => ({ namespace: undefined })
export const inBody: MeterBody = (body) => ({ namespace: textOf(body, "namespace") })
export const inName: MeterBody = (body) => ({ namespace: textOf(body, "name") })
export const ofMany: MeterBody = (body) => ({
  namespace: textOf(body, "namespace"),
  records: countOf(body, "ids") ?? countOf(body, "documents") ?? 1,
  byMetadata: Predicate.hasProperty(body, "filter") && Predicate.isReadonlyObject(body.filter)
})

const countOf = (body: unknown, field: string): number | undefined => {
  const value = Predicate.hasProperty(body, field) ? body[field] : undefined
  return Array.isArray(value) ? value.length : undefined
}

const textOf = (body: unknown, field: string): string => {
  const value = Predicate.hasProperty(body, field) ? body[field] : undefined
  return typeof value === "string" ? value : ""
}
