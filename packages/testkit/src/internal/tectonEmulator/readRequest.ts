/** Reads the body of a read into a request of the store. */
import type { Include } from "@effect-connectors/tecton/TectonApi"
import * as Result from "effect/Result"
import type { ReadRequest } from "../features/featureStore.ts"
import type { WireLookup } from "../features/lookup.ts"
import { bad, type Refusal } from "../features/refusal.ts"
import * as RequestOptions from "../features/requestOptions.ts"
import { entriesOf, type Fields, fieldsOf, textOf } from "./fields.ts"

/** The workspace and the feature service of a request, from its path or its body. */
export interface Subject {
  readonly workspace: string
  readonly service: string
}

export type ReadOperation = "getFeatures" | "getFeaturesBatch" | "queryFeatures"

type Read<A> = Result.Result<A, Refusal>

/** The parameters of a read or of metadata. */
export const paramsOf = (body: unknown): Read<Fields> =>
  Result.flatMap(fieldsOf("The body", body), (fields) => fieldsOf("params", fields.get("params")))

/** What a request is about; what the path says counts. Parts that are not there are `""`. */
export const subjectOf = (params: Fields, path: Subject | undefined): Subject =>
  path ?? {
    workspace: textOf(params.get("workspaceName")),
    service: textOf(params.get("featureServiceName"))
  }

export const checkSubject = ({ service, workspace }: Subject, params: Fields): Read<void> => {
  if (workspace === "") return Result.fail(bad("Missing required field: workspaceName"))
  if (service !== "") return Result.void
  return Result.fail(
    bad(
      params.has("featureServiceId")
        ? "The emulator knows feature services by name: give featureServiceName"
        : "Missing required field: featureServiceName"
    )
  )
}

/** Rows that a request asks for: each counts as a request. */
export const rowsOf = (operation: ReadOperation, params: Fields): number => {
  const rows = operation === "getFeaturesBatch" ? params.get("requestData") : undefined
  return Array.isArray(rows) ? rows.length : 1
}

const lookupOf = (fields: Fields): Read<WireLookup> =>
  Result.gen(function* () {
    return {
      joinKeys: yield* entriesOf("joinKeyMap", fields.get("joinKeyMap")),
      requestContext: yield* entriesOf("requestContextMap", fields.get("requestContextMap"))
    }
  })

const includeOf = (params: Fields): Read<Include> =>
  Result.gen(function* () {
    const options = yield* fieldsOf("metadataOptions", params.get("metadataOptions"))
    const flag = (name: string) => RequestOptions.readBoolean(name, options.get(name))
    return {
      names: yield* flag("includeNames"),
      dataTypes: yield* flag("includeDataTypes"),
      effectiveTimes: yield* flag("includeEffectiveTimes"),
      servingStatus: yield* flag("includeServingStatus"),
      sloInfo: yield* flag("includeSloInfo"),
      descriptions: yield* flag("includeFeatureDescriptions"),
      tags: yield* flag("includeFeatureTags")
    }
  })

const lookupsOf = (params: Fields): Read<ReadonlyArray<WireLookup>> => {
  const rows: unknown = params.get("requestData")
  return Array.isArray(rows)
    ? Result.all(rows.map((row: unknown) => Result.flatMap(fieldsOf("requestData", row), lookupOf)))
    : Result.fail(bad("Missing required field: requestData"))
}

/** How long a read may wait for the online store; of a body that can not be read nothing is known. */
export const budgetOf = (params: Fields): number | undefined => {
  const options = Result.flatMap(fieldsOf("requestOptions", params.get("requestOptions")), RequestOptions.read)
  return Result.isSuccess(options) ? options.success.latencyBudgetMillis : undefined
}

/** Reads the parameters of a read whose subject is known. */
export const read = (
  operation: ReadOperation,
  service: string,
  params: Fields,
  taken: Pick<ReadRequest, "timedOut" | "seconds">
): Read<ReadRequest> =>
  Result.gen(function* () {
    const options = yield* RequestOptions.read(yield* fieldsOf("requestOptions", params.get("requestOptions")))
    const common = {
      ...options,
      ...taken,
      service,
      include: yield* includeOf(params),
      allowPartialResults: yield* RequestOptions.readBoolean("allowPartialResults", params.get("allowPartialResults"))
    }
    return operation === "getFeaturesBatch"
      ? { ...common, operation, lookups: yield* lookupsOf(params) }
      : { ...common, operation, lookup: yield* lookupOf(params) }
  })
