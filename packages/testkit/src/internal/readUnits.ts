/**
 * What reads cost, by the service's documentation. A gigabyte is taken as 10^9 bytes of the records' protobuf form,
 * and a query of one and a half gigabytes as 1.5 units; the documentation says neither.
 */

/** 1 for each gigabyte of the namespace, at least 0.25. */
export const ofQuery = (namespaceBytes: number): number => Math.max(0.25, namespaceBytes / 1e9)

/** 1 for every 10 records, at least 1. */
export const ofFetch = (records: number): number => Math.max(1, Math.ceil(records / 10))

export const ofList = 1
