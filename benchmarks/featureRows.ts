/** The feature service of the suite `features`, as its server and both its contenders know it. */

/** Types of features, over and over: what a service of counts, means and profile fields has. */
const types = [
  "int64",
  "float64",
  "string",
  "float64",
  "int64",
  "boolean",
  "float64",
  "string",
  "int64",
  "float64"
] as const

export interface Feature {
  readonly name: string
  readonly type: (typeof types)[number]
}

/** So many features, ten a view. */
export const featuresOf = (count: number): ReadonlyArray<Feature> =>
  Array.from({ length: count }, (_, i) => ({
    name: `view_${Math.floor(i / types.length)}.feature_${i}`,
    type: types[i % types.length] ?? "string"
  }))

/** Who is looked up. No two are the same: an answer that is shared would be no call. */
export const users = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, i) => `user-${i}`)

/** What is ingested for a user. */
export const click = (user_id: string, i: number) => ({
  user_id,
  timestamp: "2026-01-01T00:00:00Z",
  page: `/articles/${i % 1000}`,
  clicked: i % 7,
  seconds: (i % 100) / 3
})
