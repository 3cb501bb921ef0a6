/**
 * What an app's host tells the authenticate host when somebody has signed out there.
 *
 * The session record is gone by then, so what the provider's own sign-out page needs as a hint travels with
 * the user agent, sealed; its address is made where it is needed.
 *
 * @module
 */
import { z } from 'zod'
import type { Sealer } from '../crypto/seal.ts'

const SignOutOrder = z.strictObject({
  userId: z.string(),
  idpId: z.string(),
  /** The one that has ended. */
  sessionId: z.string().optional(),
  idTokenHint: z.string().optional(),
  logoutHint: z.string().optional(),
})
export type SignOutOrder = z.output<typeof SignOutOrder>

export const ORDER_PARAMETER = 'pomerium_sign_out'

const PLACE = 'sign-out'

export function sealSignOutOrder(order: SignOutOrder, sealer: Sealer): string {
  return sealer.sealPacked(JSON.stringify(order), PLACE)
}

/** `undefined` when it was not sealed here. */
export function openSignOutOrder(sealed: string, sealer: Sealer): SignOutOrder | undefined {
  const plain = sealer.open(sealed, PLACE)
  return plain === undefined ? undefined : SignOutOrder.safeParse(JSON.parse(plain)).data
}
