// node:util's TextDecoder is the one that browsers have.
export const TextDecoder = globalThis.TextDecoder
