/**
 * What can be asked for, by address and method, and the answers.
 *
 * @module
 * @see RFC 7644 section 3
 */
import { atOnce, inTurns, type Work } from '../../turns.ts'
import { MOST_RESULTS, resourceTypes, schemas, serviceProviderConfig } from './discovery.ts'
import { type Filter, parseFilter, resourceScope } from './filter.ts'
import { isObject, type Resource } from './read-resource.ts'
import type { Entry } from './records.ts'
import { invalidValue, ScimRefusal } from './refusal.ts'
import { RESOURCE_TYPES, type ResourceType } from './schema.ts'
import type { Precondition, ScimSource } from './scim-source.ts'
import { type Projection, projection, showResource, versionOf, type Wanted } from './show-resource.ts'

export interface ScimRequest {
  readonly method: string
  /** Below the base address, without a slash at either end. */
  readonly path: string
  readonly query: URLSearchParams
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly body: unknown
}

export interface ScimAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Resource
}

interface Scene {
  readonly request: ScimRequest
  readonly source: ScimSource
  readonly baseUrl: string
}

type Action = (scene: Scene, type: ResourceType, id: string) => Promise<ScimAnswer> | ScimAnswer

/** @throws {ScimRefusal} */
export async function answerScim(scene: Scene): Promise<ScimAnswer> {
  const { method, path } = scene.request
  const [first = '', second, ...more] = path.split('/').map(decoded)
  const actions = more.length > 0 ? undefined : actionsAt(first, second)
  if (actions === undefined) throw new ScimRefusal(404, 'nothing is at this address')
  const action = Object.hasOwn(actions, method) ? actions[method] : undefined
  if (action === undefined) throw new MethodRefused(Object.keys(actions))
  const type = Object.values<ResourceType>(RESOURCE_TYPES).find(({ endpoint }) => endpoint === first)
  return await action(scene, type ?? RESOURCE_TYPES.User, second ?? '')
}

export class MethodRefused extends ScimRefusal {
  readonly allowed: string

  constructor(methods: readonly string[]) {
    super(405, 'this address does not know that method')
    this.allowed = methods.join(', ')
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new ScimRefusal(400, 'the address is not well formed', 'invalidSyntax')
  }
}

type Actions = Readonly<Record<string, Action>>

const COLLECTION: Actions = { GET: query, POST: create }
const SEARCH: Actions = { POST: (scene, type) => search(scene, [type]) }
const SEARCH_ALL: Actions = { POST: (scene) => search(scene, Object.values(RESOURCE_TYPES)) }
const ONE: Actions = { GET: read, PUT: replace, PATCH: patch, DELETE: remove }
const CONFIG: Actions = {
  GET: ({ baseUrl }) => ({ status: 200, body: serviceProviderConfig(baseUrl) }),
}

function actionsAt(first: string, second: string | undefined): Actions | undefined {
  switch (first) {
    case 'Users':
    case 'Groups':
      return second === undefined ? COLLECTION : second === '.search' ? SEARCH : ONE
    case '.search':
      return second === undefined ? SEARCH_ALL : undefined
    case 'ServiceProviderConfig':
      return second === undefined ? CONFIG : undefined
    case 'ResourceTypes':
      return described(resourceTypes, second)
    case 'Schemas':
      return described(schemas, second)
    case 'Bulk':
    case 'Me':
      return { GET: notHere, POST: notHere, PUT: notHere, PATCH: notHere, DELETE: notHere }
    default:
      return undefined
  }
}

function notHere(): never {
  throw new ScimRefusal(501, 'this server does not do that')
}

function described(all: (baseUrl: string) => readonly Resource[], id: string | undefined): Actions {
  return {
    GET: ({ baseUrl, request }) => {
      // RFC 7644 section 4: a filter is no question to ask here.
      if (request.query.has('filter')) throw new ScimRefusal(403, 'descriptions can not be filtered')
      const list = all(baseUrl)
      if (id === undefined) return { status: 200, body: listAnswer(list, list.length, 1) }
      const one = list.find((resource) => resource['id'] === id)
      if (one === undefined) throw new ScimRefusal(404, 'there is no such description')
      return { status: 200, body: one }
    },
  }
}

async function query(scene: Scene, type: ResourceType): Promise<ScimAnswer> {
  const { query: asked } = scene.request
  const of = (name: string) => asked.get(name) ?? undefined
  return await findAll(scene, [type], {
    filter: of('filter'),
    startIndex: of('startIndex'),
    count: of('count'),
    wanted: wantedIn(asked),
  })
}

async function search(scene: Scene, types: readonly ResourceType[]): Promise<ScimAnswer> {
  const { body } = scene.request
  if (!isObject(body)) throw new ScimRefusal(400, 'the body must be a JSON object', 'invalidSyntax')
  const { filter, startIndex, count, attributes, excludedAttributes } = body
  return await findAll(scene, types, {
    filter,
    startIndex,
    count,
    wanted: { attributes: namesOf(attributes), excludedAttributes: namesOf(excludedAttributes) ?? [] },
  })
}

interface Question {
  readonly filter: unknown
  readonly startIndex: unknown
  readonly count: unknown
  readonly wanted: Wanted
}

async function findAll(
  { source, baseUrl }: Scene,
  types: readonly ResourceType[],
  question: Question,
): Promise<ScimAnswer> {
  const start = Math.max(1, integerOf('startIndex', question.startIndex) ?? 1)
  const count = Math.min(MOST_RESULTS, Math.max(0, integerOf('count', question.count) ?? DEFAULT_COUNT))
  let total = 0
  let membersShown = 0
  const shown: Resource[] = []
  for (const { type, filter } of filtersOf(types, question.filter)) {
    const projected = projection(type, question.wanted)
    // A filter over members or groups does not look at them: the roster knows who is in which.
    const asked = { roster: source.roster, baseUrl, shows: () => false }
    const listing = { filter, shown: (entry: Entry) => atOnce(showResource(type, entry, asked)) }
    for await (const { id } of source.list(type, listing)) {
      total += 1
      if (total < start || shown.length >= count || membersShown > MOST_MEMBERS_SHOWN) continue
      const entry = await source.find(type, id, projected.shows('members'))
      if (entry === undefined) continue
      const { members } = entry.resource
      membersShown += Array.isArray(members) ? members.length : 0
      shown.push(await inTurns(shownOnly(type, entry, source, baseUrl, projected)))
    }
  }
  return { status: 200, body: listAnswer(shown, total, start) }
}

/**
 * Of all groups of one answer; the client asks for the rest with the next `startIndex` (RFC 7644 section
 * 3.4.2.4).
 */
const MOST_MEMBERS_SHOWN = 100_000

function* shownOnly(
  type: ResourceType,
  entry: Entry,
  { roster }: ScimSource,
  baseUrl: string,
  projected: Projection,
): Work<Resource> {
  const { shows } = projected
  return yield* projected.of(yield* showResource(type, entry, { roster, baseUrl, shows }))
}

const DEFAULT_COUNT = 100

function listAnswer(resources: readonly Resource[], total: number, startIndex: number): Resource {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  }
}

/** Of several types those that know the attributes of the filter. @throws {ScimRefusal} when none does */
function filtersOf(
  types: readonly ResourceType[],
  filter: unknown,
): readonly { readonly type: ResourceType; readonly filter: Filter | undefined }[] {
  if (filter === undefined || filter === '') return types.map((type) => ({ type, filter: undefined }))
  if (typeof filter !== 'string') throw invalidValue('`filter` must be a text')
  let refusal: unknown
  const known = types.flatMap((type) => {
    try {
      return { type, filter: parseFilter(filter, resourceScope(type)) }
    } catch (error) {
      refusal = error
      return []
    }
  })
  if (known.length === 0) throw refusal
  return known
}

function integerOf(name: string, value: unknown): number | undefined {
  if (value === undefined || value === '') return undefined
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  if (!Number.isSafeInteger(number)) throw invalidValue(`\`${name}\` must be a whole number`)
  return Number(number)
}

function wantedIn(asked: URLSearchParams): Wanted {
  return {
    attributes: namesOf(asked.get('attributes') ?? undefined),
    excludedAttributes: namesOf(asked.get('excludedAttributes') ?? undefined) ?? [],
  }
}

function namesOf(value: unknown): readonly string[] | undefined {
  const list: readonly unknown[] =
    typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : []
  const names = new Set<string>()
  for (const name of list) {
    if (typeof name !== 'string' || name.trim() === '') continue
    names.add(name.trim().toLowerCase())
    if (names.size > MOST_NAMES) throw invalidValue(`more than ${MOST_NAMES} attributes are named`)
  }
  return names.size === 0 ? undefined : [...names]
}

/** A resource has some sixty, parts included. */
const MOST_NAMES = 200

async function create(scene: Scene, type: ResourceType): Promise<ScimAnswer> {
  return answerOne(scene, type, await scene.source.create(type, scene.request.body), 201)
}

async function read(scene: Scene, type: ResourceType, id: string): Promise<ScimAnswer> {
  const entry = await scene.source.get(type, id)
  const { ifNoneMatch } = scene.request
  if (ifNoneMatch !== undefined && isNamed(ifNoneMatch, entry))
    return { status: 304, headers: { etag: versionOf(entry) } }
  return answerOne(scene, type, entry, 200)
}

async function replace(scene: Scene, type: ResourceType, id: string): Promise<ScimAnswer> {
  const { source, request } = scene
  return answerOne(scene, type, await source.replace(type, id, request.body, preconditionOf(request)), 200)
}

async function patch(scene: Scene, type: ResourceType, id: string): Promise<ScimAnswer> {
  const { source, request } = scene
  const entry = await source.patch(type, id, request.body, preconditionOf(request))
  // A group may be large, and nobody wants to read all of it because one has joined.
  if (type.name === 'Group' && !request.query.has('attributes'))
    return { status: 204, headers: { etag: versionOf(entry) } }
  return answerOne(scene, type, entry, 200)
}

async function remove({ source, request }: Scene, type: ResourceType, id: string): Promise<ScimAnswer> {
  await source.delete(type, id, preconditionOf(request))
  return { status: 204 }
}

async function answerOne(
  { source, baseUrl, request }: Scene,
  type: ResourceType,
  entry: Entry,
  status: number,
): Promise<ScimAnswer> {
  const projected = projection(type, wantedIn(request.query))
  const location = `${baseUrl}/${type.endpoint}/${entry.id}`
  return {
    status,
    headers: {
      etag: versionOf(entry),
      ...(status === 201 ? { location } : { 'content-location': location }),
    },
    body: await inTurns(shownOnly(type, entry, source, baseUrl, projected)),
  }
}

function preconditionOf({ ifMatch }: ScimRequest): Precondition {
  return (entry) => ifMatch === undefined || isNamed(ifMatch, entry)
}

/** Weak comparison (RFC 9110 section 8.8.3.2). */
function isNamed(tags: string, entry: Entry): boolean {
  const own = versionOf(entry).replace(/^W\//, '')
  return tags.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === own)
}
