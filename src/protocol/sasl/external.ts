/** EXTERNAL: the client's certificate says who it is; the client says at most as whom it wants to act. RFC 4422 appendix A. */
import { utf8 } from '../../base/bytes.ts'
import type { VouchedSource } from './authenticator.ts'
import type { SaslMechanism } from './mechanism.ts'

export function external(accounts: VouchedSource): SaslMechanism {
  return {
    name: 'EXTERNAL',
    plaintext: false,
    fits: ({ clientAddresses }) => (clientAddresses?.().length ?? 0) > 0,
    begin: ({ tls, peer }) => ({
      async step(response) {
        if (!response) return new Uint8Array(0)
        return accounts.signInVouched(tls?.clientAddresses?.() ?? [], utf8(response), peer)
      },
    }),
  }
}
