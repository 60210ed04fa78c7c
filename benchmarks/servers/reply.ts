/** When a server answers. */
export interface Reply {
  readonly afterMillis: (records: number) => number
  /**
   * Count the records of a REST body and tell the count. Without it a body is dropped as it comes, which costs the machine
   * least. Of protobuf the count costs nothing.
   */
  readonly counted: boolean
}

/** Now, when there is nothing to wait for: a timer of 0 ms is one of 1 ms. */
export const later = (millis: number, answer: () => void): void => {
  if (millis > 0) setTimeout(answer, millis)
  else answer()
}
