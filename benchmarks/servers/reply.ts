/** When a server answers, and whether it looks at what it is sent. */
export interface Reply {
  readonly afterMillis: (records: number) => number
  /** Count records and tell the count. Without it a body is dropped as it comes, which costs the machine least. */
  readonly counted: boolean
}

/** Now, when there is nothing to wait for: a timer of 0 ms is one of 1 ms. */
export const later = (millis: number, answer: () => void): void => {
  if (millis > 0) setTimeout(answer, millis)
  else answer()
}
