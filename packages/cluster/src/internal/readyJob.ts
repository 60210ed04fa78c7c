/** What ready jobs have in common. */
import type * as DeadLetter from "@effect-connectors/core/DeadLetter"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { Job, Provided } from "../Job.ts"
import type * as Partition from "../Partition.ts"

/** Options of every ready job. */
export interface Options {
  /** Tells this job from others on the same storage. */
  readonly name: string
  /**
   * How often a partition that failed is tried again; see `Job.make`.
   *
   * @default 3
   */
  readonly retries?: number | undefined
}

/** Options of jobs that write records. */
export interface Letters<E, R> {
  /**
   * Where rows go that can not be read or are refused, with why; then they are dealt with. `JobFiles.letters` keeps them in
   * files. Without it a partition that has such rows writes the others and then fails, naming the first of them.
   */
  readonly deadLetters?:
    | ((partition: Partition.Service) => Effect.Effect<DeadLetter.Writer<unknown, E, R>, E, R | Provided>)
    | undefined
}

/** Options of jobs that read files. */
export interface Reading {
  /** Rows that may be read past the first one that has no outcome; see `Resume.Options`. @default 100_000 */
  readonly window?: number | undefined
  /** See `JobFiles.ReadOptions`. @default 16_000_000 */
  readonly maxLineBytes?: number | undefined
}

/** As `Job.make`, for programs of which it is not known what else they need. */
export const make = <P, E, R>(
  { name, retries = 3 }: Options,
  partitions: Schema.Codec<P, unknown>,
  key: (partition: P) => string,
  run: (partition: P) => Effect.Effect<unknown, E, R | Provided>
): Job<P, R> => ({ name, partitions, key, retries, run })
