export * as ConnectorError from "./ConnectorError.ts"
export * as Outcome from "./Outcome.ts"
