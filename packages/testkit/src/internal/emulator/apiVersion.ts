/**
 * What differs between versions of the API. Versions are dates and compare as text; a preview such as
 * `2026-01.alpha` is that month with a suffix.
 */

/** Are indexes described by their schema? From 2026-07 on, and in the preview of it. */
export const isSchemaBased = (version: string): boolean => version >= "2026-07" || version === "2026-01.alpha"

/** Has the default namespace the name `__default__`? Before 2025-04 it is `""`, and that name is refused. */
export const namesDefault = (version: string): boolean => version >= "2025-04"
