/**
 * What this server can do, for clients that ask (RFC 7643 sections 5 to 7). Pure.
 *
 * @module
 */
import type { Resource } from './read-resource.ts'
import { type Attribute, RESOURCE_TYPES, type ResourceType, SCHEMAS, type Schema } from './schema.ts'

/** Resources in one answer to a query. */
export const MOST_RESULTS = 1000

export function serviceProviderConfig(baseUrl: string): Resource {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MOST_RESULTS },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'The `token` of the source in the configuration.',
        specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
  }
}

export function resourceTypes(baseUrl: string): readonly Resource[] {
  return Object.values<ResourceType>(RESOURCE_TYPES).map(({ name, endpoint, schema, extensions }) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    endpoint: `/${endpoint}`,
    description: schema.description,
    schema: schema.id,
    schemaExtensions: extensions.map(({ id }) => ({ schema: id, required: false })),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${name}` },
  }))
}

export function schemas(baseUrl: string): readonly Resource[] {
  return SCHEMAS.map(({ id, name, description, attributes }: Schema) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id,
    name,
    description,
    attributes: attributes.map(shown),
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${id}` },
  }))
}

/** Not every property of an attribute belongs to every type (RFC 7643 section 7). */
function shown(full: Attribute): Resource {
  const { caseExact, uniqueness, subAttributes, decides: _, ...attribute } = full
  if (attribute.type === 'complex') return { ...attribute, subAttributes: (subAttributes ?? []).map(shown) }
  return attribute.type === 'boolean' ? attribute : { ...attribute, caseExact, uniqueness }
}
