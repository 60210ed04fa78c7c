/** Streams many vectors through the real client, and tells how much memory the process has at each percent. */
import { Argument, load } from "../support/memoryLoad.ts"
import { run } from "./program.ts"

run(Argument, (argument) => load(argument))
