/** The extension `copy`: the implicit keep stands. RFC 3894 §3. */
import type { Extension } from '../declare.ts'

export const copy: Extension = {
  capabilities: ['copy'],
  tags: [{ name: 'copy', on: ['fileinto', 'redirect'] }],
  adjust: (_run, action, tags) =>
    tags?.has('copy') && (action.kind === 'fileinto' || action.kind === 'redirect')
      ? { ...action, copy: true }
      : action,
}
