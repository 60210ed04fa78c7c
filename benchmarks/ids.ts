/** Ids that begin with one of some numbers, so that an index can be read in as many parts side by side. */

/** With `#` behind it none is the start of another. */
export const prefixesOf = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, i) => `${i}#`)

export const idOf = (record: number, prefixes: number): string => `${record % prefixes}#record-${record}`
