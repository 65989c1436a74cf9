#!/usr/bin/env node
// The command. In a clone that was never built it says what to do instead of failing with a stack.
import { existsSync } from 'node:fs'
const main = new URL('../dist/main.js', import.meta.url)
if (!existsSync(main)) {
  console.error('Pennypost is not built yet: run "npm install && npm run build", or simply "npm start".')
  process.exit(1)
}
await import(main.href)
