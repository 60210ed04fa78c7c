/** A point of upserts: its settings, and the records. */
import { largestBatch, type LoadRecord, records } from "../load.ts"
import type { Task } from "./contend.ts"

export interface UpsertPoint {
  readonly records: Array<LoadRecord>
  /** `auto` is the most that fits into a call. */
  readonly batch: number | "auto"
  /** The batch of a program that has to know it beforehand. */
  readonly fixedBatch: number
  readonly concurrency: number
  /** Bytes of a call: the service documents 2 MB. A fixed batch is sent as it is, also where it takes more. */
  readonly maxRequestBytes: number
}

const documentedBytes = 2_000_000
const documentedRecords = 1000

export const upsertPoint = ({ at }: Task): UpsertPoint => {
  const all = records(Number(at["dimension"]))
  const batch = at["batch"] === "auto" ? "auto" : Number(at["batch"])
  return {
    records: all,
    batch,
    fixedBatch: batch === "auto" ? largestBatch(all, documentedBytes, documentedRecords) : batch,
    concurrency: Number(at["concurrency"]),
    maxRequestBytes: batch === "auto" ? documentedBytes : 50_000_000
  }
}

/** The address of the server for the point's latency. */
export const addressOf = ({ addresses, at }: Task, protocol: "rest" | "grpc"): string =>
  addresses[`${protocol}-${at["latencyMillis"] ?? 0}`] ?? ""
