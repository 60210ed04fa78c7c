/** Pieces of a page. */

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }

/** Text as it may stand in an element or an attribute. */
export const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => entities[character] ?? character)

export interface Cell {
  readonly text: string
  readonly number?: boolean
  /** A class of the style sheet. */
  readonly mark?: string | undefined
}

/** A table that scrolls by itself where the screen is too narrow; it can be reached by keyboard then. */
export const table = (
  caption: string,
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<Cell>>
): string => {
  const numbers = head.map((_, at) => rows.some((row) => row[at]?.number === true))
  const classes = (cell: Cell): string => {
    const names = [cell.number === true ? "n" : "", cell.mark ?? ""].filter((name) => name !== "")
    return names.length === 0 ? "" : ` class="${names.join(" ")}"`
  }
  return [
    `<div class="scroll" tabindex="0" role="region" aria-label="${escape(caption)}"><table>`,
    `<caption>${escape(caption)}</caption>`,
    `<thead><tr>${head.map((name, at) => `<th scope="col"${numbers[at] === true ? ' class="n"' : ""}>${escape(name)}</th>`).join("")}</tr></thead>`,
    "<tbody>",
    ...rows.map((row) => `<tr>${row.map((cell) => `<td${classes(cell)}>${escape(cell.text)}</td>`).join("")}</tr>`),
    "</tbody></table></div>"
  ].join("\n")
}
