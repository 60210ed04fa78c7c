/** Sets an own field of an object that is being built, whatever the field is called. */
export const setField = <A>(record: { [name: string]: A }, name: string, value: A): void => {
  if (name === "__proto__") {
    Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true })
  } else {
    record[name] = value
  }
}
