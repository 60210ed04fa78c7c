export * as Filter from "./Filter.ts"
export { PineconeError } from "./PineconeError.ts"
export { PineconeIndex } from "./PineconeIndex.ts"
export * as VectorRecord from "./VectorRecord.ts"
