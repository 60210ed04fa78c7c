/** An index has one data plane, fixed when it is made; who takes it for another is told before the first call. */
import { InvalidOption } from "@effect-connectors/core/ConnectorError"
import type { Plane } from "./sdkReplies.ts"

const told: Readonly<Record<Plane, string>> = {
  vectors: "is a vector index; use PineconeIndex",
  records: "embeds text by itself and has records; use PineconeRecordIndex",
  documents: "is a document index; use PineconeDocumentIndex"
}

/** An index that embeds text by itself has vectors too. */
const includes = (found: Plane, wanted: Plane): boolean =>
  found === wanted || (found === "records" && wanted === "vectors")

/** Why an index of plane `found` can not be used as one of `wanted`. Of one that is not known nothing is. */
export const wrongPlane = (found: Plane | undefined, wanted: Plane): InvalidOption | undefined =>
  found === undefined || includes(found, wanted)
    ? undefined
    : new InvalidOption({ option: "index", issue: told[found] })
