/**
 * Request, record and byte quotas per second, each a token bucket that holds one second's worth.
 *
 * A bucket that is full again says no more than one that was never made, so idle ones are dropped without a trace: the
 * memory is bounded by the namespaces in use within the last seconds.
 */
import type { Answer } from "../../FaultPlan.ts"
import { namespaceName } from "../namespaceCalls.ts"
import type { Call } from "./call.ts"
import { refuseFor } from "./envelopes.ts"
import { errorReply } from "./errorReply.ts"
import type { Counters, Fault } from "./faults.ts"

/** A call, with what only its body tells. */
export interface Metered extends Call {
  /** Records that a delete or an update names. @default 1 */
  readonly records?: number | undefined
  /** Is it an update or a delete by metadata? @default false */
  readonly byMetadata?: boolean | undefined
}

/**
 * What one second allows; `Infinity` sets no quota, 0 refuses all. Source: Pinecone's documentation (rate limits), the
 * same on all plans. Not emulated: read units per second, the lower numbers of sparse indexes (set them here), and
 * project-wide limits of inference. Whether updates and deletes by metadata share one quota is not documented; here
 * each has its own, and counts to no other.
 */
export interface Quotas {
  /** 100 as documented. */
  readonly upsertRequestsPerNamespace: number
  /** Bytes of request bodies, as documented "50 MB": that these are 52,428,800 bytes of JSON is a guess. */
  readonly upsertBytesPerNamespace: number
  /** 100 as documented. */
  readonly queryRequestsPerNamespace: number
  /** Updates by id: 100 as documented. */
  readonly updateRequestsPerNamespace: number
  /** Records of updates by id, one of vectors each, of documents as many as there are: 100 as documented. */
  readonly updateRecordsPerNamespace: number
  /** 5 as documented. */
  readonly updateByMetadataRequestsPerNamespace: number
  /** 500 as documented. */
  readonly updateByMetadataRequestsPerIndex: number
  /** 100 as documented. */
  readonly deleteRequestsPerNamespace: number
  /** 5,000 as documented. */
  readonly deleteRecordsPerNamespace: number
  /** 5,000 as documented. */
  readonly deleteRecordsPerIndex: number
  /** 5 as documented. */
  readonly deleteByMetadataRequestsPerNamespace: number
  /** 500 as documented. */
  readonly deleteByMetadataRequestsPerIndex: number
  /** 100 as documented. */
  readonly fetchRequestsPerIndex: number
  /** 5 as documented. */
  readonly fetchByMetadataRequestsPerNamespace: number
  /** 200 as documented. */
  readonly listRequestsPerIndex: number
  /** 100 as documented. */
  readonly statsRequestsPerIndex: number
}

/** The numbers of Pinecone's documentation. */
export const documented: Quotas = {
  upsertRequestsPerNamespace: 100,
  upsertBytesPerNamespace: 52_428_800,
  queryRequestsPerNamespace: 100,
  updateRequestsPerNamespace: 100,
  updateRecordsPerNamespace: 100,
  updateByMetadataRequestsPerNamespace: 5,
  updateByMetadataRequestsPerIndex: 500,
  deleteRequestsPerNamespace: 100,
  deleteRecordsPerNamespace: 5_000,
  deleteRecordsPerIndex: 5_000,
  deleteByMetadataRequestsPerNamespace: 5,
  deleteByMetadataRequestsPerIndex: 500,
  fetchRequestsPerIndex: 100,
  fetchByMetadataRequestsPerNamespace: 5,
  listRequestsPerIndex: 200,
  statsRequestsPerIndex: 100
}

/** No quotas. */
export const none: Quotas = {
  upsertRequestsPerNamespace: Infinity,
  upsertBytesPerNamespace: Infinity,
  queryRequestsPerNamespace: Infinity,
  updateRequestsPerNamespace: Infinity,
  updateRecordsPerNamespace: Infinity,
  updateByMetadataRequestsPerNamespace: Infinity,
  updateByMetadataRequestsPerIndex: Infinity,
  deleteRequestsPerNamespace: Infinity,
  deleteRecordsPerNamespace: Infinity,
  deleteRecordsPerIndex: Infinity,
  deleteByMetadataRequestsPerNamespace: Infinity,
  deleteByMetadataRequestsPerIndex: Infinity,
  fetchRequestsPerIndex: Infinity,
  fetchByMetadataRequestsPerNamespace: Infinity,
  listRequestsPerIndex: Infinity,
  statsRequestsPerIndex: Infinity
}

export interface Options {
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /**
   * How a refusal says when to come back; it is the time until the call would pass, at least a second. No answer of
   * the service with this header is known. @default "none"
   */
  readonly retryAfter?: "none" | "seconds" | "date" | undefined
  /** Which of the two forms a refusal has on the service is not known. @default "json" */
  readonly format?: Answer["format"]
}

/** Quotas at work. */
export interface QuotaGate {
  /** Takes what the call needs of each of its quotas, or refuses it and takes nothing. */
  readonly decide: (call: Metered) => Fault | undefined
  /** How often each quota refused a call; without those that never did. */
  readonly refused: () => Counters
  /** Quotas unused, counters at 0. */
  readonly reset: () => void
  /** Indexes and namespaces that buckets are held for now. */
  readonly held: () => number
}

export const make = (quotas: Quotas, options: Options): QuotaGate => {
  const { clock, retryAfter = "none", format } = options
  const rules = ruleBook(quotas)
  const isFree = rules.size === 0
  /** Buckets by index, then by namespace; those of the index as a whole are at `undefined`. */
  let buckets = new Map<string, Map<string | undefined, Map<Rule, Bucket>>>()
  let refused: Record<string, number> = {}
  let sweepAt = -Infinity

  const bucketOf = (rule: Rule, index: string, namespace: string, now: number): Bucket => {
    const scopes = getOrMake(buckets, index, () => new Map<string | undefined, Map<Rule, Bucket>>())
    const scope = getOrMake(scopes, rule.per === "index" ? undefined : namespace, () => new Map<Rule, Bucket>())
    const bucket = getOrMake(scope, rule, () => ({ tokens: rule.perSecond, at: now }))
    refill(rule, bucket, now)
    return bucket
  }

  const sweep = (now: number): void => {
    sweepAt = now + 1_000
    for (const [index, scopes] of buckets) {
      for (const [namespace, scope] of scopes) {
        for (const [rule, bucket] of scope) {
          refill(rule, bucket, now)
          if (bucket.tokens >= rule.perSecond) scope.delete(rule)
        }
        if (scope.size === 0) scopes.delete(namespace)
      }
      if (scopes.size === 0) buckets.delete(index)
    }
  }

  const refuse = (rule: Rule, call: Metered, seconds: number): Fault => {
    refused[rule.name] = (refused[rule.name] ?? 0) + 1
    const answer = {
      status: 429,
      message: rule.message(call),
      format,
      ...(retryAfter === "none"
        ? {}
        : { retryAfter: Math.max(1, Math.min(maxWait, Math.ceil(seconds))), retryAfterAs: retryAfter })
    }
    return { _tag: "Answer", reply: errorReply(answer, refuseFor(call), clock) }
  }

  return {
    decide: (call) => {
      const { index } = call
      if (isFree || index === undefined) return undefined
      const namespace = namespaceName(call.namespace)
      const applicable = rules.get(ruleKey(call))
      if (applicable === undefined) return undefined
      const now = clock()
      if (now >= sweepAt) sweep(now)
      for (const rule of applicable) {
        const { tokens } = bucketOf(rule, index, namespace, now)
        // A call that needs more than a second's worth passes when the bucket is full, and leaves a debt.
        const missing = Math.min(rule.cost(call), rule.perSecond) - tokens
        const seconds = rule.perSecond > 0 ? missing / rule.perSecond : Infinity
        if (seconds > 0) return refuse(rule, call, seconds)
      }
      for (const rule of applicable) bucketOf(rule, index, namespace, now).tokens -= rule.cost(call)
      return undefined
    },
    refused: () => ({ ...refused }),
    reset: () => {
      buckets = new Map()
      refused = {}
    },
    held: () => Array.from(buckets.values()).reduce((sum, scopes) => sum + scopes.size, 0)
  }
}

/** Seconds a `Retry-After` asks for at most. */
const maxWait = 86_400

interface Bucket {
  /** What may still be used; below 0 after a call larger than the bucket. */
  tokens: number
  at: number
}

const refill = (rule: Rule, bucket: Bucket, now: number): void => {
  if (now > bucket.at) {
    bucket.tokens = Math.min(rule.perSecond, bucket.tokens + ((now - bucket.at) / 1_000) * rule.perSecond)
  }
  bucket.at = now
}

const getOrMake = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}

interface Rule {
  readonly name: keyof Quotas
  readonly per: "namespace" | "index"
  readonly perSecond: number
  readonly cost: (call: Metered) => number
  readonly message: (call: Metered) => string
}

const ruleKey = (call: Metered): string => (call.byMetadata === true ? `${call.operation}ByMetadata` : call.operation)

const oneRequest = (): number => 1
const records = (call: Metered): number => call.records ?? 1
const bytes = (call: Metered): number => call.bytes

/**
 * The rules of each operation; those with no limit are left out. The texts of requests and of bytes per namespace were
 * seen on the service, for upserts; the others follow them.
 */
const ruleBook = (quotas: Quotas): ReadonlyMap<string, ReadonlyArray<Rule>> => {
  const rule = (
    name: keyof Quotas,
    per: Rule["per"],
    cost: Rule["cost"],
    limit: (what: string, perSecond: number) => string
  ): Rule => {
    const perSecond = quotas[name]
    return {
      name,
      per,
      perSecond,
      cost,
      message: ({ index, namespace, operation }) => {
        const where = per === "index" ? `index ${index}` : `namespace ${namespaceName(namespace)}`
        return `Request failed. You've reached the ${limit(where, perSecond)}. Pace your ${operation} requests or contact Pinecone Support.`
      }
    }
  }
  const requests = (name: keyof Quotas, per: Rule["per"], verb: string): Rule =>
    rule(name, per, oneRequest, (where, perSecond) => `${verb} QPS limit for ${where} (${perSecond} QPS)`)

  const perRecord = (name: keyof Quotas, per: Rule["per"], verb: string): Rule =>
    rule(
      name,
      per,
      records,
      (where, perSecond) => `${verb} records limit per second for ${where} (${perSecond} records per second)`
    )
  const byOperation: Record<string, ReadonlyArray<Rule>> = {
    upsert: [
      requests("upsertRequestsPerNamespace", "namespace", "upsert"),
      rule(
        "upsertBytesPerNamespace",
        "namespace",
        bytes,
        (where, perSecond) => `max upsert size limit per second for ${where} (${size(perSecond)} per second)`
      )
    ],
    query: [requests("queryRequestsPerNamespace", "namespace", "query")],
    search: [requests("queryRequestsPerNamespace", "namespace", "query")],
    update: [
      requests("updateRequestsPerNamespace", "namespace", "update"),
      perRecord("updateRecordsPerNamespace", "namespace", "update")
    ],
    updateByMetadata: [
      requests("updateByMetadataRequestsPerNamespace", "namespace", "update by metadata"),
      requests("updateByMetadataRequestsPerIndex", "index", "update by metadata")
    ],
    delete: [
      requests("deleteRequestsPerNamespace", "namespace", "delete"),
      perRecord("deleteRecordsPerNamespace", "namespace", "delete"),
      perRecord("deleteRecordsPerIndex", "index", "delete")
    ],
    deleteByMetadata: [
      requests("deleteByMetadataRequestsPerNamespace", "namespace", "delete by metadata"),
      requests("deleteByMetadataRequestsPerIndex", "index", "delete by metadata")
    ],
    fetch: [requests("fetchRequestsPerIndex", "index", "fetch")],
    fetchByMetadata: [requests("fetchByMetadataRequestsPerNamespace", "namespace", "fetch by metadata")],
    list: [requests("listRequestsPerIndex", "index", "list")],
    stats: [requests("statsRequestsPerIndex", "index", "stats")]
  }
  return new Map(
    Object.entries(byOperation)
      .map(([operation, all]) => [operation, all.filter((one) => one.perSecond !== Infinity)] as const)
      .filter(([, limited]) => limited.length > 0)
  )
}

const size = (bytes: number): string => (bytes % 1_048_576 === 0 ? `${bytes / 1_048_576} MB` : `${bytes} bytes`)
