/** The calls of namespaces, which indexes of every kind have. */
import {
  defaultNamespace,
  type NamespacesReply,
  type NamespacesRequest
} from "@effect-connectors/pinecone/PineconeIndex"
import * as Result from "effect/Result"
import { type Answer, orRefuse } from "./answer.ts"
import type { Contents } from "./commit.ts"
import type { CommitLog } from "./commitLog.ts"
import type { Limits } from "./limits.ts"
import type { NamespaceSchema } from "./namespaceRecords.ts"
import { page } from "./page.ts"
import { checkNamespace, checkSchema } from "./recordRules.ts"
import { alreadyExists, namespaceNotFound, type Refusal, tooManyNamespaces } from "./refusals.ts"

export interface NamespaceInfo {
  readonly name: string
  readonly records: number
  readonly schema?: NamespaceSchema | undefined
}

export interface CreateNamespaceRequest {
  readonly name: string
  readonly schema?: NamespaceSchema | undefined
}

export interface NamespaceCalls {
  readonly namespaces: (request: NamespacesRequest) => Answer<NamespacesReply>
  /** How many namespaces all pages of that prefix list. */
  readonly countNamespaces: (prefix: string) => number
  readonly createNamespace: (request: CreateNamespaceRequest) => Answer<NamespaceInfo>
  readonly describeNamespace: (name: string) => Answer<NamespaceInfo>
  readonly deleteNamespace: (name: string) => Answer<void>
  /** Reads of the namespace see every write whose sequence number is not higher. */
  readonly indexedLsn: (namespace: string) => number
}

/** What the other calls of an index need to know of its namespaces. */
export interface NamespaceRules {
  /** The namespace a request names, if there can be one. */
  readonly named: (request: { readonly namespace?: string | undefined }) => Answer<string>
  /** May a write make this namespace, if it is not there? */
  readonly checkRoom: (name: string) => Refusal | undefined
}

/** The one name of a namespace that has several. */
export const namespaceName = (name: string | undefined): string =>
  name === undefined || name === "" ? defaultNamespace : name

/** What can be counted. */
interface Counted extends Contents {
  readonly size: number
}

export const make = <C extends Counted>(log: CommitLog<C>, limits: Limits): NamespaceCalls & NamespaceRules => {
  const named: NamespaceRules["named"] = (request) => {
    const name = namespaceName(request.namespace)
    return orRefuse(name, checkNamespace(name, limits))
  }

  const checkRoom: NamespaceRules["checkRoom"] = (name) =>
    log.written.has(name) || log.written.size < limits.maxNamespaces ? undefined : tooManyNamespaces()

  const countOf = (name: string): number => log.visible.get(name)?.size ?? 0

  const namespaces: NamespaceCalls["namespaces"] = (request) =>
    Result.map(
      page([...log.written.keys()].sort(), () => true, request, limits.maxPage),
      ({ names, next }) => ({ namespaces: names.map((name) => ({ name, records: countOf(name) })), next })
    )

  const countNamespaces: NamespaceCalls["countNamespaces"] = (prefix) =>
    Array.from(log.written.keys()).filter((name) => name.startsWith(prefix)).length

  const createNamespace: NamespaceCalls["createNamespace"] = (request) =>
    Result.gen(function* () {
      const name = yield* named({ namespace: request.name })
      const { schema } = request
      if (schema !== undefined) yield* orRefuse(schema, checkSchema(schema, limits))
      if (log.written.has(name)) return yield* Result.fail(alreadyExists())
      yield* orRefuse(name, checkRoom(name))
      log.commit(name, { _tag: "Create", schema })
      return yield* describeNamespace(name)
    })

  const describeNamespace: NamespaceCalls["describeNamespace"] = (given) => {
    const name = namespaceName(given)
    const stored = log.written.get(name)
    return stored === undefined
      ? Result.fail(namespaceNotFound(name))
      : Result.succeed({ name, records: countOf(name), ...(stored.schema && { schema: stored.schema }) })
  }

  const deleteNamespace: NamespaceCalls["deleteNamespace"] = (given) => {
    const name = namespaceName(given)
    if (!log.written.has(name)) return Result.fail(namespaceNotFound(name))
    log.commit(name, { _tag: "Drop" })
    return Result.succeed(undefined)
  }

  return {
    named,
    checkRoom,
    namespaces,
    countNamespaces,
    createNamespace,
    describeNamespace,
    deleteNamespace,
    indexedLsn: () => log.visibleLsn
  }
}
