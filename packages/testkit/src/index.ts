export * as PineconeMemory from "./PineconeMemory.ts"
