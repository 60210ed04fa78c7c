/** Writes replies of the feature server, in camel case. Lists that are empty are left out. */
import * as DataType from "@effect-connectors/tecton/DataType"
import type { Column, FeaturesReply, Metadata } from "@effect-connectors/tecton/TectonApi"
import type { Reply } from "../emulator/call.ts"
import { json } from "../emulator/reply.ts"
import type { ReadOperation } from "./readRequest.ts"

const item = ({ dataType, ...rest }: Column) => ({
  ...rest,
  ...(dataType === undefined ? {} : { dataType: DataType.toWire(dataType) })
})

const present = <A>(name: string, list: ReadonlyArray<A>): { readonly [name: string]: ReadonlyArray<A> } =>
  list.length === 0 ? {} : { [name]: list }

/**
 * A vector, or several of them. That the status of a query is a list with one entry for each row, as that of a batch,
 * is a guess.
 */
export const features = (operation: ReadOperation, reply: FeaturesReply): Reply => {
  const { batchSloInfo, columns, joinKeyColumns, partialResults, rows } = reply
  const isSingle = operation === "getFeatures"
  const vectors = rows.map(({ joinKeys, values }) => ({
    features: values,
    ...(joinKeys === undefined ? {} : { joinKeys })
  }))
  const items = columns.map((column, at) => {
    const statuses = rows.flatMap((row) => row.statuses?.[at] ?? [])
    return {
      ...item(column),
      ...(statuses.length === 0 ? {} : { status: isSingle ? statuses[0] : statuses })
    }
  })
  const slos = rows.flatMap((row) => row.sloInfo ?? [])
  const metadata = {
    ...present("features", items),
    ...present("joinKeys", joinKeyColumns.map(item)),
    ...(slos.length === 0 ? {} : { sloInfo: isSingle ? slos[0] : slos }),
    ...(batchSloInfo === undefined ? {} : { batchSloInfo }),
    ...(partialResults === undefined ? {} : { partialResults })
  }
  return json(200, {
    ...(operation === "queryFeatures" ? { results: vectors } : { result: isSingle ? vectors[0] : vectors }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata })
  })
}

const named = ({ dataType, name }: DataType.Field) => ({ name, dataType: DataType.toWire(dataType) })

/** What a feature service takes and gives. */
export const metadata = ({ features, joinKeys, outputJoinKeys, requestContext, type }: Metadata): Reply =>
  json(200, {
    featureServiceType: type,
    ...present("inputJoinKeys", joinKeys.map(named)),
    ...present("inputRequestContextKeys", requestContext.map(named)),
    ...present("outputJoinKeys", outputJoinKeys.map(named)),
    ...present("featureValues", features.map(named))
  })
