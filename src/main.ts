/** The doorway: the process's arguments and terminal to the command line. */
import { runCli } from './cli/cli.ts'
import { processTerminal } from './platform/real/terminal.ts'

process.exitCode = await runCli(process.argv.slice(2), processTerminal())
