/**
 * What is used of `effect/ai`, which Effect tags unstable: here and nowhere else. They are types and one name: to import the
 * module costs a program 70 ms at its start, whether it embeds or not.
 */
import type * as Model from "effect/ai/EmbeddingModel"
import * as Context from "effect/Context"

export type { AiError } from "effect/ai/AiError"

/** @see `EmbeddingModel` of `effect/ai` */
export type EmbeddingModel = Model.EmbeddingModel

/** The key of the same service, which is known by its name. */
export const EmbeddingModel: typeof Model.EmbeddingModel = Context.Service("effect/ai/EmbeddingModel")
