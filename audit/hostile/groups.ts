import { config, stepOptions } from "./config.ts"
import { deadLetters, exports, ledgers } from "./files.ts"
import type { Group } from "./group.ts"
import { pineconeRecords, tectonRecords } from "./records.ts"
import { pineconeReplies, tectonReplies } from "./replies.ts"
import { pineconeRequests, tectonRequests } from "./requests.ts"

/** Everything that takes something from outside. The shares make a hundred. */
export const groups: ReadonlyArray<Group> = [
  pineconeReplies,
  tectonReplies,
  pineconeRecords,
  tectonRecords,
  config,
  stepOptions,
  ledgers,
  deadLetters,
  exports,
  pineconeRequests,
  tectonRequests
]
