/**
 * A SCIM request that is answered with an error, in the words of the protocol.
 *
 * @module
 */

/** @see RFC 7644 section 3.12, table 9 */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'

export class ScimRefusal extends Error {
  override readonly name = 'ScimRefusal'
  readonly status: number
  readonly scimType: ScimType | undefined

  /** @param detail for whoever set up the client; it is sent to it */
  constructor(status: number, detail: string, scimType?: ScimType) {
    super(detail)
    this.status = status
    this.scimType = scimType
  }
}

export const invalidValue = (detail: string) => new ScimRefusal(400, detail, 'invalidValue')
export const invalidPath = (detail: string) => new ScimRefusal(400, detail, 'invalidPath')
export const invalidFilter = (detail: string) => new ScimRefusal(400, detail, 'invalidFilter')
