/**
 * What the calls of documents ask for, read from the body of a request. Documents themselves are looked at by the store,
 * which says what is wrong with which of them.
 */
import * as Schema from "effect/Schema"
import { Fields, FilterObject, Numbers, optional, Shallow } from "./wire.ts"

const Documents = Schema.Array(Shallow)

export const Upsert = Schema.Struct({ documents: Documents })

const Sparse = Schema.Struct({ indices: Numbers, values: Numbers })

const ScoringMethod = Schema.Struct({
  type: Schema.String,
  fields: optional(Schema.Array(Schema.String)),
  field: optional(Schema.String),
  query: optional(Schema.String),
  values: optional(Numbers),
  sparse_values: optional(Sparse)
})

const includeFields = { include_fields: optional(Schema.Array(Schema.String)) }

export const Search = Schema.Struct({
  score_by: Schema.Array(ScoringMethod),
  top_k: Schema.Finite,
  filter: optional(FilterObject),
  ...includeFields
})

const page = { limit: optional(Schema.Finite), pagination_token: optional(Schema.String) }

export const Fetch = Schema.Struct({
  ids: optional(Schema.Array(Schema.String)),
  filter: optional(FilterObject),
  ...includeFields,
  ...page
})

export const List = Schema.Struct({ prefix: optional(Schema.String), ...page })

export const Update = Schema.Struct({
  documents: optional(Documents),
  filter: optional(FilterObject),
  set_fields: optional(Fields),
  remove_fields: optional(Schema.Array(Schema.String))
})

export const Delete = Schema.Struct({
  ids: optional(Schema.Array(Schema.String)),
  filter: optional(FilterObject),
  delete_all: optional(Schema.Boolean)
})
