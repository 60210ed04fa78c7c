/** The name every version of the API gives to the namespace of a caller who names none. */
export const defaultNamespace = "__default__"

/** `""` is the default namespace, too. */
export const namespaceName = (name: string): string => (name === "" ? defaultNamespace : name)
