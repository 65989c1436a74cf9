/** docs/library/system.md: its examples are right in types, and run. */
import { testExamples } from './examples.ts'

testExamples('system', 4)
