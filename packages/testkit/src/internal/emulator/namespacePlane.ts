/** The calls of namespaces, whatever they came over. */
import * as Result from "effect/Result"
import { no } from "../answer.ts"
import type { NamespaceInfo } from "../namespaceCalls.ts"
import { calledBy, type Handler, namespaceOf, type Paged, pageOf, told } from "./dataPlane.ts"
import type * as Requests from "./requests.ts"

const named = (version: string, info: NamespaceInfo): NamespaceInfo => ({ ...info, name: calledBy(version, info.name) })

export interface Namespaces extends Paged {
  readonly namespaces: ReadonlyArray<NamespaceInfo>
  /** On all pages. */
  readonly total: number
}

export const listNamespaces: Handler<typeof Requests.ListNamespaces.Type, Namespaces> = (index, version, request) =>
  Result.gen(function* () {
    const { namespaces, next } = yield* index.store.namespaces(pageOf(request))
    const infos = yield* Result.all(namespaces.map(({ name }) => index.store.describeNamespace(name)))
    return told({
      namespaces: infos.map((info) => named(version, info)),
      next,
      total: index.store.countNamespaces(request.prefix ?? "")
    })
  })

export const createNamespace: Handler<typeof Requests.CreateNamespace.Type, NamespaceInfo> = (
  index,
  version,
  { name, schema }
) =>
  Result.gen(function* () {
    if (!name) return yield* no("A namespace needs a name")
    const namespace = yield* namespaceOf(version, name)
    return told(named(version, yield* index.store.createNamespace({ name: namespace, schema: schema ?? undefined })))
  })

export const describeNamespace: Handler<typeof Requests.OfNamespace.Type, NamespaceInfo> = (
  index,
  version,
  { namespace }
) =>
  Result.gen(function* () {
    return told(named(version, yield* index.store.describeNamespace(yield* namespaceOf(version, namespace))))
  })

export const deleteNamespace: Handler<typeof Requests.OfNamespace.Type, {}> = (index, version, { namespace }) =>
  Result.gen(function* () {
    yield* index.store.deleteNamespace(yield* namespaceOf(version, namespace))
    return told({})
  })
