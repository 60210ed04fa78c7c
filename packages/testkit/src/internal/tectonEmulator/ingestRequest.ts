/** Reads the body of an ingest call, and writes its reply. */
import type { IngestReply } from "@effect-connectors/tecton/TectonApi"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Reply } from "../emulator/call.ts"
import { json } from "../emulator/reply.ts"
import type { Assumptions } from "../features/assumptions.ts"
import type { WriteRequest } from "../features/featureStore.ts"
import { bad, type Refusal } from "../features/refusal.ts"
import { entriesOf, type Fields } from "./fields.ts"

type Read<A> = Result.Result<A, Refusal>

const required = (name: string) => Result.fail(bad(`Missing required field: ${name}`))

/** The names of the sources a call is about. */
export const sourcesOf = (fields: Fields): ReadonlyArray<string> => {
  const records = entriesOf("records", fields.get("records"))
  return Result.isSuccess(records) ? [...records.success.keys()] : []
}

export const workspaceOf = (fields: Fields): Read<string> => {
  const workspace = fields.get("workspaceName")
  return typeof workspace === "string" && workspace !== "" ? Result.succeed(workspace) : required("workspace_name")
}

const dryRunOf = (fields: Fields, { dryRun }: Pick<Assumptions, "dryRun">): Read<boolean> => {
  const given = fields.get("dryRun")
  if (typeof given === "boolean") return Result.succeed(given)
  if (given !== undefined && given !== null) return Result.fail(bad("dry_run has to be a boolean"))
  return dryRun === "required" ? required("dry_run") : Result.succeed(false)
}

const recordsOf = (source: string, list: unknown): Read<ReadonlyArray<unknown>> => {
  if (!Array.isArray(list)) return Result.fail(bad(`The records of ${source} have to be a list`))
  const records: Array<unknown> = []
  for (const wrapper of list) {
    if (!Predicate.hasProperty(wrapper, "record")) {
      return Result.fail(bad(`Each record of ${source} has to be {"record": {...}}`))
    }
    records.push(wrapper.record)
  }
  return Result.succeed(records)
}

/** Reads the fields of a call beside its workspace. */
export const read = (fields: Fields, assumptions: Pick<Assumptions, "dryRun">): Read<WriteRequest> =>
  Result.gen(function* () {
    const dryRun = yield* dryRunOf(fields, assumptions)
    const given = fields.get("records")
    if (given === undefined || given === null) return yield* required("records")
    const records = new Map<string, ReadonlyArray<unknown>>()
    for (const [source, list] of yield* entriesOf("records", given)) {
      records.set(source, yield* recordsOf(source, list))
    }
    return { dryRun, records }
  })

/** Counts are text, as int64s are. There is no offline store, so nothing is said of one. */
export const reply = (workspace: string, { featureViews }: IngestReply): Reply =>
  json(200, {
    workspaceName: workspace,
    ingestMetrics: {
      featureViewIngestMetrics: featureViews.map(({ name, online }) => ({
        featureViewName: name,
        onlineRecordIngestCount: String(online ?? 0n)
      }))
    }
  })
