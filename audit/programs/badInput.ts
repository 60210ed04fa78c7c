/** Gives hostile inputs to the code, in a process of its own: a crash or a hang of it is then seen from outside. */
import { Argument, give } from "../hostile/give.ts"
import { groups } from "../hostile/groups.ts"
import { run } from "./program.ts"

run(Argument, (argument) => give(groups, argument))
