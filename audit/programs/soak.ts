/** Writes and reads at a constant rate by both connectors for a time. */
import { Argument, soak } from "../support/soak.ts"
import { run } from "./program.ts"

run(Argument, (argument) => soak(argument))
