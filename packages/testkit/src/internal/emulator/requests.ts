/**
 * What the calls of records and namespaces ask for, read from the body of a request. The fields have the names of the
 * service's JSON; of gRPC the messages are read into the same form.
 */
import type { VectorRecord } from "@effect-connectors/pinecone/VectorRecord"
import * as Schema from "effect/Schema"
import { Fields, FilterObject, Numbers, optional } from "./wire.ts"

const namespace = { namespace: optional(Schema.String) }

/** In protobuf an empty list and a list that is not there are one. */
const Sparse = Schema.Struct({ indices: optional(Numbers), values: optional(Numbers) })

const vectors = { values: optional(Numbers), sparseValues: optional(Sparse) }

const Record = Schema.Struct({ id: Schema.String, ...vectors, metadata: optional(Fields) })

export const Upsert = Schema.Struct({ ...namespace, vectors: optional(Schema.Array(Record)) })

export const Query = Schema.Struct({
  ...namespace,
  topK: optional(Schema.Finite),
  id: optional(Schema.String),
  vector: optional(Numbers),
  sparseVector: optional(Sparse),
  filter: optional(FilterObject),
  includeValues: optional(Schema.Boolean),
  includeMetadata: optional(Schema.Boolean)
})

export const Fetch = Schema.Struct({ ...namespace, ids: optional(Schema.Array(Schema.String)) })

const page = { limit: optional(Schema.Finite), paginationToken: optional(Schema.String) }

export const FetchByMetadata = Schema.Struct({ ...namespace, filter: optional(FilterObject), ...page })

const listed = { prefix: optional(Schema.String), ...page }

export const List = Schema.Struct({ ...namespace, ...listed })

export const Update = Schema.Struct({
  ...namespace,
  id: optional(Schema.String),
  ...vectors,
  setMetadata: optional(Fields),
  filter: optional(FilterObject),
  dryRun: optional(Schema.Boolean)
})

export const Delete = Schema.Struct({
  ...namespace,
  ids: optional(Schema.Array(Schema.String)),
  deleteAll: optional(Schema.Boolean),
  filter: optional(FilterObject)
})

export const Stats = Schema.Struct({ filter: optional(FilterObject) })

export const ListNamespaces = Schema.Struct(listed)

export const CreateNamespace = Schema.Struct({
  name: optional(Schema.String),
  schema: optional(
    Schema.Struct({ fields: Schema.Record(Schema.String, Schema.Struct({ filterable: Schema.Boolean })) })
  )
})

/** A namespace by its name. */
export const OfNamespace = Schema.Struct(namespace)

/** Empty vectors are none, as in protobuf. */
export const given = (values: typeof Numbers.Type | null | undefined) => (values?.length ? values : undefined)

export const givenSparse = (sparse: typeof Sparse.Type | null | undefined) =>
  sparse?.indices?.length || sparse?.values?.length
    ? { indices: sparse.indices ?? [], values: sparse.values ?? [] }
    : undefined

export const toRecord = (wire: typeof Record.Type): VectorRecord => ({
  id: wire.id,
  values: given(wire.values),
  sparseValues: givenSparse(wire.sparseValues),
  metadata: wire.metadata ?? undefined
})
