/** What is used of `effect/ai`, which Effect tags unstable: here and nowhere else. */
export type { AiError } from "effect/ai/AiError"
export { EmbeddingModel } from "effect/ai/EmbeddingModel"
