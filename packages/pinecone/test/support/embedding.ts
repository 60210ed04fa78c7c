/** An embedding model for tests: two numbers a text, every call kept, some texts refused. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AiError from "effect/ai/AiError"
import * as EmbeddingModel from "effect/ai/EmbeddingModel"

export const failed = (reason: AiError.AiErrorReason) => AiError.make({ module: "Test", method: "embedMany", reason })

/** How often `a` and `b` are in a text. */
export const vectorOf = (text: string): [number, number] => [
  1 + text.split("a").length - 1,
  1 + text.split("b").length - 1
]

/** A model that fails as the script says, call by call, then refuses calls with a text that is `bad`. */
export const scriptedModel = (script: ReadonlyArray<AiError.AiErrorReason | undefined> = []) => {
  const left = [...script]
  const calls: Array<ReadonlyArray<string>> = []
  const layer = Layer.effect(
    EmbeddingModel.EmbeddingModel,
    EmbeddingModel.make({
      embedMany: ({ inputs }) =>
        Effect.suspend(() => {
          calls.push(inputs)
          const reason =
            left.shift() ??
            (inputs.includes("bad") ? new AiError.InvalidRequestError({ description: "a text is bad" }) : undefined)
          return reason === undefined
            ? Effect.succeed({ results: inputs.map(vectorOf), usage: { inputTokens: inputs.length } })
            : Effect.fail(failed(reason))
        })
    })
  )
  return { layer, calls }
}
