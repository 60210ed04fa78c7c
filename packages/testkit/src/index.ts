export * as FaultPlan from "./FaultPlan.ts"
export { PineconeEmulator } from "./PineconeEmulator.ts"
export * as PineconeMemory from "./PineconeMemory.ts"
