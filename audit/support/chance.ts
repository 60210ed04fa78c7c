/**
 * Numbers by chance that depend on nothing but a seed and a place, so that every process of the audit, and every rerun
 * of one, finds the same record at the same place without reading those before it.
 */

const mix = (state: number, next: number): number => {
  let hash = Math.imul(state ^ next, 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return hash ^ (hash >>> 16)
}

/** A number from 0 to below 1. */
export const chance = (seed: number, ...places: ReadonlyArray<number>): number => {
  let state = mix(seed | 0, 0x9e37_79b9)
  for (const place of places) state = mix(Math.imul(state, 5) + 0x5bd1_e995, place)
  return (mix(state, 0x27d4_eb2f) >>> 0) / 4_294_967_296
}

/** A whole number from 0 to below `count`. */
export const below = (count: number, seed: number, ...places: ReadonlyArray<number>): number =>
  Math.floor(chance(seed, ...places) * count)

/** One of the given. */
export const oneOf = <A>(all: ReadonlyArray<A>, seed: number, ...places: ReadonlyArray<number>): A =>
  all[below(all.length, seed, ...places)]!
