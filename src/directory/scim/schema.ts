/**
 * The attributes of users and groups (RFC 7643), as a table: what is read, kept, compared and told follows
 * it.
 *
 * Passwords, certificates, photos and messengers are no affair of a proxy: like all that is not in the table
 * they are taken and not kept.
 *
 * @module
 */

export interface Attribute {
  readonly name: string
  readonly type: 'string' | 'boolean' | 'reference' | 'dateTime' | 'complex'
  readonly multiValued: boolean
  readonly description: string
  readonly required: boolean
  readonly caseExact: boolean
  readonly mutability: 'readWrite' | 'readOnly' | 'immutable'
  readonly returned: 'default' | 'always'
  readonly uniqueness: 'none' | 'server'
  readonly referenceTypes?: readonly string[]
  readonly canonicalValues?: readonly string[]
  /**
   * Who somebody is, whether they may come in and what they are in follows from it: a form that can't be read
   * is refused. Of all other attributes it is left out, so that it keeps nothing else of the request from
   * being taken.
   */
  readonly decides?: true
  readonly subAttributes?: readonly Attribute[]
}

export interface Schema {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly attributes: readonly Attribute[]
}

export interface ResourceType {
  readonly name: 'User' | 'Group'
  readonly endpoint: 'Users' | 'Groups'
  readonly schema: Schema
  readonly extensions: readonly Schema[]
}

function text(name: string, description: string, more: Partial<Attribute> = {}): Attribute {
  return {
    name,
    type: 'string',
    multiValued: false,
    description,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...more,
  }
}

const complex = (
  name: string,
  description: string,
  subAttributes: readonly Attribute[],
  more: Partial<Attribute> = {},
): Attribute => text(name, description, { type: 'complex', subAttributes, ...more })

const several = (
  name: string,
  description: string,
  subAttributes: readonly Attribute[],
  more: Partial<Attribute> = {},
): Attribute => complex(name, description, subAttributes, { multiValued: true, ...more })

const DECIDES = { decides: true } as const

/** The usual parts of an attribute with several values (RFC 7643 section 2.4). */
function labelled(value: string, types: readonly string[] = []): readonly Attribute[] {
  return [
    text('value', value, DECIDES),
    text('display', 'A name to show.'),
    text('type', 'What kind it is.', { ...DECIDES, ...(types.length > 0 && { canonicalValues: types }) }),
    text('primary', 'Whether it is the preferred one.', { ...DECIDES, type: 'boolean' }),
  ]
}

const PLACES = ['work', 'home', 'other']

const USER: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'A person.',
  attributes: [
    text('userName', 'Name by which the identity provider knows the person.', {
      ...DECIDES,
      required: true,
      uniqueness: 'server',
    }),
    complex('name', 'Parts of the name.', [
      text('formatted', 'The whole name.'),
      text('familyName', 'Family name.'),
      text('givenName', 'Given name.'),
      text('middleName', 'Middle names.'),
      text('honorificPrefix', 'Title before the name.'),
      text('honorificSuffix', 'What stands behind the name.'),
    ]),
    text('displayName', 'A name to show.'),
    text('nickName', 'Casual name.'),
    text('profileUrl', 'Page about the person.', { type: 'reference', referenceTypes: ['external'] }),
    text('title', 'Title in the organisation.'),
    text('userType', 'Relation to the organisation.'),
    text('preferredLanguage', 'Language.'),
    text('locale', 'Region, for numbers and dates.'),
    text('timezone', 'Time zone, as in the IANA database.'),
    text('active', 'Whether the account may be used. False ends all access.', {
      ...DECIDES,
      type: 'boolean',
    }),
    several(
      'emails',
      'Addresses; those of type "home" and "other" find nobody.',
      labelled('Address.', PLACES),
      DECIDES,
    ),
    several(
      'phoneNumbers',
      'Telephone numbers.',
      labelled('Number.', ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
    ),
    several('addresses', 'Postal addresses.', [
      text('formatted', 'The whole address.'),
      text('streetAddress', 'Street and number.'),
      text('locality', 'City.'),
      text('region', 'State or region.'),
      text('postalCode', 'Postal code.'),
      text('country', 'Country, as in ISO 3166-1.'),
      text('type', 'What kind it is.', { canonicalValues: PLACES }),
      text('primary', 'Whether it is the preferred one.', { type: 'boolean' }),
    ]),
    complex(
      'groups',
      'Groups of the person; changed through the groups.',
      [
        text('value', 'Id of the group.', { mutability: 'readOnly', caseExact: true }),
        text('$ref', 'Address of the group.', {
          type: 'reference',
          referenceTypes: ['Group'],
          mutability: 'readOnly',
        }),
        text('display', 'Name of the group.', { mutability: 'readOnly' }),
        text('type', 'Whether through another group.', {
          mutability: 'readOnly',
          canonicalValues: ['direct', 'indirect'],
        }),
      ],
      { multiValued: true, mutability: 'readOnly' },
    ),
    several('entitlements', 'Entitlements.', labelled('Entitlement.')),
    several('roles', 'Roles.', labelled('Role.')),
  ],
}

const ENTERPRISE: Schema = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  description: 'What an employer knows of a person.',
  attributes: [
    text('employeeNumber', 'Number given by the employer.'),
    text('costCenter', 'Cost center.'),
    text('organization', 'Organization.'),
    text('division', 'Division.'),
    text('department', 'Department.'),
    complex('manager', 'Manager.', [
      text('value', 'Id of the manager.', { caseExact: true }),
      text('$ref', 'Address of the manager.', { type: 'reference', referenceTypes: ['User'] }),
      text('displayName', 'Name of the manager.', { mutability: 'readOnly' }),
    ]),
  ],
}

const GROUP: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'A group of people and of groups.',
  attributes: [
    text('displayName', 'Name of the group.', { ...DECIDES, required: true }),
    several(
      'members',
      'People and groups that are in it.',
      [
        text('value', 'Id of the member.', { ...DECIDES, mutability: 'immutable', caseExact: true }),
        text('$ref', 'Address of the member.', {
          type: 'reference',
          referenceTypes: ['User', 'Group'],
          mutability: 'immutable',
        }),
        text('type', 'What kind of member.', { mutability: 'immutable', canonicalValues: ['User', 'Group'] }),
        text('display', 'Name of the member.'),
      ],
      DECIDES,
    ),
  ],
}

/** What every resource has (RFC 7643 section 3.1); not part of a schema. */
export const COMMON: readonly Attribute[] = [
  text('id', 'Id given by this server.', {
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
  }),
  text('externalId', 'Id given by the client.', { ...DECIDES, caseExact: true }),
  complex(
    'meta',
    'About the resource itself.',
    [
      text('resourceType', 'Its type.', { caseExact: true, mutability: 'readOnly' }),
      text('created', 'When it was made.', { type: 'dateTime', mutability: 'readOnly' }),
      text('lastModified', 'When it was changed.', { type: 'dateTime', mutability: 'readOnly' }),
      text('location', 'Its address.', { type: 'reference', caseExact: true, mutability: 'readOnly' }),
      text('version', 'Its version.', { caseExact: true, mutability: 'readOnly' }),
    ],
    { mutability: 'readOnly' },
  ),
]

export const RESOURCE_TYPES = {
  User: { name: 'User', endpoint: 'Users', schema: USER, extensions: [ENTERPRISE] },
  Group: { name: 'Group', endpoint: 'Groups', schema: GROUP, extensions: [] },
} as const satisfies Record<ResourceType['name'], ResourceType>

export const SCHEMAS: readonly Schema[] = [USER, ENTERPRISE, GROUP]

/** Names compare without case (RFC 7643 section 2.1). */
export function attributeOf(attributes: readonly Attribute[], name: string): Attribute | undefined {
  const known = BY_NAME.get(attributes) ?? byName(attributes)
  return known.get(name.toLowerCase())
}

const BY_NAME = new WeakMap<readonly Attribute[], ReadonlyMap<string, Attribute>>()

/** Requests may hold many names, of which few are attributes. */
function byName(attributes: readonly Attribute[]): ReadonlyMap<string, Attribute> {
  const known = new Map(attributes.map((attribute) => [attribute.name.toLowerCase(), attribute]))
  BY_NAME.set(attributes, known)
  return known
}

export function extensionOf(type: ResourceType, urn: string): Schema | undefined {
  const lower = urn.toLowerCase()
  return type.extensions.find(({ id }) => id.toLowerCase() === lower)
}

/** By its bare name: some clients leave out the URN of the extension, as for `manager`. */
export function extensionWith(type: ResourceType, name: string): Schema | undefined {
  return type.extensions.find(({ attributes }) => attributeOf(attributes, name) !== undefined)
}

export function isCoreSchema({ schema }: ResourceType, urn: string): boolean {
  return urn.toLowerCase() === schema.id.toLowerCase()
}

const OWN = new Map(
  Object.values<ResourceType>(RESOURCE_TYPES).map(({ name, schema }) => [
    name,
    [...COMMON, ...schema.attributes],
  ]),
)

/** Attributes beside those of extensions. */
export function ownAttributes({ name }: ResourceType): readonly Attribute[] {
  return OWN.get(name) ?? []
}
