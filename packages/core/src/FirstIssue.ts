/** What a schema found wrong first, in the form errors have: where, and one line of what. */
import * as Predicate from "effect/Predicate"
import * as SchemaIssue from "effect/SchemaIssue"

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** So that it can follow the name of what is wrong. */
const worded = (message: string): string =>
  message
    .replace(/^Expected no excess property$/, "should not be there")
    .replace(/^Expected (?=\S)/, "must be ")
    .replace(/^Missing key$/, "is missing")

/** The first issue. An empty path is the value itself. */
export const firstIssue = (
  issue: SchemaIssue.Issue
): { readonly path: ReadonlyArray<string>; readonly message: string } => {
  const [first] = issuesOf(issue).issues
  return {
    path: (first?.path ?? []).map((segment) => String(Predicate.isObject(segment) ? segment.key : segment)),
    message: worded(first?.message ?? "is not what it should be")
  }
}
