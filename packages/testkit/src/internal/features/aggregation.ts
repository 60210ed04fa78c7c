/** The aggregations. `values` are never empty, and from the oldest event to the newest. */
import type { FeatureValue } from "@effect-connectors/tecton/FeatureValue"
import { Timestamp } from "@effect-connectors/tecton/Timestamp"
import type { AggregateFeature } from "./model.ts"

type Values = ReadonlyArray<NonNullable<FeatureValue>>

export const aggregate = ({ aggregation, columnType }: AggregateFeature, values: Values): FeatureValue => {
  switch (aggregation.function) {
    case "count":
      return BigInt(values.length)
    case "sum":
      return columnType.type === "int64" ? BigInt.asIntN(64, exactSum(values)) : floatSum(values)
    case "mean":
      return (columnType.type === "int64" ? Number(exactSum(values)) : floatSum(values)) / values.length
    case "min":
      return values.reduce((least, value) => (isLess(value, least) ? value : least))
    case "max":
      return values.reduce((most, value) => (isLess(most, value) ? value : most))
    case "last_n":
      return values.slice(-aggregation.n)
  }
}

const exactSum = (values: Values): bigint =>
  values.reduce((sum: bigint, value) => (typeof value === "bigint" ? sum + value : sum), 0n)

const floatSum = (values: Values): number =>
  values.reduce((sum: number, value) => (typeof value === "number" ? sum + value : sum), 0)

/** Text is compared by its UTF-16 units; a NaN is not less than anything, and nothing is less than it. */
const isLess = (a: FeatureValue, b: FeatureValue): boolean => {
  const [x, y] = [comparable(a), comparable(b)]
  return x < y
}

const comparable = (value: FeatureValue): number | bigint | string => {
  if (value instanceof Timestamp) return value.epochNanoseconds
  return typeof value === "number" || typeof value === "bigint" || typeof value === "string" ? value : 0
}
