/** What the types of filters promise; checked by the compiler, never run. */
import type { Filter } from "@effect-connectors/pinecone"
import { expectTypeOf } from "vitest"

interface Article {
  readonly title: string
  readonly year: number
  readonly open: boolean
  readonly tags: ReadonlyArray<string>
  readonly language?: "en" | "de"
}

declare const accept: (filter: Filter.Filter<Article>) => void
declare const build: Filter.Builder<Article>

// Literals: plain equality, operators, several fields at once, nesting.
accept({})
accept({ title: "A", year: 2020, open: true })
accept({ year: { $gte: 2000, $lt: 2010, $ne: 2005 } })
accept({ year: { $in: [1999, 2001] }, title: { $nin: ["A"] }, language: { $exists: true } })
accept({ $and: [{ open: true }, { $or: [{ year: 1999 }, { $not: { title: "A" } }] }] })

// A list of strings matches when one of its elements does.
accept({ tags: "ml" })
accept({ tags: { $in: ["ml", "db"] } })

// A field that is not there.
// @ts-expect-error
accept({ titel: "A" })
// @ts-expect-error
accept({ $and: [{ titel: "A" }] })

// A value of another type.
// @ts-expect-error
accept({ year: "2020" })
// @ts-expect-error
accept({ year: { $in: ["2020"] } })
// @ts-expect-error
accept({ open: { $eq: "true" } })
// @ts-expect-error
accept({ tags: { $eq: ["ml"] } })
// @ts-expect-error
accept({ language: "fr" })
// @ts-expect-error: Pinecone has no null
accept({ title: null })

// An operator the field's type does not have, or that does not exist.
// @ts-expect-error
accept({ title: { $gt: "A" } })
// @ts-expect-error
accept({ tags: { $lt: 3 } })
// @ts-expect-error
accept({ year: { $like: 2 } })
// @ts-expect-error
accept({ $nor: [{ year: 2020 }] })
// @ts-expect-error: a list of filters
accept({ $and: { year: 2020 } })

// The builder promises the same.
expectTypeOf(build.and(build.eq("title", "A"), build.not(build.gte("year", 2000)))).toEqualTypeOf<
  Filter.Filter<Article>
>()
build.in("tags", ["ml", "db"])
build.eq("language", "de")
build.exists("language", false)
// @ts-expect-error
build.eq("titel", "A")
// @ts-expect-error
build.eq("year", "2020")
// @ts-expect-error
build.gt("title", 3)
// @ts-expect-error
build.nin("tags", [1])
// @ts-expect-error
build.and({ titel: "A" })

// Metadata of any fields takes any filter a field could have.
declare const acceptAny: (filter: Filter.Filter) => void
acceptAny({ genre: "drama", year: { $gte: 2000 }, tags: { $in: ["a", "b"] } })
// @ts-expect-error: no field holds an object
acceptAny({ genre: { nested: true } })

// A filter of one metadata type is not one of another.
declare const other: Filter.Filter<{ readonly place: string }>
// @ts-expect-error
accept(other)
