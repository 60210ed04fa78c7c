/** The schema of a document index as a program gives it. */
import { type GivenFields, read } from "./schema.ts"

/** The fields of documents that are searched, in the form of the official client. All others are metadata. */
export interface DocumentSchema {
  readonly fields: Readonly<Record<string, DocumentField>>
}

/** A field of documents that is searched: at most one is dense, one sparse, and 100 have full-text search. */
export type DocumentField =
  | {
      readonly type: "dense_vector"
      /** 1 to 20,000. */
      readonly dimension: number
      readonly metric: "cosine" | "dotproduct" | "euclidean"
    }
  | { readonly type: "sparse_vector" }
  | { readonly type: "string"; readonly fullTextSearch: FullTextSearch }

/** How the text of a field is cut into tokens. */
export interface FullTextSearch {
  /** @default "en" */
  readonly language?: string | undefined
  /** @default false */
  readonly stemming?: boolean | undefined
  /** Needs `stemming`. @default false */
  readonly stopWords?: boolean | undefined
  /** Parts of words, of so many characters, instead of words. @default words */
  readonly ngram?:
    | { readonly minGram: number; readonly maxGram: number; readonly prefixOnly?: boolean | undefined }
    | undefined
}

/** The schema with every setting filled in, or what is wrong with it. */
export const readGiven = (schema: DocumentSchema) => read(onWire(schema))

const onWire = ({ fields }: DocumentSchema): GivenFields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      field.type === "string" ? { type: field.type, full_text_search: textOnWire(field.fullTextSearch) } : field
    ])
  )

const textOnWire = ({ language, ngram, stemming, stopWords }: FullTextSearch) => ({
  language: language ?? null,
  stemming: stemming ?? null,
  stop_words: stopWords ?? null,
  ngram: ngram ? { min_gram: ngram.minGram, max_gram: ngram.maxGram, prefix_only: ngram.prefixOnly ?? null } : null
})
