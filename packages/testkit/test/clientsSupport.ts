/**
 * The official client in five major versions, each unchanged, called in one way. From 7 on the client has this way
 * itself; 5 and 6 take arguments in order.
 */
import { Pinecone as Pinecone5 } from "@pinecone-database/pinecone"
import { Pinecone as Pinecone6 } from "pinecone-sdk-6"
import { Pinecone as Pinecone7 } from "pinecone-sdk-7"
import { Pinecone as Pinecone8 } from "pinecone-sdk-8"
import { Pinecone as Pinecone9 } from "pinecone-sdk-9"

type Metadata = Record<string, string | number | boolean | Array<string>>

interface Vector {
  readonly id: string
  readonly values: Array<number>
  readonly metadata?: Metadata
}

interface Ids {
  readonly vectors?: Array<{ readonly id?: string }>
  readonly pagination?: { readonly next?: string }
}

interface Fetched {
  readonly records: Record<
    string,
    { readonly id: string; readonly values?: Array<number>; readonly metadata?: Metadata }
  >
}

/** A namespace as the client tells it; a count of 9 is text, of the others a number. */
interface Namespace {
  readonly name?: string
  readonly recordCount?: string | number
}

/** An index, at a namespace. */
export interface Index {
  upsert(options: { records: Array<Vector> }): Promise<void>
  query(options: { vector: Array<number>; topK: number; filter: object; includeMetadata: boolean }): Promise<{
    readonly matches: Array<{ readonly id: string; readonly score?: number; readonly metadata?: Metadata }>
    readonly usage?: { readonly readUnits?: number }
  }>
  fetch(options: { ids: Array<string> }): Promise<Fetched>
  listPaginated(options: { prefix: string; limit: number; paginationToken?: string }): Promise<Ids>
  update(options: { id: string; values: Array<number>; metadata: Metadata }): Promise<void>
  deleteOne(options: { id: string }): Promise<void>
  deleteMany(options: { ids: Array<string> } | { filter: object }): Promise<void>
  deleteAll(): Promise<void>
  describeIndexStats(): Promise<{
    readonly namespaces?: Record<string, { readonly recordCount: number }>
    readonly dimension?: number
    readonly totalRecordCount?: number
  }>
}

/** What came with 6. */
export interface WithNamespaces {
  listNamespaces(): Promise<{ readonly namespaces?: Array<Namespace> }>
  describeNamespace(namespace: string): Promise<Namespace>
  deleteNamespace(namespace: string): Promise<void>
}

/** What came with 7. */
export interface WithMetadata {
  createNamespace(options: { name: string }): Promise<Namespace>
  fetchByMetadata(options: {
    filter: object
    limit: number
    paginationToken?: string
  }): Promise<Fetched & Pick<Ids, "pagination">>
  update(options: { filter: object; metadata: Metadata }): Promise<void>
}

interface Model {
  readonly name: string
  readonly host: string
  readonly dimension?: number
  readonly metric?: string
  readonly status: { readonly ready: boolean }
}

interface CreateOptions {
  name: string
  dimension: number
  metric: "cosine"
  spec: { serverless: { cloud: "aws"; region: string } }
  waitUntilReady: true
}

interface Control {
  createIndex(options: CreateOptions): Promise<Model | undefined | void>
  describeIndex(name: string): Promise<Model>
  listIndexes(): Promise<{ readonly indexes?: ReadonlyArray<Model> }>
  deleteIndex(name: string): Promise<void>
}

export interface Client {
  readonly control: Control
  readonly index: (name: string, namespace: string) => Index
  readonly namespaces?: (name: string) => WithNamespaces
  readonly metadata?: (name: string, namespace: string) => Index & WithMetadata
}

let keys = 0

/** The client keeps hosts by key for the whole process, so every one gets a key of its own. */
const config = (url: string) => ({ apiKey: `client-${++keys}`, controllerHostUrl: url })

const inOrder = (index: ReturnType<Pinecone5["index"]> | ReturnType<Pinecone6["index"]>): Index => ({
  upsert: ({ records }) => index.upsert(records),
  query: (options) => index.query(options),
  fetch: ({ ids }) => index.fetch(ids),
  listPaginated: (options) => index.listPaginated(options),
  update: (options) => index.update(options),
  deleteOne: ({ id }) => index.deleteOne(id),
  deleteMany: (options) => index.deleteMany("ids" in options ? options.ids : options.filter),
  deleteAll: () => index.deleteAll(),
  describeIndexStats: () => index.describeIndexStats()
})

const client5 = (url: string): Client => {
  const control = new Pinecone5(config(url))
  return { control, index: (name, namespace) => inOrder(control.index(name).namespace(namespace)) }
}

const client6 = (url: string): Client => {
  const control = new Pinecone6(config(url))
  return {
    control,
    index: (name, namespace) => inOrder(control.index(name).namespace(namespace)),
    namespaces: (name) => control.index(name)
  }
}

interface ByOptions extends Control {
  index(options: { name: string; namespace?: string }): Index & WithNamespaces & WithMetadata
}

const byOptions = (control: ByOptions): Client => ({
  control,
  index: (name, namespace) => control.index({ name, namespace }),
  namespaces: (name) => control.index({ name }),
  metadata: (name, namespace) => control.index({ name, namespace })
})

/** By the version that `package.json` pins. */
export const clients: Record<string, (url: string) => Client> = {
  "9.0.0": (url) => byOptions(new Pinecone9(config(url))),
  "8.2.0": (url) => byOptions(new Pinecone8(config(url))),
  "7.2.0": (url) => byOptions(new Pinecone7(config(url))),
  "6.1.4": client6,
  "5.1.2": client5
}
