/** What a subcommand's file exports: how it adds itself to the program. */
import type { Command } from 'commander'
import type { Terminal } from '../platform/real/terminal.ts'

/** @param fail sets the exit status of a command that did its work and found a fault. */
export type Subcommand = (program: Command, terminal: Terminal, fail: (status: number) => void) => void
